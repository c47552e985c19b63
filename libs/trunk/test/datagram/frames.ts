import { createOffloadHint, type OffloadHint } from '@wakunet/ethernet'
import { GSO_NONE, GSO_TCPV4, GSO_UDP_L4, NEEDS_CSUM } from '@wakunet/interface'
import {
  createDecodedRecord,
  decodeRecord,
  encodeRecordHeader,
  RECORD_FRAME_HEADER_BYTES,
  RECORD_HEADER_BYTES,
  readFrameHint,
  writeFrameHeader,
} from '@wakunet/record'

const ETHERNET_BYTES = 14
const IPV4_BYTES = 20
const L4 = ETHERNET_BYTES + IPV4_BYTES

export interface Frame {
  readonly bytes: Uint8Array
  readonly hint: OffloadHint
}

export const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill)

/** A frame without offloads. */
export function plainFrame(bytes: Uint8Array): Frame {
  return { bytes, hint: createOffloadHint() }
}

/** TCP over IPv4 as a TAP hands it out: the checksum is partial; more payload than a segment makes a super-frame. */
export function tcpFrame(payload: Uint8Array, segmentBytes: number, sequence = 1_000): Frame {
  const head = L4 + 20
  const { bytes, view } = ipv4Frame(payload, head, 6)
  view.setUint16(L4, 40_000)
  view.setUint16(L4 + 2, 5_201)
  view.setUint32(L4 + 4, sequence)
  view.setUint8(L4 + 12, 5 << 4)
  // ACK, PSH, FIN: what belongs to the last segment must not be in others.
  view.setUint8(L4 + 13, 0x19)
  return {
    bytes,
    hint: partial(bytes, view, 16, payload.length > segmentBytes ? GSO_TCPV4 : GSO_NONE, segmentBytes),
  }
}

export interface UdpFields {
  readonly sourcePort?: number
  readonly identification?: number
  readonly dontFragment?: boolean
}

/** UDP over IPv4, one datagram or a super-frame of several. */
export function udpFrame(payload: Uint8Array, segmentBytes: number, fields: UdpFields = {}): Frame {
  const head = L4 + 8
  const { bytes, view } = ipv4Frame(payload, head, 17, fields)
  view.setUint16(L4, fields.sourcePort ?? 40_000)
  view.setUint16(L4 + 2, 5_201)
  view.setUint16(L4 + 4, bytes.length - L4)
  return {
    bytes,
    hint: partial(bytes, view, 6, payload.length > segmentBytes ? GSO_UDP_L4 : GSO_NONE, segmentBytes),
  }
}

function ipv4Frame(payload: Uint8Array, head: number, protocol: number, fields: UdpFields = {}) {
  const bytes = new Uint8Array(head + payload.length)
  bytes.set(payload, head)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, 0x0200)
  view.setUint32(2, 2)
  view.setUint16(6, 0x0200)
  view.setUint32(8, 1)
  view.setUint16(12, 0x0800)
  view.setUint8(14, 0x45)
  view.setUint16(16, bytes.length - ETHERNET_BYTES)
  view.setUint16(18, fields.identification ?? 7_000)
  view.setUint16(20, fields.dontFragment === true ? 0x4000 : 0)
  view.setUint8(22, 64)
  view.setUint8(23, protocol)
  view.setUint32(26, 0x0a4d0001)
  view.setUint32(30, 0x0a4d0002)
  view.setUint16(24, ~sum(bytes, ETHERNET_BYTES, IPV4_BYTES) & 0xffff)
  return { bytes, view }
}

/** Writes the pseudo header's sum where the checksum belongs. */
function partial(
  bytes: Uint8Array,
  view: DataView,
  csumOffset: number,
  gsoType: number,
  segmentBytes: number,
): OffloadHint {
  const addresses = sum(bytes, 26, 8)
  view.setUint16(L4 + csumOffset, fold(addresses + view.getUint8(23) + bytes.length - L4))
  const gsoSize = gsoType === GSO_NONE ? 0 : segmentBytes
  return { flags: NEEDS_CSUM, gsoType, gsoSize, csumStart: L4, csumOffset }
}

function sum(bytes: Uint8Array, at: number, length: number): number {
  let total = 0
  for (let i = 0; i < length; i += 2) total += (bytes[at + i]! << 8) | (bytes[at + i + 1] ?? 0)
  return fold(total)
}

function fold(total: number): number {
  let folded = total
  while (folded > 0xffff) folded = (folded >>> 16) + (folded & 0xffff)
  return folded
}

export interface RecordFields {
  readonly sequence?: number
  readonly egress?: Uint8Array | null
  readonly vlan?: number
}

export function recordOf(frames: readonly Frame[], fields: RecordFields = {}): Uint8Array {
  const size = frames.reduce(
    (total, { bytes }) => total + RECORD_FRAME_HEADER_BYTES + bytes.length,
    RECORD_HEADER_BYTES,
  )
  const record = new Uint8Array(size)
  encodeRecordHeader(record, 0, {
    hopLimit: 64,
    frameCount: frames.length,
    epoch: 0,
    sequence: fields.sequence ?? 1,
    bootNonce: new Uint8Array(8).fill(0xb0),
    vlanId: id(fields.vlan ?? 0x11),
    ingress: id(0x22),
    egress: fields.egress === undefined ? id(0x33) : fields.egress,
  })
  let at = RECORD_HEADER_BYTES
  for (const { bytes, hint } of frames) {
    writeFrameHeader(record, at, bytes.length, hint)
    record.set(bytes, at + RECORD_FRAME_HEADER_BYTES)
    at += RECORD_FRAME_HEADER_BYTES + bytes.length
  }
  return record
}

/** The frames of a record, which decodes. */
export function framesOf(record: Uint8Array): { sequence: number; frames: Frame[] } {
  const decoded = createDecodedRecord()
  const verdict = decodeRecord(record, decoded)
  if (verdict !== 'ok') throw new Error(`a record that does not decode: ${verdict}`)
  const frames = Array.from({ length: decoded.batch.count }, (_, i) => {
    const at = decoded.batch.offsets[i]!
    const hint = createOffloadHint()
    readFrameHint(record, at, hint)
    const start = at + RECORD_FRAME_HEADER_BYTES
    return { bytes: record.slice(start, start + decoded.batch.lengths[i]!), hint }
  })
  return { sequence: decoded.sequence, frames }
}
