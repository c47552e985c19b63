import { createHash } from 'node:crypto'
import { vlanIdToBytes } from '@wakunet/identity'
import type { VlanId } from '@wakunet/interface'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'

/** Namespace of signed VLAN records in the DHT. */
export const VLAN_NAMESPACE = 'wakunet-vlan'
const RECORD_KEY = new RegExp(`^/${VLAN_NAMESPACE}/([0-9a-f]{32})$`)

/** Multicodec numbers: what the key names is bytes without a structure, hashed with SHA-256. */
const RAW = 0x55
const SHA2_256 = 0x12
const PROVIDERS_DOMAIN = 'wakunet vlan providers v1'
const BLINDED_DOMAIN = 'wakunet vlan providers blinded v1'

/** The key under which a VLAN's signed record is kept. */
export function vlanRecordKey(vlan: VlanId): string {
  return `/${VLAN_NAMESPACE}/${vlan}`
}

/** The VLAN whose record is kept under a key; null for any other key. */
export function vlanOfRecordKey(key: string): VlanId | null {
  return (RECORD_KEY.exec(key)?.[1] as VlanId | undefined) ?? null
}

/**
 * The key under which members of a VLAN are found.
 * @param blind secret of a private VLAN, any length: who does not know it cannot tell which VLAN the key belongs to
 */
export function vlanProviderKey(vlan: VlanId, blind?: Uint8Array): CID {
  const hash = createHash('sha256').update(`${blind === undefined ? PROVIDERS_DOMAIN : BLINDED_DOMAIN}\0`)
  if (blind !== undefined) hash.update(createHash('sha256').update(blind).digest())
  hash.update(vlanIdToBytes(vlan))
  return CID.createV1(RAW, createDigest(SHA2_256, new Uint8Array(hash.digest())))
}
