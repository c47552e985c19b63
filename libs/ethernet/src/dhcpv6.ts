import { joinBytes } from './domain-name.ts'
import { isInside, readUint16, writeUint16 } from './numbers.ts'

/** UDP ports (RFC 8415 §7.2). */
export const DHCPV6_CLIENT_PORT = 546
export const DHCPV6_SERVER_PORT = 547

/** Message types (RFC 8415 §7.3). */
export const DHCPV6_SOLICIT = 1
export const DHCPV6_ADVERTISE = 2
export const DHCPV6_REQUEST = 3
export const DHCPV6_CONFIRM = 4
export const DHCPV6_RENEW = 5
export const DHCPV6_REBIND = 6
export const DHCPV6_REPLY = 7
export const DHCPV6_RELEASE = 8
export const DHCPV6_DECLINE = 9
export const DHCPV6_RECONFIGURE = 10
export const DHCPV6_INFORMATION_REQUEST = 11
export const DHCPV6_RELAY_FORWARD = 12
export const DHCPV6_RELAY_REPLY = 13

const MESSAGE_HEADER_BYTES = 4
const RELAY_HEADER_BYTES = 34
const OPTION_HEADER_BYTES = 4
/** RFC 8415 sets no limit; an honest message has about ten. */
export const MAX_DHCPV6_OPTIONS = 64

export interface Dhcpv6Option {
  readonly code: number
  /** Decoded: a view of the input. */
  readonly data: Uint8Array
}

/** A message between client and server (RFC 8415 §8). */
export interface Dhcpv6ClientServerMessage {
  /** `DHCPV6_SOLICIT` to `DHCPV6_INFORMATION_REQUEST`. */
  readonly type: number
  /** 24 bits. */
  readonly transactionId: number
  readonly options: readonly Dhcpv6Option[]
}

/** A message between relay and server (RFC 8415 §9); what it relays is its option 9. */
export interface Dhcpv6RelayMessage {
  readonly type: typeof DHCPV6_RELAY_FORWARD | typeof DHCPV6_RELAY_REPLY
  readonly hopCount: number
  /** Sixteen bytes each. Decoded: views of the input. */
  readonly linkAddress: Uint8Array
  readonly peerAddress: Uint8Array
  readonly options: readonly Dhcpv6Option[]
}

export type Dhcpv6Message = Dhcpv6ClientServerMessage | Dhcpv6RelayMessage

export function isDhcpv6Relay(message: Dhcpv6Message): message is Dhcpv6RelayMessage {
  return message.type === DHCPV6_RELAY_FORWARD || message.type === DHCPV6_RELAY_REPLY
}

/**
 * Decodes the message that fills a UDP datagram.
 * @returns null for a type that RFC 8415 does not have, and where the header or an option is cut
 */
export function decodeDhcpv6(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): Dhcpv6Message | null {
  if (!isInside(bytes, offset, length) || length < MESSAGE_HEADER_BYTES) return null
  const type = bytes[offset]!
  const end = offset + length
  if (type === DHCPV6_RELAY_FORWARD || type === DHCPV6_RELAY_REPLY) {
    if (length < RELAY_HEADER_BYTES) return null
    const options = decodeDhcpv6OptionList(bytes.subarray(offset + RELAY_HEADER_BYTES, end))
    if (options === null) return null
    return {
      type,
      hopCount: bytes[offset + 1]!,
      linkAddress: bytes.subarray(offset + 2, offset + 18),
      peerAddress: bytes.subarray(offset + 18, offset + 34),
      options,
    }
  }
  if (type < DHCPV6_SOLICIT || type > DHCPV6_INFORMATION_REQUEST) return null
  const options = decodeDhcpv6OptionList(bytes.subarray(offset + MESSAGE_HEADER_BYTES, end))
  if (options === null) return null
  return {
    type,
    transactionId: (bytes[offset + 1]! << 16) | readUint16(bytes, offset + 2),
    options,
  }
}

/** The message as the payload of a UDP datagram. The caller gives fields in their ranges. */
export function encodeDhcpv6(message: Dhcpv6Message): Uint8Array {
  return joinBytes([encodeHeader(message), encodeDhcpv6OptionList(message.options)])
}

/** Options that fill `bytes`: those of a message, or those inside an option. Null where one is cut, or there are too many. */
export function decodeDhcpv6OptionList(bytes: Uint8Array): Dhcpv6Option[] | null {
  const options: Dhcpv6Option[] = []
  for (let position = 0; position < bytes.length; ) {
    const start = position + OPTION_HEADER_BYTES
    if (start > bytes.length || options.length === MAX_DHCPV6_OPTIONS) return null
    const end = start + readUint16(bytes, position + 2)
    if (end > bytes.length) return null
    options.push({ code: readUint16(bytes, position), data: bytes.subarray(start, end) })
    position = end
  }
  return options
}

export function encodeDhcpv6OptionList(options: readonly Dhcpv6Option[]): Uint8Array {
  return joinBytes(
    options.flatMap(({ code, data }) => {
      const header = new Uint8Array(OPTION_HEADER_BYTES)
      writeUint16(header, 0, code)
      writeUint16(header, 2, data.length)
      return [header, data]
    }),
  )
}

function encodeHeader(message: Dhcpv6Message): Uint8Array {
  if (isDhcpv6Relay(message)) {
    const header = new Uint8Array(RELAY_HEADER_BYTES)
    header[0] = message.type
    header[1] = message.hopCount
    header.set(message.linkAddress, 2)
    header.set(message.peerAddress, 18)
    return header
  }
  const header = new Uint8Array(MESSAGE_HEADER_BYTES)
  header[0] = message.type
  header[1] = message.transactionId >>> 16
  writeUint16(header, 2, message.transactionId & 0xffff)
  return header
}
