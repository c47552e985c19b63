import { addToSum, foldSum } from './checksum.ts'
import { PROTOCOL_ICMPV6 } from './ipv6.ts'
import { writeUint16 } from './numbers.ts'

/** Header of every ICMPv6 message: type, code, checksum (RFC 4443 §2.1). */
export const ICMPV6_HEADER_BYTES = 4

/** Folded sum over pseudo header and message (RFC 8200 §8.1); 0xffff where the message has a right checksum in it. */
export function icmpv6Sum(source: Uint8Array, destination: Uint8Array, message: Uint8Array): number {
  let sum = foldSum(message.length + PROTOCOL_ICMPV6)
  sum = addToSum(sum, source, 0, source.length)
  sum = addToSum(sum, destination, 0, destination.length)
  return addToSum(sum, message, 0, message.length)
}

/** Writes the checksum of a message whose checksum field is zero. */
export function storeIcmpv6Checksum(source: Uint8Array, destination: Uint8Array, message: Uint8Array): void {
  writeUint16(message, 2, ~icmpv6Sum(source, destination, message) & 0xffff)
}
