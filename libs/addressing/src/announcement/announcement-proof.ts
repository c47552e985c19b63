import { blake3 } from '@noble/hashes/blake3.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { compareIds, type HeldDocument } from '@wakunet/gossip'
import { ID_BYTES } from '@wakunet/interface'
import { compareAddresses, keyOfAddress } from '../leases/address-order.ts'
import { isOwnAddress, type Lease } from '../leases/lease.ts'
import { type Announcement, type AnnouncementFields, SIGNATURE_BYTES } from './announcement.ts'

/** Ed25519. */
export type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean

/** Why an announcement that can be read is refused; closed. */
export type AnnouncementFault = 'forged' | 'backdated'

const DOMAIN = utf8ToBytes('wakunet vlan member v1\0')

/**
 * What the signature is over: the domain, a zero byte, the VLAN id, and the announcement without its signature. Who signs puts
 * everything before the payload itself, so that no signature serves another purpose.
 * @param vlanId 16 bytes
 */
export function signedBytes(vlanId: Uint8Array, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(DOMAIN.length + ID_BYTES + payload.length)
  bytes.set(DOMAIN)
  bytes.set(vlanId, DOMAIN.length)
  bytes.set(payload, DOMAIN.length + ID_BYTES)
  return bytes
}

/** The node with this Ed25519 public key, 16 bytes. */
export function nodeIdOfKey(publicKey: Uint8Array): Uint8Array {
  return blake3(publicKey, { dkLen: ID_BYTES })
}

export interface ProofContext {
  readonly vlanId: Uint8Array
  /** MAC address of a member in this VLAN, which follows from its node id: of its own addresses. */
  readonly macOf: (nodeId: Uint8Array) => Uint8Array
  /** The last announcement of the origin, null for none. */
  readonly before: AnnouncementFields | null
  readonly verify: Verify
}

/** What is wrong with an announcement; the cheap checks come first. */
export function announcementFault(
  { document: announcement, bytes }: HeldDocument<Announcement>,
  { vlanId, macOf, before, verify }: ProofContext,
): AnnouncementFault | null {
  const { leases } = announcement
  if (before !== null && isBackdated(leases, before)) return 'backdated'
  announcement.isProven ??= isProven(announcement, bytes, vlanId, macOf, verify)
  return announcement.isProven ? null : 'forged'
}

/** Whether an announcement is of its origin, whatever was said before. */
function isProven(
  { origin, publicKey, signature, leases }: Announcement,
  bytes: Uint8Array,
  vlanId: Uint8Array,
  macOf: ProofContext['macOf'],
  verify: Verify,
): boolean {
  if (compareIds(nodeIdOfKey(publicKey), origin) !== 0) return false
  const mac = macOf(origin)
  if (leases.some((lease) => isOwnAddress(lease) && compareAddresses(lease.mac, mac) !== 0)) return false
  return verify(publicKey, signedBytes(vlanId, bytes.subarray(0, bytes.length - SIGNATURE_BYTES)), signature)
}

/** Whether a lease that is new since `before` claims to be older than that. */
function isBackdated(leases: readonly Lease[], before: AnnouncementFields): boolean {
  const known = new Map(before.leases.map((lease) => [keyOfAddress(lease.address), lease]))
  return leases.some((lease) => {
    if (lease.sinceMs >= before.sequence) return false
    const same = known.get(keyOfAddress(lease.address))
    return same === undefined || compareAddresses(same.mac, lease.mac) !== 0 || lease.sinceMs < same.sinceMs
  })
}
