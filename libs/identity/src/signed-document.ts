import { ed25519 } from '@noble/curves/ed25519.js'
import { concatBytes } from '@noble/hashes/utils.js'
import { type DecodeOptions, decode, encode, rfc8949EncodeOptions } from 'cborg'

/**
 * What a VLAN's key signs: a version byte, a CBOR map in the core deterministic encoding, a signature over a domain text and the
 * map (docs/protocols/vlan-record.md).
 */
export interface SignedDocument {
  readonly version: number
  readonly map: Uint8Array
  readonly signature: Uint8Array
}

const SIGNATURE_BYTES = 64
/** Version byte, smallest map, signature. */
export const MIN_DOCUMENT_BYTES = 1 + 1 + SIGNATURE_BYTES

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

/** @param domain a signature for this is one for nothing else that the key might sign */
export function signDocument(
  version: number,
  domain: Uint8Array,
  fields: object,
  privateKey: Uint8Array,
): Uint8Array {
  const map = encode(fields, rfc8949EncodeOptions)
  const signature = ed25519.sign(concatBytes(domain, map), privateKey)
  return concatBytes(Uint8Array.of(version), map, signature)
}

/** The parts of a document of at least `MIN_DOCUMENT_BYTES`; views of its bytes. */
export function splitDocument(bytes: Uint8Array): SignedDocument {
  return {
    version: bytes[0]!,
    map: bytes.subarray(1, -SIGNATURE_BYTES),
    signature: bytes.subarray(-SIGNATURE_BYTES),
  }
}

/** The value, or what is wrong with the bytes as the end of a sentence about the document. */
export function decodeDeterministic(
  map: Uint8Array,
): { value: unknown } | { fault: string; cause?: unknown } {
  let value: unknown
  let again: Uint8Array
  try {
    value = decode(map, STRICT)
    again = encode(value, rfc8949EncodeOptions)
  } catch (cause) {
    return { fault: 'its fields are not a CBOR map', cause }
  }
  // One form for one document: nobody can make a second valid copy without the key.
  return equal(again, map) ? { value } : { fault: 'its fields are not in the deterministic encoding' }
}

export function isSignedBy(
  publicKey: Uint8Array,
  domain: Uint8Array,
  { map, signature }: SignedDocument,
): boolean {
  try {
    // RFC 8032 §5.1.7 in its strict form: no keys of small order, no second encoding of a point.
    return ed25519.verify(signature, concatBytes(domain, map), publicKey, { zip215: false })
  } catch {
    return false
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

/** Who a document claims to be from and how new it claims to be; nothing is verified. Null where it has no such claim. */
export function peekDocument(bytes: Uint8Array): { publicKey: Uint8Array; sequence: number } | null {
  if (bytes.length < MIN_DOCUMENT_BYTES) return null
  try {
    const { publicKey, sequence } = decode(splitDocument(bytes).map, STRICT) as Record<string, unknown>
    const isClaim = publicKey instanceof Uint8Array && Number.isSafeInteger(sequence) && Number(sequence) > 0
    return isClaim ? { publicKey, sequence: Number(sequence) } : null
  } catch {
    return null
  }
}
