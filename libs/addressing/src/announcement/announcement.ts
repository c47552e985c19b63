import {
  DOCUMENT_FIELD,
  type GossipDocument,
  gossipKind,
  HeldDocument,
  newGossipMessage,
  readSequence,
  writeSequence,
} from '@wakunet/gossip'
import { ID_BYTES } from '@wakunet/interface'
import { BOOT_NONCE_BYTES, isZeroId, readU16, writeU16 } from '@wakunet/record'
import { compareAddresses } from '../leases/address-order.ts'
import type { Claim } from '../leases/claim-order.ts'
import { isOwnAddress, LEASE_KINDS, type Lease } from '../leases/lease.ts'
import { isHostLabel, MAX_LABEL_BYTES } from './host-label.ts'
import { readSealingKey, SEALING_KEY_BYTES, type SealingKey } from './sealing-key.ts'

/** Type of the control messages (`docs/protocols/vlan-control.md`). */
export const CONTROL_MEMBER = 4

const FIELD = {
  ...DOCUMENT_FIELD,
  publicKey: 28,
  mtu: 60,
  hostnameBytes: 62,
  multiaddrs: 63,
  leases: 64,
  ciphers: 66,
  reserved: 67,
  bootNonce: 68,
  sealingKey: 76,
  rest: 108,
} as const
export const SIGNATURE_BYTES = 64
const PUBLIC_KEY_BYTES = 32
const FLAG_BRIDGED = 1
const KIND_MASK = 3
const FAMILY_IPV6 = 4
const LEASE_FIELD = { hostnameBytes: 1, mac: 2, since: 8, address: 16 } as const

/** Most bytes of an announcement; everything that it may have fits. */
export const MAX_ANNOUNCEMENT_BYTES = 32_768
export const MAX_MULTIADDRS = 8
export const MAX_MULTIADDR_BYTES = 128
/** Leases of one member: its own addresses and those of the hosts behind it. */
export const MAX_MEMBER_LEASES = 256
const MIN_MTU = 1_280
const MAX_MTU = 9_000

/** Everything that one member says of itself in one VLAN, but for the signature. */
export interface AnnouncementFields extends GossipDocument {
  /** 32 bytes; the origin is its hash. */
  readonly publicKey: Uint8Array
  readonly bridged: boolean
  /** 1,280 to 9,000 bytes. */
  readonly mtu: number
  /** One label, or empty. */
  readonly hostname: string
  /** With which others seal records for it. */
  readonly sealing: SealingKey
  /** At most 8 of 1 to 128 printable characters. */
  readonly multiaddrs: readonly string[]
  /** At most 256; IPv4 before IPv6, ascending by address, each once. */
  readonly leases: readonly Lease[]
}

export interface Announcement extends AnnouncementFields {
  readonly leases: readonly Claim[]
  /** 64 bytes. */
  readonly signature: Uint8Array
  /** Whether its origin has signed it; null while that was not checked (`announcementFault`). */
  isProven: boolean | null
}

/** Reads the announcement that fills `length` bytes from `offset`, which may change afterwards; null for what nobody may say. */
export type ReadAnnouncement = (
  bytes: Uint8Array,
  offset: number,
  length: number,
) => HeldDocument<Announcement> | null

/** The announcement without its signature: what is signed. The caller keeps to the limits of the fields. */
export function encodeAnnouncement(fields: AnnouncementFields): Uint8Array {
  const { hostname, multiaddrs, leases } = fields
  let length = FIELD.rest + hostname.length
  for (const text of multiaddrs) length += 1 + text.length
  for (const lease of leases) length += leaseBytes(lease)
  const bytes = newGossipMessage(CONTROL_MEMBER, 'document', fields.bridged ? FLAG_BRIDGED : 0, length)
  writeSequence(bytes, FIELD.sequence, fields.sequence)
  bytes.set(fields.origin, FIELD.origin)
  bytes.set(fields.publicKey, FIELD.publicKey)
  writeU16(bytes, FIELD.mtu, fields.mtu)
  bytes[FIELD.hostnameBytes] = hostname.length
  bytes[FIELD.multiaddrs] = multiaddrs.length
  writeU16(bytes, FIELD.leases, leases.length)
  bytes[FIELD.ciphers] = fields.sealing.ciphers
  bytes.set(fields.sealing.bootNonce, FIELD.bootNonce)
  bytes.set(fields.sealing.publicKey, FIELD.sealingKey)
  let at = writeText(bytes, FIELD.rest, hostname)
  for (const text of multiaddrs) {
    bytes[at] = text.length
    at = writeText(bytes, at + 1, text)
  }
  for (const lease of leases) at = writeLease(bytes, at, lease)
  return bytes
}

/** Puts the signature behind what was signed. */
export function joinSignature(payload: Uint8Array, signature: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(payload.length + SIGNATURE_BYTES)
  bytes.set(payload)
  bytes.set(signature, payload.length)
  return bytes
}

/** See `ReadAnnouncement`. */
export function readAnnouncement(
  bytes: Uint8Array,
  offset: number,
  length: number,
): HeldDocument<Announcement> | null {
  if (gossipKind(CONTROL_MEMBER, bytes, offset, length) !== 'document') return null
  if (length < FIELD.rest + SIGNATURE_BYTES || length > MAX_ANNOUNCEMENT_BYTES) return null
  const message = bytes.slice(offset, offset + length)
  const announcement = announcementIn(message)
  return announcement === null ? null : new HeldDocument(announcement, message)
}

/** @param message is kept */
function announcementIn(message: Uint8Array): Announcement | null {
  const sequence = readSequence(message, FIELD.sequence)
  const mtu = readU16(message, FIELD.mtu)
  if (sequence === null || mtu < MIN_MTU || mtu > MAX_MTU) return null
  if ((message[3]! & ~FLAG_BRIDGED) !== 0 || message[FIELD.reserved] !== 0) return null
  if (isZeroId(message, FIELD.origin)) return null
  const end = message.length - SIGNATURE_BYTES
  const origin = message.subarray(FIELD.origin, FIELD.origin + ID_BYTES)
  const sealing = readSealingKey(
    message[FIELD.ciphers]!,
    message.subarray(FIELD.bootNonce, FIELD.bootNonce + BOOT_NONCE_BYTES),
    message.subarray(FIELD.sealingKey, FIELD.sealingKey + SEALING_KEY_BYTES),
  )
  if (sealing === null) return null
  const reader = new Reader(message, FIELD.rest, end)
  const hostname = reader.label(message[FIELD.hostnameBytes]!)
  const multiaddrs = reader.multiaddrs(message[FIELD.multiaddrs]!)
  const leases = reader.leases(readU16(message, FIELD.leases), sequence, origin)
  if (hostname === null || multiaddrs === null || leases === null || reader.at !== end) return null
  return {
    sequence,
    origin,
    publicKey: message.subarray(FIELD.publicKey, FIELD.publicKey + PUBLIC_KEY_BYTES),
    bridged: message[3] === FLAG_BRIDGED,
    mtu,
    hostname,
    sealing,
    multiaddrs,
    leases,
    signature: message.subarray(end),
    isProven: null,
  }
}

/** Reads what has no fixed place. Every step answers null for what is wrong, and stays within the bytes. */
class Reader {
  at: number
  readonly #bytes: Uint8Array
  readonly #end: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.at = start
    this.#end = end
  }

  label(length: number): string | null {
    if (length > MAX_LABEL_BYTES) return null
    const text = this.#text(length)
    return text === '' || (text !== null && isHostLabel(text)) ? text : null
  }

  multiaddrs(count: number): string[] | null {
    if (count > MAX_MULTIADDRS) return null
    const multiaddrs: string[] = []
    for (let i = 0; i < count; i++) {
      if (this.at >= this.#end) return null
      const length = this.#bytes[this.at++]!
      if (length === 0 || length > MAX_MULTIADDR_BYTES) return null
      const text = this.#text(length)
      if (text === null) return null
      multiaddrs.push(text)
    }
    return multiaddrs
  }

  leases(count: number, sequence: number, owner: Uint8Array): Claim[] | null {
    if (count > MAX_MEMBER_LEASES) return null
    const leases: Claim[] = []
    let ownAddresses = 0
    for (let i = 0; i < count; i++) {
      const lease = this.#lease(owner)
      if (lease === null || lease.sinceMs > sequence) return null
      const before = leases[i - 1]
      if (before !== undefined && compareAddresses(before.address, lease.address) >= 0) return null
      if (isOwnAddress(lease)) {
        const family = lease.address.length
        if ((ownAddresses & family) !== 0) return null
        ownAddresses |= family
      }
      leases.push(lease)
    }
    return leases
  }

  #lease(owner: Uint8Array): Claim | null {
    const { at } = this
    const bytes = this.#bytes
    if (at + LEASE_FIELD.address > this.#end) return null
    const head = bytes[at]!
    if ((head & ~(KIND_MASK | FAMILY_IPV6)) !== 0) return null
    const mac = bytes.subarray(at + LEASE_FIELD.mac, at + LEASE_FIELD.since)
    const sinceMs = readSequence(bytes, at + LEASE_FIELD.since)
    const addressEnd = at + LEASE_FIELD.address + ((head & FAMILY_IPV6) === 0 ? 4 : 16)
    if (addressEnd > this.#end || sinceMs === null || !isStationMac(mac)) return null
    const address = bytes.subarray(at + LEASE_FIELD.address, addressEnd)
    if (!isUnicast(address)) return null
    this.at = addressEnd
    const hostname = this.label(bytes[at + LEASE_FIELD.hostnameBytes]!)
    return hostname === null
      ? null
      : { mac, address, kind: LEASE_KINDS[head & KIND_MASK]!, sinceMs, hostname, owner }
  }

  /** Printable ASCII without space. */
  #text(length: number): string | null {
    const end = this.at + length
    if (end > this.#end) return null
    let text = ''
    for (; this.at < end; this.at++) {
      const byte = this.#bytes[this.at]!
      if (byte <= 0x20 || byte > 0x7e) return null
      text += String.fromCharCode(byte)
    }
    return text
  }
}

function isStationMac(mac: Uint8Array): boolean {
  return (mac[0]! & 1) === 0 && mac.some((byte) => byte !== 0)
}

function isUnicast(address: Uint8Array): boolean {
  if (address.every((byte) => byte === 0)) return false
  return address.length === 4 ? address[0]! < 224 : address[0] !== 0xff
}

function leaseBytes({ address, hostname }: Lease): number {
  return LEASE_FIELD.address + address.length + hostname.length
}

function writeLease(bytes: Uint8Array, at: number, lease: Lease): number {
  bytes[at] = LEASE_KINDS.indexOf(lease.kind) | (lease.address.length === 16 ? FAMILY_IPV6 : 0)
  bytes[at + LEASE_FIELD.hostnameBytes] = lease.hostname.length
  bytes.set(lease.mac, at + LEASE_FIELD.mac)
  writeSequence(bytes, at + LEASE_FIELD.since, lease.sinceMs)
  bytes.set(lease.address, at + LEASE_FIELD.address)
  return writeText(bytes, at + LEASE_FIELD.address + lease.address.length, lease.hostname)
}

function writeText(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i)
  return at + text.length
}
