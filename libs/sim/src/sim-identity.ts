import { memberMac, nodeIdOfKey } from '@wakunet/addressing'
import { macFromString, readMac } from '@wakunet/ethernet'
import type { NodeId, VlanId } from '@wakunet/interface'
import type { Random } from './random.ts'

/** A node's key, and what follows from it. */
export interface SimIdentity {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 16 bytes. */
  readonly nodeId: Uint8Array
  readonly mac: number
}

/** Draws a key; node id and MAC address follow from it as in the protocol. */
export function drawIdentity(vlanId: Uint8Array, random: Random): SimIdentity {
  const publicKey = random.bytes(32)
  const nodeId = nodeIdOfKey(publicKey)
  const mac = memberMac(hexOf(vlanId) as VlanId, hexOf(nodeId) as NodeId)
  return { publicKey, nodeId, mac: readMac(macFromString(mac), 0) }
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const SIGNATURE_BYTES = 64

/** Stands for a signature and costs nothing; nobody forges here, and real ones are in the tests of announcements. */
export function signatureOf(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  let hash = 0x811c_9dc5
  for (const byte of publicKey) hash = Math.imul(hash ^ byte, 0x0100_0193)
  for (const byte of message) hash = Math.imul(hash ^ byte, 0x0100_0193)
  const signature = new Uint8Array(SIGNATURE_BYTES)
  for (let i = 0; i < SIGNATURE_BYTES; i++) signature[i] = Math.imul(hash, i + 1) >>> 24
  return signature
}

export function isSignatureOf(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return signatureOf(publicKey, message).every((byte, i) => byte === signature[i])
}
