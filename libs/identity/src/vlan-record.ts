import { ed25519 } from '@noble/curves/ed25519.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { type VlanId, WakunetError } from '@wakunet/interface'
import { type DecodeOptions, decode, encode, rfc8949EncodeOptions } from 'cborg'
import { vlanIdFromPublicKey } from './ids.ts'
import { publicKeyOf } from './vlan-key.ts'
import { hasPlan } from './vlan-plan.ts'
import { type VlanRecord, type VlanRecordFields, vlanRecordSchema } from './vlan-record-fields.ts'

/** A record that was decoded, and whose signature is right. */
export type VerifiedVlanRecord = VlanRecord & { readonly id: VlanId }

/** Largest record, version and signature included. */
export const MAX_VLAN_RECORD_BYTES = 32_768

/** Without and with an address plan. */
type Version = 1 | 2
const SIGNATURE_BYTES = 64
/** Version byte, smallest map, signature. */
const MIN_BYTES = 1 + 1 + SIGNATURE_BYTES
/** Faults of one record that are told. */
const MAX_FAULTS_TOLD = 8
/** A signature for this is one for nothing else that the key might sign. */
const DOMAIN: Readonly<Record<Version, Uint8Array>> = {
  1: utf8ToBytes('wakunet vlan record v1'),
  2: utf8ToBytes('wakunet vlan record v2'),
}

/** Only core deterministic encoding (RFC 8949 §4.2.1) is read; what these let pass fails the comparison of bytes. */
const STRICT: DecodeOptions = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowBigInt: false,
  allowInfinity: false,
  allowNaN: false,
  rejectDuplicateMapKeys: true,
}

/**
 * Signs a record with the VLAN's private key, in the lowest version that has all its fields.
 * @param privateKey 32 bytes, from `createVlanKey`
 * @throws WakunetError `ERR_VLAN_RECORD_INVALID` that names every field out of its limits
 */
export function signVlanRecord(fields: VlanRecordFields, privateKey: Uint8Array): Uint8Array {
  const record = checkFields({ ...fields, publicKey: publicKeyOf(privateKey) })
  const version = versionOf(record)
  const map = encode(record, rfc8949EncodeOptions)
  const signature = ed25519.sign(concatBytes(DOMAIN[version], map), privateKey)
  return concatBytes(Uint8Array.of(version), map, signature)
}

/**
 * Decodes a record from anywhere and verifies it: every field within its limits, signed by the key that its
 * id is made of, and not expired.
 * @param nowMs Unix milliseconds
 * @throws WakunetError `ERR_VLAN_RECORD_INVALID`, the only way to fail
 */
export function decodeVlanRecord(bytes: Uint8Array, nowMs: number): VerifiedVlanRecord {
  if (bytes.length > MAX_VLAN_RECORD_BYTES) {
    throw invalid(`it has ${bytes.length} bytes, more than ${MAX_VLAN_RECORD_BYTES}`)
  }
  if (bytes.length < MIN_BYTES) throw invalid(`it has only ${bytes.length} bytes`)
  const version = knownVersion(bytes[0])
  const map = bytes.subarray(1, -SIGNATURE_BYTES)
  const record = checkFields(decodeMap(map))
  // One form for one record here, too.
  if (versionOf(record) !== version) {
    throw invalid(`it has version ${version}, and its fields are those of version ${versionOf(record)}`)
  }
  const message = concatBytes(DOMAIN[version], map)
  if (!verify(bytes.subarray(-SIGNATURE_BYTES), message, record.publicKey)) {
    throw invalid('its signature is not that of its key')
  }
  if (record.expiresAtMs !== undefined && record.expiresAtMs <= nowMs) {
    throw invalid(
      `it has expired, ${Math.ceil((nowMs - record.expiresAtMs) / 1000)} s ago by the clock of this host`,
    )
  }
  return { ...record, id: vlanIdFromPublicKey(record.publicKey) }
}

function versionOf(record: VlanRecord): Version {
  return hasPlan(record) ? 2 : 1
}

function knownVersion(version: number | undefined): Version {
  if (version === 1 || version === 2) return version
  throw invalid(`it has version ${version}, and this program knows versions 1 and 2; is a newer one needed?`)
}

function decodeMap(map: Uint8Array): unknown {
  let value: unknown
  let again: Uint8Array
  try {
    value = decode(map, STRICT)
    again = encode(value, rfc8949EncodeOptions)
  } catch (cause) {
    throw invalid('its fields are not a CBOR map', cause)
  }
  // One form for one record: nobody can make a second valid copy without the key.
  if (!equal(again, map)) throw invalid('its fields are not in the deterministic encoding')
  return value
}

function checkFields(value: unknown): VlanRecord {
  const result = vlanRecordSchema.safeParse(value)
  if (!result.success) {
    const faults = result.error.issues.map((issue) => `${issue.path.join('.') || 'fields'}: ${issue.message}`)
    const more = faults.length - MAX_FAULTS_TOLD
    throw invalid(faults.slice(0, MAX_FAULTS_TOLD).join('; ') + (more > 0 ? `; and ${more} more` : ''))
  }
  return result.data
}

function verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    // RFC 8032 §5.1.7 in its strict form: no keys of small order, no second encoding of a point.
    return ed25519.verify(signature, message, publicKey, { zip215: false })
  } catch {
    return false
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

function invalid(what: string, cause?: unknown): WakunetError {
  return new WakunetError('ERR_VLAN_RECORD_INVALID', `not a valid VLAN record: ${what}`, { cause })
}
