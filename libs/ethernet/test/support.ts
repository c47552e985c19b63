import { readFileSync } from 'node:fs'
import { GSO_NONE, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, NEEDS_CSUM } from '@wakunet/interface'
import {
  checkOffload,
  type EthernetFrame,
  encodeEthernet,
  encodeIpv4,
  encodeIpv6,
  encodeTcp,
  encodeUdp,
  type OffloadHint,
  type OffloadVerdict,
  TCP_ACK,
  type VlanTag,
} from '../src/index.ts'

/** Frames for tests, and a checksum that shares no code with the one under test. */

export function hexToBytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let position = 0
  for (const part of parts) {
    bytes.set(part, position)
    position += part.length
  }
  return bytes
}

/** One's complement sum over whole words as big integers, reduced once: slow and obvious. */
export function naiveSum(bytes: Uint8Array): number {
  let total = 0n
  for (let i = 0; i < bytes.length; i += 2) total += BigInt(bytes[i]! * 256 + (bytes[i + 1] ?? 0))
  if (total === 0n) return 0
  const rest = Number(total % 0xffffn)
  return rest === 0 ? 0xffff : rest
}

export interface TestFrame {
  readonly frame: Uint8Array
  readonly hint: OffloadHint
  /** Where the upper-layer header and its payload start. */
  readonly l4: number
  readonly payloadAt: number
}

export interface FrameShape {
  readonly family: 4 | 6
  readonly protocol: 'tcp' | 'udp'
  readonly tags?: number
  /** IPv4 options or IPv6 destination options, a multiple of 8. */
  readonly ipOptionBytes?: number
  /** A multiple of 4. */
  readonly tcpOptionBytes?: number
  readonly payload: Uint8Array
  /** 0 for a frame that is not a super-frame. */
  readonly gsoSize: number
  readonly tcpFlags?: number
  readonly sequence?: number
  readonly identification?: number
}

const CTAG: VlanTag = { tpid: 0x8100, priority: 0, dropEligible: false, vid: 7 }
const STAG: VlanTag = { tpid: 0x88a8, priority: 3, dropEligible: true, vid: 9 }
export const SOURCE4 = Uint8Array.of(10, 1, 0, 1)
export const DESTINATION4 = Uint8Array.of(10, 1, 0, 2)
export const SOURCE6 = hexToBytes('fd000001000000000000000000000001')
export const DESTINATION6 = hexToBytes('fd000001000000000000000000000002')

/** A frame with a partial checksum, as a kernel leaves it. */
export function buildFrame(shape: FrameShape): TestFrame {
  const upper = buildUpper(shape)
  const options = new Uint8Array(shape.ipOptionBytes ?? 0).fill(1)
  const tags = [STAG, CTAG].slice(2 - (shape.tags ?? 0))
  const packet = shape.family === 4 ? ipv4(shape, upper, options) : ipv6(shape, upper, options)
  const ethernet: EthernetFrame = {
    destination: hexToBytes('020000000002'),
    source: hexToBytes('020000000001'),
    tags,
    etherType: shape.family === 4 ? 0x0800 : 0x86dd,
    payload: packet,
  }
  const frame = encodeEthernet(ethernet)
  const l4 = 14 + tags.length * 4 + (shape.family === 4 ? 20 : 40) + options.length
  const csumOffset = shape.protocol === 'tcp' ? 16 : 6
  const seed = naiveSum(pseudoHeader(shape, upper.length))
  frame[l4 + csumOffset] = seed >>> 8
  frame[l4 + csumOffset + 1] = seed
  const headerBytes = shape.protocol === 'tcp' ? 20 + (shape.tcpOptionBytes ?? 0) : 8
  return {
    frame,
    l4,
    payloadAt: l4 + headerBytes,
    hint: {
      flags: NEEDS_CSUM,
      gsoType: gsoTypeOf(shape),
      gsoSize: shape.gsoSize,
      csumStart: l4,
      csumOffset,
    },
  }
}

function gsoTypeOf(shape: FrameShape): number {
  if (shape.gsoSize === 0) return GSO_NONE
  if (shape.protocol === 'udp') return GSO_UDP_L4
  return shape.family === 4 ? GSO_TCPV4 : GSO_TCPV6
}

function buildUpper(shape: FrameShape): Uint8Array {
  if (shape.protocol === 'udp') {
    return encodeUdp({ sourcePort: 4000, destinationPort: 5001, checksum: 0 }, shape.payload)
  }
  return encodeTcp(
    {
      sourcePort: 4000,
      destinationPort: 5001,
      sequence: shape.sequence ?? 1,
      acknowledgement: 2,
      flags: shape.tcpFlags ?? TCP_ACK,
      window: 512,
      checksum: 0,
      urgentPointer: 0,
      options: new Uint8Array(shape.tcpOptionBytes ?? 0).fill(1),
    },
    shape.payload,
  )
}

function ipv4(shape: FrameShape, upper: Uint8Array, options: Uint8Array): Uint8Array {
  const header = {
    trafficClass: 2,
    identification: shape.identification ?? 100,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 64,
    protocol: shape.protocol === 'tcp' ? 6 : 17,
    source: SOURCE4,
    destination: DESTINATION4,
    options,
  }
  return encodeIpv4(header, upper)
}

function ipv6(shape: FrameShape, upper: Uint8Array, options: Uint8Array): Uint8Array {
  const protocol = shape.protocol === 'tcp' ? 6 : 17
  if (options.length > 0) {
    options[0] = protocol
    options[1] = options.length / 8 - 1
    options[2] = 1
    options[3] = options.length - 4
  }
  const nextHeader = options.length > 0 ? 60 : protocol
  return encodeIpv6(
    {
      trafficClass: 0,
      flowLabel: 5,
      nextHeader,
      hopLimit: 64,
      source: SOURCE6,
      destination: DESTINATION6,
    },
    concat(options, upper),
  )
}

export function pseudoHeader(
  shape: { readonly family: 4 | 6; readonly protocol: 'tcp' | 'udp' },
  upperLength: number,
): Uint8Array {
  const protocol = shape.protocol === 'tcp' ? 6 : 17
  const length = Uint8Array.of(upperLength >>> 24, upperLength >>> 16, upperLength >>> 8, upperLength)
  return shape.family === 4
    ? concat(SOURCE4, DESTINATION4, Uint8Array.of(0, protocol), length.subarray(2))
    : concat(SOURCE6, DESTINATION6, length, Uint8Array.of(0, 0, 0, protocol))
}

export interface CapturedFrame {
  readonly name: string
  readonly frame: Uint8Array
  /** As the kernel wrote it, 12 bytes. */
  readonly virtioHeader: Uint8Array
}

/** Frames that a Linux kernel put on a TAP with an MTU of 1400; the file says how they were taken. */
export function linuxFrames(): CapturedFrame[] {
  const text = readFileSync(new URL('./linux-tap.json', import.meta.url), 'utf8')
  const { frames } = JSON.parse(text) as {
    frames: { name: string; virtioHeader: string; head: string; fill: number; length: number }[]
  }
  return frames.map(({ name, virtioHeader, head, fill, length }) => {
    const frame = new Uint8Array(length).fill(fill)
    frame.set(hexToBytes(head))
    return { name, frame, virtioHeader: hexToBytes(virtioHeader) }
  })
}

export const MTU = 1400

/** Bytes that differ from their neighbours. */
export const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => i * 7 + 1)

/** A super-frame of 5,000 bytes in segments of 1,000, unless told otherwise. */
export function shape(family: 4 | 6, protocol: 'tcp' | 'udp', more: Partial<FrameShape> = {}): FrameShape {
  return { family, protocol, payload: pattern(5000), gsoSize: 1000, ...more }
}

export function check(test: { frame: Uint8Array; hint: OffloadHint }, mtu = MTU): OffloadVerdict {
  return checkOffload(test.frame, 0, test.frame.length, test.hint, mtu)
}

export function put16(frame: Uint8Array, offset: number, value: number): void {
  frame[offset] = value >>> 8
  frame[offset + 1] = value
}

/** Byte arrays as hexadecimal text, so that values from JSON compare. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]))
}

/** Every byte array inside a decoded value. */
export function viewsOf(value: unknown): Uint8Array[] {
  if (value instanceof Uint8Array) return [value]
  if (value === null || typeof value !== 'object') return []
  return Object.values(value).flatMap(viewsOf)
}
