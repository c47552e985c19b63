/**
 * The Internet checksum (RFC 1071): one's complement sum of 16-bit words. Partial sums are kept folded, as
 * integers from 0 to 0xffff, so that they can be added up in any order.
 */

/** A sum of this many bytes of 0xff still fits an unsigned 32-bit integer with room for a folded one. */
const BLOCK_BYTES = 0x10000

/** Folds an unsigned 32-bit sum to 16 bits with end-around carry. */
export function foldSum(sum: number): number {
  const once = (sum >>> 16) + (sum & 0xffff)
  return (once >>> 16) + (once & 0xffff)
}

/**
 * Adds `length` bytes at `offset` to the folded partial sum. An odd last byte counts as the high half of a
 * word (RFC 1071 §4.1), so only the last piece of a message may be odd.
 */
export function addToSum(sum: number, bytes: Uint8Array, offset: number, length: number): number {
  let total = sum
  let position = offset
  const end = offset + length
  while (position < end) {
    const stop = Math.min(end, position + BLOCK_BYTES)
    for (; position + 1 < stop; position += 2) total += (bytes[position]! << 8) | bytes[position + 1]!
    if (position < stop) {
      total += bytes[position]! << 8
      position++
    }
    total = foldSum(total)
  }
  return total
}

/** The checksum of `length` bytes at `offset` on top of a folded partial sum: its complement, 16 bits. */
export function checksum16(bytes: Uint8Array, offset: number, length: number, initialSum = 0): number {
  return ~addToSum(initialSum, bytes, offset, length) & 0xffff
}

/**
 * Partial sum of the pseudo header of TCP, UDP and ICMPv6 (RFC 9293 §3.1, RFC 8200 §8.1): both addresses,
 * which are neighbours in either IP header, the upper-layer protocol and its length in bytes.
 * @param addressesOffset of the source address
 * @param addressesLength 8 for IPv4, 32 for IPv6
 */
export function pseudoHeaderSum(
  bytes: Uint8Array,
  addressesOffset: number,
  addressesLength: number,
  protocol: number,
  upperLength: number,
): number {
  return addToSum(foldSum(protocol + upperLength), bytes, addressesOffset, addressesLength)
}
