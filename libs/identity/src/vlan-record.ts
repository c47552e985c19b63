import { utf8ToBytes } from '@noble/hashes/utils.js'
import { type VlanId, WakunetError } from '@wakunet/interface'
import { vlanIdFromPublicKey } from './ids.ts'
import {
  decodeDeterministic,
  isSignedBy,
  MIN_DOCUMENT_BYTES,
  signDocument,
  splitDocument,
} from './signed-document.ts'
import { publicKeyOf } from './vlan-key.ts'
import { hasPlan } from './vlan-plan.ts'
import { hasPresentation } from './vlan-presentation.ts'
import { type VlanRecord, type VlanRecordFields, vlanRecordSchema } from './vlan-record-fields.ts'

/** A record that was decoded, and whose signature is right. */
export type VerifiedVlanRecord = VlanRecord & { readonly id: VlanId }

/** Largest record, version and signature included. */
export const MAX_VLAN_RECORD_BYTES = 32_768

/** The first, with an address plan, with a presentation. */
type Version = 1 | 2 | 3
/** Faults of one record that are told. */
const MAX_FAULTS_TOLD = 8
/** A signature for this is one for nothing else that the key might sign. */
const DOMAIN: Readonly<Record<Version, Uint8Array>> = {
  1: utf8ToBytes('wakunet vlan record v1'),
  2: utf8ToBytes('wakunet vlan record v2'),
  3: utf8ToBytes('wakunet vlan record v3'),
}

/**
 * Signs a record with the VLAN's private key, in the lowest version that has all its fields.
 * @param privateKey 32 bytes, from `createVlanKey`
 * @throws WakunetError `ERR_VLAN_RECORD_INVALID` that names every field out of its limits
 */
export function signVlanRecord(fields: VlanRecordFields, privateKey: Uint8Array): Uint8Array {
  const record = checkFields({ ...fields, publicKey: publicKeyOf(privateKey) })
  const version = versionOf(record)
  const signed = signDocument(version, DOMAIN[version], record, privateKey)
  if (signed.length <= MAX_VLAN_RECORD_BYTES) return signed
  throw invalid(
    `it has ${signed.length} bytes, more than ${MAX_VLAN_RECORD_BYTES}: take a smaller icon, or fewer reservations`,
  )
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
  if (bytes.length < MIN_DOCUMENT_BYTES) throw invalid(`it has only ${bytes.length} bytes`)
  const document = splitDocument(bytes)
  const version = knownVersion(document.version)
  const map = decodeDeterministic(document.map)
  if ('fault' in map) throw invalid(map.fault, map.cause)
  const record = checkFields(map.value)
  // One form for one record here, too.
  if (versionOf(record) !== version) {
    throw invalid(`it has version ${version}, and its fields are those of version ${versionOf(record)}`)
  }
  if (!isSignedBy(record.publicKey, DOMAIN[version], document)) {
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
  if (hasPresentation(record)) return 3
  return hasPlan(record) ? 2 : 1
}

function knownVersion(version: number): Version {
  if (version === 1 || version === 2 || version === 3) return version
  throw invalid(`it has version ${version}, and this program knows versions 1 to 3; is a newer one needed?`)
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

function invalid(what: string, cause?: unknown): WakunetError {
  return new WakunetError('ERR_VLAN_RECORD_INVALID', `not a valid VLAN record: ${what}`, { cause })
}
