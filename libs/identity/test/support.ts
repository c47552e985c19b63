import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'

/** Node's own Ed25519 and a CBOR encoder of ten lines: independent of what the library uses. */

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')

export function nodePublicKey(privateKey: Uint8Array): Uint8Array {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, privateKey]), format: 'der', type: 'pkcs8' })
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI.length)
}

export function nodeSign(message: Uint8Array, privateKey: Uint8Array): Uint8Array {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, privateKey]), format: 'der', type: 'pkcs8' })
  return sign(null, message, key)
}

export function nodeVerify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' })
  return verify(null, message, key, signature)
}

export type CborValue =
  | number
  | string
  | Uint8Array
  | null
  | readonly CborValue[]
  | { [key: string]: CborValue }

/** RFC 8949 §4.2.1: shortest lengths, keys in the order of their encoded bytes. */
export function cbor(value: CborValue, sortKeys = true): Buffer {
  if (value === null) return Buffer.of(0xf6)
  if (typeof value === 'number') return head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value])
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map((v) => cbor(v))])
  const entries = Object.entries(value).map(([key, v]) => [cbor(key), cbor(v as CborValue)] as const)
  if (sortKeys) entries.sort(([a], [b]) => Buffer.compare(a, b))
  return Buffer.concat([head(5, entries.length), ...entries.flat()])
}

export function head(major: number, value: number): Buffer {
  if (value < 24) return Buffer.of((major << 5) | value)
  if (value < 0x100) return Buffer.of((major << 5) | 24, value)
  const bytes = Buffer.alloc(9)
  bytes.writeBigUInt64BE(BigInt(value), 1)
  const size = value < 0x10000 ? 2 : value < 0x100000000 ? 4 : 8
  bytes[8 - size] = (major << 5) | (size === 2 ? 25 : size === 4 ? 26 : 27)
  return bytes.subarray(8 - size)
}

/** For `forge`: as version 2. */
export const V2 = { version: 2, domain: 'wakunet vlan record v2' } as const

/** A record of any fields at all, rightly signed. */
export function forge(
  fields: CborValue | Uint8Array,
  privateKey: Uint8Array,
  { version = 1, domain = 'wakunet vlan record v1' } = {},
): Uint8Array {
  const map = fields instanceof Uint8Array ? fields : cbor(fields)
  const signature = nodeSign(Buffer.concat([Buffer.from(domain), map]), privateKey)
  return Buffer.concat([Buffer.of(version), map, signature])
}
