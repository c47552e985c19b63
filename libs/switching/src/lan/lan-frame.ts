import { ETHERNET_HEADER_BYTES, MAC_BYTES } from '@wakunet/ethernet'
import { ID_BYTES } from '@wakunet/interface'
import { idEquals, readU16, readU32, writeU16, writeU32 } from '@wakunet/record'

/** IEEE 802 local experimental EtherType 2. */
export const LAN_ETHERTYPE = 0x88b6
/** A group address of our own, which every bridge of a LAN floods: 01-80-C2-00-00-00 would end at the first. */
export const LAN_GROUP_MAC = Uint8Array.of(0x03, 0x57, 0x4b, 0x4c, 0x41, 0x4e)
/** Most neighbours that a hello names. */
export const MAX_COUNTED = 8

const KIND_HELLO = 1
const KIND_STATION = 2
/** "WKLN". */
const MAGIC = 0x574b_4c4e
const VERSION = 1
const FLAG_FORWARDING = 0x01
const FLAG_READY = 0x02
const FLAG_LEAVING = 0x04
/** IEEE 802.3 §3.2.7 without the frame check sequence. */
const MIN_WIRE_BYTES = 60

/** Where fields are, from the Ethernet header on. */
const FIELD = { version: 18, kind: 19, flags: 20, counted: 21, priority: 22, vlanId: 24, nodeId: 40, end: 56 }

/** What a member that bridges a LAN says to other members that may bridge the same one. */
export interface LanHello {
  /** 16 bytes each; decoded, `nodeId` and `counted` are copies. */
  readonly vlanId: Uint8Array
  readonly nodeId: Uint8Array
  /** Lower is better; as in the spanning tree. */
  readonly priority: number
  /** Frames pass between the VLAN and the LAN here. */
  readonly isForwarding: boolean
  /** Would forward at once if nobody else did. */
  readonly isReady: boolean
  readonly isLeaving: boolean
  /** Node ids of those whose hellos count for the sender, at most `MAX_COUNTED`. */
  readonly counted: readonly Uint8Array[]
}

/** Whether a frame is between the switches of this VLAN, untagged. For every frame from a LAN: allocates nothing. */
export function isLanFrame(bytes: Uint8Array, at: number, length: number, vlanId: Uint8Array): boolean {
  return (
    length >= FIELD.end &&
    readU16(bytes, at + 2 * MAC_BYTES) === LAN_ETHERTYPE &&
    readU32(bytes, at + ETHERNET_HEADER_BYTES) === MAGIC &&
    idEquals(bytes, at + FIELD.vlanId, vlanId)
  )
}

/** @param source six bytes */
export function encodeLanHello(hello: LanHello, source: Uint8Array): Uint8Array {
  const counted = hello.counted.slice(0, MAX_COUNTED)
  const size = Math.max(MIN_WIRE_BYTES, FIELD.end + counted.length * ID_BYTES)
  const bytes = newFrame(size, source, KIND_HELLO, hello.vlanId, hello.nodeId)
  bytes[FIELD.flags] =
    (hello.isForwarding ? FLAG_FORWARDING : 0) |
    (hello.isReady ? FLAG_READY : 0) |
    (hello.isLeaving ? FLAG_LEAVING : 0)
  bytes[FIELD.counted] = counted.length
  writeU16(bytes, FIELD.priority, hello.priority)
  for (const [i, id] of counted.entries()) bytes.set(id, FIELD.end + i * ID_BYTES)
  return bytes
}

/**
 * A frame that seems to come from a station: the bridges of a LAN learn that it is on the sender's side now.
 * @param station six bytes
 */
export function encodeLanStation(station: Uint8Array, vlanId: Uint8Array, nodeId: Uint8Array): Uint8Array {
  return newFrame(MIN_WIRE_BYTES, station, KIND_STATION, vlanId, nodeId)
}

function newFrame(
  size: number,
  source: Uint8Array,
  kind: number,
  vlanId: Uint8Array,
  nodeId: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(size)
  bytes.set(LAN_GROUP_MAC, 0)
  bytes.set(source.subarray(0, MAC_BYTES), MAC_BYTES)
  writeU16(bytes, 2 * MAC_BYTES, LAN_ETHERTYPE)
  writeU32(bytes, ETHERNET_HEADER_BYTES, MAGIC)
  bytes[FIELD.version] = VERSION
  bytes[FIELD.kind] = kind
  bytes.set(vlanId, FIELD.vlanId)
  bytes.set(nodeId, FIELD.nodeId)
  return bytes
}

/**
 * Reads the hello in a frame for which `isLanFrame` is true. A later version must be heard too, or two members would both
 * forward: it has these fields where they are, and more behind them. What follows is ignored.
 * @returns `station` for the other kind of frame; null for what is malformed
 */
export function decodeLanFrame(bytes: Uint8Array, at: number, length: number): LanHello | 'station' | null {
  if (at + length > bytes.length || length < FIELD.end || bytes[at + FIELD.version] === 0) return null
  const kind = bytes[at + FIELD.kind]
  if (kind === KIND_STATION) return 'station'
  const count = bytes[at + FIELD.counted]!
  if (kind !== KIND_HELLO || count > MAX_COUNTED || FIELD.end + count * ID_BYTES > length) return null
  const id = (from: number) => bytes.slice(at + from, at + from + ID_BYTES)
  const flags = bytes[at + FIELD.flags]!
  return {
    vlanId: id(FIELD.vlanId),
    nodeId: id(FIELD.nodeId),
    priority: readU16(bytes, at + FIELD.priority),
    isForwarding: (flags & FLAG_FORWARDING) !== 0,
    isReady: (flags & FLAG_READY) !== 0,
    isLeaving: (flags & FLAG_LEAVING) !== 0,
    counted: Array.from({ length: count }, (_, i) => id(FIELD.end + i * ID_BYTES)),
  }
}
