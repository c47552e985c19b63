import { checksum16, type FrameView, IPV4_MAX_HEADER_BYTES, IPV4_MIN_HEADER_BYTES } from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES } from '@wakunet/interface'
import { readU16, writeU16 } from '@wakunet/record'

/** Takes the frame of `length` bytes at `offset`, behind a header slot of zeros; it is valid only during the call. */
export type FrameSink = (bytes: Uint8Array, offset: number, length: number) => void

const MORE_FRAGMENTS = 0x2000
const RESERVED_FLAG = 0x8000
const OFFSET_MASK = 0x1fff
/** Fragment offsets count in units of so many bytes (RFC 791 §3.1). */
const UNIT_BYTES = 8
const MAX_PACKET_BYTES = 0xffff

const OPTION_END = 0
const OPTION_NOP = 1
/** Of an option's type: goes into every fragment. */
const OPTION_COPIED = 0x80

/**
 * Cuts an IPv4 packet, itself a fragment or not, into fragments that fit `mtu` (RFC 791 §3.2). Its checksums must be complete.
 * @param view of the frame at `offset`
 * @param scratch at least the header slot, the Ethernet header with tags, and `mtu` bytes
 * @returns how many; 0 where the MTU leaves no room, or the header is not one that can be taken apart
 */
export function fragmentIpv4(
  bytes: Uint8Array,
  offset: number,
  view: FrameView,
  mtu: number,
  scratch: Uint8Array,
  sink: FrameSink,
): number {
  const ip = offset + view.l3Offset
  const end = offset + view.ipEnd
  const headerBytes = (bytes[ip]! & 0x0f) * 4
  const flags = readU16(bytes, ip + 6)
  const start = (flags & OFFSET_MASK) * UNIT_BYTES
  if (mtu < IPV4_MAX_HEADER_BYTES + UNIT_BYTES || start + end - ip > MAX_PACKET_BYTES) return 0
  const slot = FRAME_HEADER_BYTES
  const outIp = slot + view.l3Offset
  scratch.set(bytes.subarray(offset, ip + headerBytes), slot)
  let outHeaderBytes = headerBytes
  let position = ip + headerBytes
  let count = 0
  while (position < end) {
    const roomBytes = mtu - outHeaderBytes
    const isLast = end - position <= roomBytes
    const dataBytes = isLast ? end - position : roomBytes - (roomBytes % UNIT_BYTES)
    const isMore = !isLast || (flags & MORE_FRAGMENTS) !== 0
    const place = (start + position - ip - headerBytes) / UNIT_BYTES
    scratch.fill(0, 0, slot)
    scratch.set(bytes.subarray(position, position + dataBytes), outIp + outHeaderBytes)
    writeU16(scratch, outIp + 2, outHeaderBytes + dataBytes)
    writeU16(scratch, outIp + 6, (flags & RESERVED_FLAG) | (isMore ? MORE_FRAGMENTS : 0) | place)
    writeU16(scratch, outIp + 10, 0)
    writeU16(scratch, outIp + 10, checksum16(scratch, outIp, outHeaderBytes))
    sink(scratch, slot, view.l3Offset + outHeaderBytes + dataBytes)
    position += dataBytes
    if (count++ === 0) outHeaderBytes = keepCopiedOptions(scratch, outIp, headerBytes)
  }
  return count
}

/**
 * Takes out of the header at `ip` the options that only the first fragment has (RFC 791 §3.1). What cannot be read as options
 * any more is left out too.
 * @returns the header's new length
 */
function keepCopiedOptions(bytes: Uint8Array, ip: number, headerBytes: number): number {
  const end = ip + headerBytes
  let to = ip + IPV4_MIN_HEADER_BYTES
  let from = to
  while (from < end && bytes[from] !== OPTION_END) {
    if (bytes[from] === OPTION_NOP) {
      from++
      continue
    }
    const length = from + 1 < end ? bytes[from + 1]! : 0
    if (length < 2 || from + length > end) break
    if ((bytes[from]! & OPTION_COPIED) !== 0) {
      bytes.copyWithin(to, from, from + length)
      to += length
    }
    from += length
  }
  while ((to - ip) % 4 !== 0) bytes[to++] = OPTION_END
  bytes[ip] = 0x40 | ((to - ip) / 4)
  return to - ip
}
