import { blake3 } from '@noble/hashes/blake3.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { type ErrorCode, ID_BYTES, type NodeId, type VlanId, WakunetError } from '@wakunet/interface'

/** Bytes of a raw Ed25519 public key. */
export const PUBLIC_KEY_BYTES = 32

const ID_TEXT = /^[0-9a-f]{32}$/

/**
 * The id of the node with this raw Ed25519 public key.
 * @throws WakunetError `ERR_DECODE` where it has not 32 bytes
 */
export function nodeIdFromPublicKey(key: Uint8Array): NodeId {
  return idOfKey(key, 'ERR_DECODE') as NodeId
}

/**
 * The id of the VLAN with this raw Ed25519 public key.
 * @throws WakunetError `ERR_VLAN_ID_INVALID` where it has not 32 bytes
 */
export function vlanIdFromPublicKey(key: Uint8Array): VlanId {
  return idOfKey(key, 'ERR_VLAN_ID_INVALID') as VlanId
}

/** @throws WakunetError `ERR_DECODE` */
export function parseNodeId(text: string): NodeId {
  return checkedText(text, 'node', 'ERR_DECODE') as NodeId
}

/**
 * The bare form of a VLAN id; `parseVlanRef` also reads the form that people type.
 * @throws WakunetError `ERR_VLAN_ID_INVALID`
 */
export function parseVlanId(text: string): VlanId {
  return checkedText(text, 'VLAN', 'ERR_VLAN_ID_INVALID') as VlanId
}

/** 16 bytes. */
export function nodeIdToBytes(id: NodeId): Uint8Array {
  return hexToBytes(id)
}

/** 16 bytes. */
export function vlanIdToBytes(id: VlanId): Uint8Array {
  return hexToBytes(id)
}

/** @throws WakunetError `ERR_DECODE` where there are not 16 bytes */
export function nodeIdFromBytes(bytes: Uint8Array): NodeId {
  return idOfBytes(bytes, 'ERR_DECODE') as NodeId
}

/** @throws WakunetError `ERR_VLAN_ID_INVALID` where there are not 16 bytes */
export function vlanIdFromBytes(bytes: Uint8Array): VlanId {
  return idOfBytes(bytes, 'ERR_VLAN_ID_INVALID') as VlanId
}

function idOfKey(key: Uint8Array, code: ErrorCode): string {
  if (key.length !== PUBLIC_KEY_BYTES) {
    throw new WakunetError(code, `an Ed25519 public key has ${PUBLIC_KEY_BYTES} bytes, not ${key.length}`)
  }
  return bytesToHex(blake3(key, { dkLen: ID_BYTES }))
}

function idOfBytes(bytes: Uint8Array, code: ErrorCode): string {
  if (bytes.length === ID_BYTES) return bytesToHex(bytes)
  throw new WakunetError(code, `an id has ${ID_BYTES} bytes, not ${bytes.length}`)
}

function checkedText(text: string, what: string, code: ErrorCode): string {
  if (ID_TEXT.test(text)) return text
  throw new WakunetError(
    code,
    `${JSON.stringify(text.slice(0, 64))} is no ${what} id; one has 32 hexadecimal digits in lower case`,
  )
}
