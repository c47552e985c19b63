import { icmpv6Sum, storeIcmpv6Checksum } from './icmpv6.ts'
import { type Ipv6Packet, PROTOCOL_ICMPV6 } from './ipv6.ts'
import { readUint16, readUint32, writeUint16, writeUint32 } from './numbers.ts'

/** Neighbour discovery messages (RFC 4861 §4). */
export const ND_ROUTER_SOLICITATION = 133
export const ND_ROUTER_ADVERTISEMENT = 134
export const ND_NEIGHBOR_SOLICITATION = 135
export const ND_NEIGHBOR_ADVERTISEMENT = 136
export const ND_REDIRECT = 137

export const ND_OPTION_SOURCE_LINK_ADDRESS = 1
export const ND_OPTION_TARGET_LINK_ADDRESS = 2
export const ND_OPTION_PREFIX = 3

/** RFC 4861 sets no limit; an honest router advertisement has under ten. */
export const MAX_ND_OPTIONS = 32

/** Not crossed a router: what every receiver demands (RFC 4861 §6.1, §7.1). */
export const ND_HOP_LIMIT = 255

export type NeighborMessage =
  | { readonly type: typeof ND_ROUTER_SOLICITATION; readonly options: readonly NeighborOption[] }
  | {
      readonly type: typeof ND_ROUTER_ADVERTISEMENT
      readonly hopLimit: number
      /** Managed, other, home agent, preference (RFC 4191) and so on, as on the wire. */
      readonly flags: number
      readonly lifetimeSeconds: number
      readonly reachableMs: number
      readonly retransmitMs: number
      readonly options: readonly NeighborOption[]
    }
  | {
      readonly type: typeof ND_NEIGHBOR_SOLICITATION
      /** Sixteen bytes. Decoded: a view of the input. */
      readonly target: Uint8Array
      readonly options: readonly NeighborOption[]
    }
  | {
      readonly type: typeof ND_NEIGHBOR_ADVERTISEMENT
      readonly router: boolean
      readonly solicited: boolean
      readonly override: boolean
      readonly target: Uint8Array
      readonly options: readonly NeighborOption[]
    }
  | {
      readonly type: typeof ND_REDIRECT
      readonly target: Uint8Array
      readonly destination: Uint8Array
      readonly options: readonly NeighborOption[]
    }

export interface NeighborOption {
  readonly type: number
  /** Behind type and length: a multiple of eight bytes less two. Decoded: a view of the input. */
  readonly data: Uint8Array
}

/**
 * Decodes the neighbour discovery message that an IPv6 packet carries directly behind its header.
 * @returns null for anything that RFC 4861 tells a host to discard: hop limit not 255, wrong checksum, code not 0, cut
 * off, an option of length 0 or past the end; and for more than `MAX_ND_OPTIONS`
 */
export function decodeNeighborMessage(packet: Ipv6Packet): NeighborMessage | null {
  const bytes = packet.payload
  if (packet.nextHeader !== PROTOCOL_ICMPV6 || packet.hopLimit !== ND_HOP_LIMIT) return null
  const type = bytes[0] ?? 0
  const fixed = fixedBytes(type)
  if (fixed === 0 || bytes.length < fixed || bytes[1] !== 0) return null
  if (icmpv6Sum(packet.source, packet.destination, bytes) !== 0xffff) return null
  const options = decodeOptions(bytes, fixed)
  return options === null ? null : decodeBody(type, bytes, options)
}

/** The message as the payload of an IPv6 packet between these addresses, with its checksum. */
export function encodeNeighborMessage(
  message: NeighborMessage,
  source: Uint8Array,
  destination: Uint8Array,
): Uint8Array {
  const fixed = fixedBytes(message.type)
  const optionBytes = message.options.reduce((sum, option) => sum + 2 + option.data.length, 0)
  const bytes = new Uint8Array(fixed + optionBytes)
  bytes[0] = message.type
  encodeBody(message, bytes)
  let position = fixed
  for (const option of message.options) {
    bytes[position] = option.type
    bytes[position + 1] = (option.data.length + 2) / 8
    bytes.set(option.data, position + 2)
    position += option.data.length + 2
  }
  storeIcmpv6Checksum(source, destination, bytes)
  return bytes
}

/** The six bytes of a link address option of this type, null where there is none for Ethernet. */
export function linkAddressOf(message: NeighborMessage, type: number): Uint8Array | null {
  const option = message.options.find((candidate) => candidate.type === type)
  return option !== undefined && option.data.length === 6 ? option.data : null
}

/** Bytes before the options; 0 for a type that is no neighbour discovery. */
function fixedBytes(type: number): number {
  switch (type) {
    case ND_ROUTER_SOLICITATION:
      return 8
    case ND_ROUTER_ADVERTISEMENT:
      return 16
    case ND_NEIGHBOR_SOLICITATION:
    case ND_NEIGHBOR_ADVERTISEMENT:
      return 24
    case ND_REDIRECT:
      return 40
    default:
      return 0
  }
}

function decodeOptions(bytes: Uint8Array, start: number): NeighborOption[] | null {
  const options: NeighborOption[] = []
  for (let position = start; position < bytes.length; ) {
    const length = (bytes[position + 1] ?? 0) * 8
    // RFC 4861 §4.6: a length of zero makes the packet invalid, and would never end.
    if (length === 0 || position + length > bytes.length || options.length === MAX_ND_OPTIONS) return null
    options.push({ type: bytes[position]!, data: bytes.subarray(position + 2, position + length) })
    position += length
  }
  return options
}

function decodeBody(type: number, bytes: Uint8Array, options: NeighborOption[]): NeighborMessage | null {
  const target = bytes.subarray(8, 24)
  switch (type) {
    case ND_ROUTER_SOLICITATION:
      return { type, options }
    case ND_ROUTER_ADVERTISEMENT:
      return {
        type,
        hopLimit: bytes[4]!,
        flags: bytes[5]!,
        lifetimeSeconds: readUint16(bytes, 6),
        reachableMs: readUint32(bytes, 8),
        retransmitMs: readUint32(bytes, 12),
        options,
      }
    case ND_NEIGHBOR_SOLICITATION:
      return { type, target, options }
    case ND_NEIGHBOR_ADVERTISEMENT:
      return {
        type,
        router: (bytes[4]! & 0x80) !== 0,
        solicited: (bytes[4]! & 0x40) !== 0,
        override: (bytes[4]! & 0x20) !== 0,
        target,
        options,
      }
    case ND_REDIRECT:
      return { type, target, destination: bytes.subarray(24, 40), options }
    default:
      return null
  }
}

function encodeBody(message: NeighborMessage, bytes: Uint8Array): void {
  switch (message.type) {
    case ND_ROUTER_SOLICITATION:
      return
    case ND_ROUTER_ADVERTISEMENT:
      bytes[4] = message.hopLimit
      bytes[5] = message.flags
      writeUint16(bytes, 6, message.lifetimeSeconds)
      writeUint32(bytes, 8, message.reachableMs)
      writeUint32(bytes, 12, message.retransmitMs)
      return
    case ND_NEIGHBOR_ADVERTISEMENT:
      bytes[4] = (message.router ? 0x80 : 0) | (message.solicited ? 0x40 : 0) | (message.override ? 0x20 : 0)
      bytes.set(message.target, 8)
      return
    case ND_NEIGHBOR_SOLICITATION:
      bytes.set(message.target, 8)
      return
    case ND_REDIRECT:
      bytes.set(message.target, 8)
      bytes.set(message.destination, 24)
  }
}
