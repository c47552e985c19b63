import { GSO_NONE, GSO_UDP_L4 } from '@wakunet/interface'
import { checksum16, foldSum } from './checksum.ts'
import { readUint16, readUint32, writeUint16, writeUint32 } from './numbers.ts'
import { checkOffload, completeChecksum, storeChecksum } from './offload.ts'
import { createFrameView, type FrameView, parseFrame } from './parse.ts'
import { TCP_CWR, TCP_FIN, TCP_PSH, tcpHeaderBytes } from './tcp.ts'
import { UDP_HEADER_BYTES } from './udp.ts'
import type { OffloadHint } from './virtio-header.ts'

/** Most that an IP packet can be; the segments of a checked hint are far smaller. */
const NO_MTU = 0xffff

const scratch = createFrameView()

/**
 * Everything a port without offloads needs: a super-frame cut into segments, or a partial checksum completed
 * *in place* (the hint is then marked as done).
 * @returns frames with complete checksums; none where frame and hint do not fit together
 */
export function finishForPlainPort(frame: Uint8Array, hint: OffloadHint): Uint8Array[] {
  if (hint.gsoType !== GSO_NONE) return segment(frame, hint)
  return completeChecksum(frame, 0, frame.length, hint) ? [frame] : []
}

/**
 * Cuts a super-frame into frames of at most `gsoSize` payload bytes each, the last one shorter where it must be, with
 * lengths, identification, sequence numbers, flags and checksums as a sender without offloads would have set them.
 * The frame is not changed; a frame that is no super-frame comes back as it is.
 * @returns at most 65,535 / `MIN_TCP_SEGMENT_BYTES` frames; none where frame and hint do not fit together
 */
export function segment(frame: Uint8Array, hint: OffloadHint): Uint8Array[] {
  if (hint.gsoType === GSO_NONE) return [frame]
  if (checkOffload(frame, 0, frame.length, hint, NO_MTU) !== 'ok') return []
  parseFrame(frame, 0, frame.length, scratch)
  const view = scratch
  const udp = hint.gsoType === GSO_UDP_L4
  const headerBytes = view.l4Offset + (udp ? UDP_HEADER_BYTES : tcpHeaderBytes(frame, view.l4Offset))
  const segments: Uint8Array[] = []
  let position = headerBytes
  do {
    const end = Math.min(frame.length, position + hint.gsoSize)
    const part = new Uint8Array(headerBytes + end - position)
    part.set(frame.subarray(0, headerBytes))
    part.set(frame.subarray(position, end), headerBytes)
    finishIp(part, view, segments.length)
    if (udp) writeUint16(part, view.l4Offset + 4, part.length - view.l4Offset)
    else finishTcp(part, view.l4Offset, position - headerBytes, end === frame.length)
    finishChecksum(part, view.l4Offset, hint.csumOffset, frame.length)
    segments.push(part)
    position = end
  } while (position < frame.length)
  return segments
}

/** RFC 791 §3.1: own total length, identification and header checksum. RFC 8200 §3: own payload length. */
function finishIp(part: Uint8Array, view: FrameView, index: number): void {
  const l3 = view.l3Offset
  if (view.ipVersion === 6) {
    writeUint16(part, l3 + 4, part.length - l3 - 40)
    return
  }
  writeUint16(part, l3 + 2, part.length - l3)
  writeUint16(part, l3 + 4, readUint16(part, l3 + 4) + index)
  writeUint16(part, l3 + 10, 0)
  writeUint16(part, l3 + 10, checksum16(part, l3, (part[l3]! & 0x0f) * 4))
}

/**
 * RFC 9293 §3.1: own sequence number; FIN and PSH belong to the last byte. RFC 3168 §6.1.2: CWR tells about one
 * reduction, once, in the first new packet.
 */
function finishTcp(part: Uint8Array, l4: number, payloadOffset: number, last: boolean): void {
  writeUint32(part, l4 + 4, (readUint32(part, l4 + 4) + payloadOffset) >>> 0)
  let flags = part[l4 + 13]!
  if (!last) flags &= ~(TCP_FIN | TCP_PSH)
  if (payloadOffset !== 0) flags &= ~TCP_CWR
  part[l4 + 13] = flags
}

/**
 * The field holds the pseudo header's sum with the length of the super-frame in it, which is exchanged for the
 * length of this segment. The sum itself is the sender's: with a routing header it is not that of the addresses in sight
 * (RFC 8200 §8.1).
 */
function finishChecksum(part: Uint8Array, l4: number, csumOffset: number, superLength: number): void {
  const field = l4 + csumOffset
  const withoutLength = readUint16(part, field) + (~(superLength - l4) & 0xffff)
  writeUint16(part, field, foldSum(withoutLength + (part.length - l4)))
  storeChecksum(part, l4, part.length - l4, csumOffset)
}
