import { MIN_FRAME_BYTES } from '@wakunet/interface'
import { MAC_BYTES } from './mac.ts'
import { isInside, readUint16, writeUint16 } from './numbers.ts'

/** Ethernet II header without tags: destination, source, EtherType (IEEE 802.3 §3.1.1). */
export const ETHERNET_HEADER_BYTES = 14
/** One tag: TPID and TCI (IEEE 802.1Q-2022 §9.6). */
export const VLAN_TAG_BYTES = 4
/** Tags that are looked through: customer tag and service tag (IEEE 802.1Q-2022 §9.5). */
export const MAX_VLAN_TAGS = 2
/** Bytes that IEEE 802.3 §3.2.7 pads a shorter payload to; the reason for bytes behind a short packet. */
export const MIN_PAYLOAD_BYTES = 46

export const ETHERTYPE_IPV4 = 0x0800
export const ETHERTYPE_ARP = 0x0806
export const ETHERTYPE_IPV6 = 0x86dd
/** TPID of a customer tag (C-TAG). */
export const ETHERTYPE_CUSTOMER_TAG = 0x8100
/** TPID of a service tag (S-TAG). */
export const ETHERTYPE_SERVICE_TAG = 0x88a8
/** Smaller values are the length of an IEEE 802.3 frame with LLC (IEEE 802.3 §3.2.6). */
export const MIN_ETHERTYPE = 0x0600

export interface VlanTag {
  /** `ETHERTYPE_CUSTOMER_TAG` or `ETHERTYPE_SERVICE_TAG`. */
  readonly tpid: number
  /** Priority code point, 0 to 7. */
  readonly priority: number
  readonly dropEligible: boolean
  /** VLAN identifier, 0 to 4095; 0 means priority only. */
  readonly vid: number
}

export interface EthernetFrame {
  /** Six bytes. Decoded: a view of the input. */
  readonly destination: Uint8Array
  /** Six bytes. Decoded: a view of the input. */
  readonly source: Uint8Array
  /** Outermost first, at most `MAX_VLAN_TAGS`. */
  readonly tags: readonly VlanTag[]
  /** EtherType, or the length of an LLC frame where below `MIN_ETHERTYPE`. A third tag shows up here. */
  readonly etherType: number
  /** Everything behind, padding included. Decoded: a view of the input. */
  readonly payload: Uint8Array
}

export function isTagType(etherType: number): boolean {
  return etherType === ETHERTYPE_CUSTOMER_TAG || etherType === ETHERTYPE_SERVICE_TAG
}

/**
 * Decodes a frame of `length` bytes at `offset`, without preamble and frame check sequence.
 * @returns null where the header or a tag is cut off
 */
export function decodeEthernet(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): EthernetFrame | null {
  if (!isInside(bytes, offset, length) || length < MIN_FRAME_BYTES) return null
  const end = offset + length
  const tags: VlanTag[] = []
  let position = offset + 2 * MAC_BYTES
  let etherType = readUint16(bytes, position)
  while (isTagType(etherType) && tags.length < MAX_VLAN_TAGS) {
    if (position + 2 + VLAN_TAG_BYTES > end) return null
    tags.push(decodeTag(etherType, readUint16(bytes, position + 2)))
    position += VLAN_TAG_BYTES
    etherType = readUint16(bytes, position)
  }
  return {
    destination: bytes.subarray(offset, offset + MAC_BYTES),
    source: bytes.subarray(offset + MAC_BYTES, offset + 2 * MAC_BYTES),
    tags,
    etherType,
    payload: bytes.subarray(position + 2, end),
  }
}

/** The frame as bytes, not padded. The caller gives fields in their ranges. */
export function encodeEthernet(frame: EthernetFrame): Uint8Array {
  const headerBytes = ETHERNET_HEADER_BYTES + frame.tags.length * VLAN_TAG_BYTES
  const bytes = new Uint8Array(headerBytes + frame.payload.length)
  bytes.set(frame.destination, 0)
  bytes.set(frame.source, MAC_BYTES)
  let position = 2 * MAC_BYTES
  for (const tag of frame.tags) {
    writeUint16(bytes, position, tag.tpid)
    writeUint16(bytes, position + 2, (tag.priority << 13) | (tag.dropEligible ? 0x1000 : 0) | tag.vid)
    position += VLAN_TAG_BYTES
  }
  writeUint16(bytes, position, frame.etherType)
  bytes.set(frame.payload, headerBytes)
  return bytes
}

function decodeTag(tpid: number, tci: number): VlanTag {
  return { tpid, priority: tci >>> 13, dropEligible: (tci & 0x1000) !== 0, vid: tci & 0x0fff }
}
