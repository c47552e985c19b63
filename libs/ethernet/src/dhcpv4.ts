import { joinBytes } from './domain-name.ts'
import { MAC_BYTES } from './mac.ts'
import { isInside, readUint16, readUint32, writeUint16, writeUint32 } from './numbers.ts'

/** UDP ports (RFC 2131 §4.1). */
export const DHCPV4_SERVER_PORT = 67
export const DHCPV4_CLIENT_PORT = 68

export const BOOT_REQUEST = 1
export const BOOT_REPLY = 2

/** Options that the layout itself uses (RFC 2132 §3, §9.3). */
export const DHCPV4_PAD = 0
export const DHCPV4_OVERLOAD = 52
export const DHCPV4_END = 255

/** Where the fields are (RFC 2131 §2), for who only looks at one of them. */
export const DHCPV4_FIELD = {
  op: 0,
  hardwareType: 1,
  hardwareLength: 2,
  transactionId: 4,
  flags: 10,
  clientAddress: 12,
  yourAddress: 16,
  serverAddress: 20,
  relayAddress: 24,
  clientMac: 28,
  serverName: 44,
  bootFile: 108,
  cookie: 236,
  options: 240,
} as const

const COOKIE = 0x63825363
const HARDWARE_ETHERNET = 1
const FLAG_BROADCAST = 0x8000
/** RFC 1542 §2.1: there are receivers that throw shorter messages away. */
const MIN_MESSAGE_BYTES = 300
/** What every client takes: an IPv4 packet of 576 bytes (RFC 2131 §2). */
export const DHCPV4_DEFAULT_MAX_BYTES = 548
const MAX_OPTION_DATA_BYTES = 255
const OVERLOAD_OPTION_BYTES = 3

export interface Dhcpv4Option {
  /** 1 to 254, without `DHCPV4_OVERLOAD`. */
  readonly code: number
  /** Long options are split and joined as RFC 3396 says. */
  readonly data: Uint8Array
}

export interface Dhcpv4Message {
  /** `BOOT_REQUEST` or `BOOT_REPLY`. */
  readonly op: number
  readonly hops: number
  readonly transactionId: number
  readonly seconds: number
  /** The client can only hear broadcasts yet (RFC 2131 §4.1). */
  readonly broadcast: boolean
  /** Four bytes each: ciaddr, yiaddr, siaddr, giaddr. Decoded addresses are views of the input. */
  readonly clientAddress: Uint8Array
  readonly yourAddress: Uint8Array
  readonly serverAddress: Uint8Array
  readonly relayAddress: Uint8Array
  /** Six bytes. */
  readonly clientMac: Uint8Array
  /** Each code once, in the order of first appearance. */
  readonly options: readonly Dhcpv4Option[]
}

/**
 * Decodes the message that fills a UDP datagram. Options are read from the option field, then from "file" and "sname"
 * where option 52 says so (RFC 2131 §4.1); options of one code are joined (RFC 3396 §7). An option field may end
 * without its end mark; behind the mark nothing is read. "file" and "sname" that hold no options are left out.
 * @returns null where it is no DHCP over Ethernet: wrong op, hardware type or cookie, cut, an option cut
 */
export function decodeDhcpv4(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): Dhcpv4Message | null {
  if (!isInside(bytes, offset, length) || length < DHCPV4_FIELD.options) return null
  const message = bytes.subarray(offset, offset + length)
  const op = message[0]!
  if (op !== BOOT_REQUEST && op !== BOOT_REPLY) return null
  if (message[1] !== HARDWARE_ETHERNET || message[2] !== MAC_BYTES) return null
  if (readUint32(message, DHCPV4_FIELD.cookie) !== COOKIE) return null
  const options = decodeAllOptions(message)
  if (options === null) return null
  return {
    op,
    hops: message[3]!,
    transactionId: readUint32(message, DHCPV4_FIELD.transactionId),
    seconds: readUint16(message, 8),
    broadcast: (readUint16(message, DHCPV4_FIELD.flags) & FLAG_BROADCAST) !== 0,
    clientAddress: message.subarray(12, 16),
    yourAddress: message.subarray(16, 20),
    serverAddress: message.subarray(20, 24),
    relayAddress: message.subarray(24, 28),
    clientMac: message.subarray(28, 34),
    options,
  }
}

/** Data of the option with this code, null where there is none. */
export function findDhcpv4Option(message: Dhcpv4Message, code: number): Uint8Array | null {
  return message.options.find((option) => option.code === code)?.data ?? null
}

/** Pieces of each option, by code. */
type Pieces = Map<number, Uint8Array[]>

function decodeAllOptions(message: Uint8Array): Dhcpv4Option[] | null {
  const pieces: Pieces = new Map()
  if (!readOptions(message.subarray(DHCPV4_FIELD.options), pieces)) return null
  const overload = pieces.get(DHCPV4_OVERLOAD)?.[0]?.[0] ?? 0
  pieces.delete(DHCPV4_OVERLOAD)
  const { serverName, bootFile, cookie } = DHCPV4_FIELD
  if ((overload & 1) !== 0 && !readOptions(message.subarray(bootFile, cookie), pieces)) return null
  if ((overload & 2) !== 0 && !readOptions(message.subarray(serverName, bootFile), pieces)) return null
  // An overload option inside an overloaded field means nothing.
  pieces.delete(DHCPV4_OVERLOAD)
  return [...pieces].map(([code, parts]) => ({
    code,
    data: parts.length === 1 ? parts[0]! : joinBytes(parts),
  }))
}

function readOptions(field: Uint8Array, pieces: Pieces): boolean {
  for (let position = 0; position < field.length; ) {
    const code = field[position]!
    if (code === DHCPV4_END) return true
    if (code === DHCPV4_PAD) {
      position++
      continue
    }
    const length = field[position + 1]
    if (length === undefined || position + 2 + length > field.length) return false
    const part = field.subarray(position + 2, position + 2 + length)
    const parts = pieces.get(code)
    if (parts === undefined) pieces.set(code, [part])
    else parts.push(part)
    position += 2 + length
  }
  return true
}

/**
 * The message as the payload of a UDP datagram, padded to 300 bytes. Options that do not fit `maxBytes` go to "file"
 * and "sname", announced by option 52; the order of those that share a field stays.
 * @param maxBytes what the client takes (option 57 less 28), 300 at least
 * @returns null where they do not fit in all
 */
export function encodeDhcpv4(message: Dhcpv4Message, maxBytes = DHCPV4_DEFAULT_MAX_BYTES): Uint8Array | null {
  const fields = placeOptions(message.options.map(encodeOption), maxBytes - DHCPV4_FIELD.options)
  if (fields === null) return null
  const [options, file, name] = fields
  const bytes = new Uint8Array(Math.max(MIN_MESSAGE_BYTES, DHCPV4_FIELD.options + options.length))
  bytes[0] = message.op
  bytes[1] = HARDWARE_ETHERNET
  bytes[2] = MAC_BYTES
  bytes[3] = message.hops
  writeUint32(bytes, DHCPV4_FIELD.transactionId, message.transactionId)
  writeUint16(bytes, 8, message.seconds)
  writeUint16(bytes, DHCPV4_FIELD.flags, message.broadcast ? FLAG_BROADCAST : 0)
  bytes.set(message.clientAddress, DHCPV4_FIELD.clientAddress)
  bytes.set(message.yourAddress, DHCPV4_FIELD.yourAddress)
  bytes.set(message.serverAddress, DHCPV4_FIELD.serverAddress)
  bytes.set(message.relayAddress, DHCPV4_FIELD.relayAddress)
  bytes.set(message.clientMac, DHCPV4_FIELD.clientMac)
  bytes.set(name, DHCPV4_FIELD.serverName)
  bytes.set(file, DHCPV4_FIELD.bootFile)
  writeUint32(bytes, DHCPV4_FIELD.cookie, COOKIE)
  bytes.set(options, DHCPV4_FIELD.options)
  return bytes
}

/** Code, length and data; an option that is longer than a length can say in several pieces (RFC 3396 §5). */
function encodeOption({ code, data }: Dhcpv4Option): Uint8Array {
  const pieces: Uint8Array[] = []
  let start = 0
  do {
    const piece = data.subarray(start, start + MAX_OPTION_DATA_BYTES)
    pieces.push(Uint8Array.of(code, piece.length), piece)
    start += MAX_OPTION_DATA_BYTES
  } while (start < data.length)
  return joinBytes(pieces)
}

/** Options for the option field, "file" and "sname", each with its end mark; null where there is no room. */
function placeOptions(
  options: readonly Uint8Array[],
  optionBytes: number,
): [Uint8Array, Uint8Array, Uint8Array] | null {
  const end = Uint8Array.of(DHCPV4_END)
  const all = joinBytes([...options, end])
  if (all.length <= optionBytes) return [all, new Uint8Array(0), new Uint8Array(0)]
  const rooms = [optionBytes - OVERLOAD_OPTION_BYTES, 128, 64]
  const fields: Uint8Array[][] = [[], [], []]
  for (const option of options) {
    const field = rooms.findIndex((room) => option.length < room)
    if (field < 0) return null
    rooms[field]! -= option.length
    fields[field]!.push(option)
  }
  const overload = (fields[1]!.length > 0 ? 1 : 0) | (fields[2]!.length > 0 ? 2 : 0)
  fields[0]!.push(Uint8Array.of(DHCPV4_OVERLOAD, 1, overload))
  const [first, file, name] = fields.map((field) =>
    field.length === 0 ? new Uint8Array(0) : joinBytes([...field, end]),
  )
  return [first!, file!, name!]
}
