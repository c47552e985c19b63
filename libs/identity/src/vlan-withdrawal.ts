import { utf8ToBytes } from '@noble/hashes/utils.js'
import { type VlanId, WakunetError } from '@wakunet/interface'
import { z } from 'zod'
import { PUBLIC_KEY_BYTES, vlanIdFromPublicKey } from './ids.ts'
import {
  decodeDeterministic,
  isSignedBy,
  MIN_DOCUMENT_BYTES,
  signDocument,
  splitDocument,
} from './signed-document.ts'
import { publicKeyOf } from './vlan-key.ts'

/** Takes a publication back: no record of the VLAN with this sequence or a lower one is listed any more. */
export interface VlanWithdrawal {
  readonly id: VlanId
  readonly sequence: number
  /** Unix milliseconds at which the last publication that it takes back ends, and it with it. */
  readonly untilMs: number
}

/** First byte: no version of a record. */
const VERSION = 0x81
const DOMAIN = utf8ToBytes('wakunet vlan withdrawal v1')
/** Public key, sequence, time, their keys; signature and version. */
const MAX_BYTES = 256

const schema = z.strictObject({
  publicKey: z.instanceof(Uint8Array).refine((key) => key.length === PUBLIC_KEY_BYTES, {
    message: `must have ${PUBLIC_KEY_BYTES} bytes`,
  }),
  sequence: z.number().int().positive(),
  untilMs: z.number().int().nonnegative(),
})

/** Whether bytes claim to be a withdrawal and not a record. */
export function isVlanWithdrawal(bytes: Uint8Array): boolean {
  return bytes[0] === VERSION
}

/** @throws WakunetError `ERR_INTERNAL` where the private key has not 32 bytes */
export function signVlanWithdrawal(
  { sequence, untilMs }: Omit<VlanWithdrawal, 'id'>,
  privateKey: Uint8Array,
): Uint8Array {
  return signDocument(VERSION, DOMAIN, { publicKey: publicKeyOf(privateKey), sequence, untilMs }, privateKey)
}

/**
 * Decodes a withdrawal from anywhere and verifies its signature; whether its time is over is the caller's question.
 * @throws WakunetError `ERR_VLAN_RECORD_INVALID`, the only way to fail
 */
export function decodeVlanWithdrawal(bytes: Uint8Array): VlanWithdrawal {
  if (bytes.length > MAX_BYTES || bytes.length < MIN_DOCUMENT_BYTES || !isVlanWithdrawal(bytes))
    throw invalid(`it has ${bytes.length} bytes and version ${bytes[0] ?? 'none'}`)
  const document = splitDocument(bytes)
  const map = decodeDeterministic(document.map)
  if ('fault' in map) throw invalid(map.fault, map.cause)
  const fields = schema.safeParse(map.value)
  if (!fields.success) throw invalid(fields.error.issues[0]?.message ?? 'its fields are others')
  const { publicKey, sequence, untilMs } = fields.data
  if (!isSignedBy(publicKey, DOMAIN, document)) throw invalid('its signature is not that of its key')
  return { id: vlanIdFromPublicKey(publicKey), sequence, untilMs }
}

function invalid(what: string, cause?: unknown): WakunetError {
  return new WakunetError('ERR_VLAN_RECORD_INVALID', `not a valid withdrawal of a VLAN: ${what}`, { cause })
}
