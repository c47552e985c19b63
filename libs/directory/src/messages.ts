import { WakunetError } from '@wakunet/interface'
import { type DecodeOptions, decode, encode } from 'cborg'
import { z } from 'zod'
import {
  BUCKETS,
  DIGEST_BYTES,
  ENTRY_BYTES,
  MAX_DIRECTORY_UNIT_BYTES,
  MAX_INVENTORY_ENTRIES,
  MAX_QUERY_LENGTH,
  MAX_REQUESTED_IDS,
  MAX_SEARCH_RESULTS,
} from './limits.ts'

const ID_BYTES = 16
const MAX_SEARCH_ID = 0xffff_ffff
/** A map of a list: deeper input is refused. */
const MAX_DEPTH = 2

const anyBytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, { message: 'must be bytes' })
const units = (size: number, min: number, max: number) =>
  anyBytes.refine((b) => b.length % size === 0 && b.length >= size * min && b.length <= size * max, {
    message: `must have ${min} to ${max} times ${size} bytes`,
  })
const uint = (max: number) => z.number().int().min(0).max(max)
const listings = z.array(anyBytes).max(MAX_DIRECTORY_UNIT_BYTES / 64)

const directoryMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('summary'), digests: units(DIGEST_BYTES, BUCKETS, BUCKETS) }),
  z.strictObject({
    type: z.literal('inventory-request'),
    buckets: z
      .array(uint(BUCKETS - 1))
      .min(1)
      .max(BUCKETS),
  }),
  z.strictObject({
    type: z.literal('inventory'),
    bucket: uint(BUCKETS - 1),
    entries: units(ENTRY_BYTES, 0, MAX_INVENTORY_ENTRIES),
  }),
  z.strictObject({ type: z.literal('listing-request'), ids: units(ID_BYTES, 1, MAX_REQUESTED_IDS) }),
  z.strictObject({ type: z.literal('listings'), items: listings }),
  z.strictObject({
    type: z.literal('search'),
    id: uint(MAX_SEARCH_ID),
    query: z.string().max(MAX_QUERY_LENGTH),
    limit: z.number().int().min(1).max(MAX_SEARCH_RESULTS),
  }),
  z.strictObject({ type: z.literal('results'), id: uint(MAX_SEARCH_ID), items: listings, done: z.boolean() }),
])

export type DirectoryMessage = z.infer<typeof directoryMessageSchema>

/** RFC 8949 read strictly; maps as `Map`, so that no key can reach a prototype. */
const STRICT: DecodeOptions = {
  strict: true,
  useMaps: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
}

/** @throws WakunetError `ERR_INTERNAL` where it is larger than a unit may be */
export function encodeDirectoryMessage(message: DirectoryMessage): Uint8Array {
  const encoded = encode(message)
  if (encoded.length <= MAX_DIRECTORY_UNIT_BYTES) return encoded
  throw new WakunetError('ERR_INTERNAL', `directory message '${message.type}' has ${encoded.length} bytes`)
}

/**
 * Decodes a peer's message. Total; trailing bytes are an error.
 * @throws WakunetError `ERR_DECODE`, the only way to fail
 */
export function decodeDirectoryMessage(encoded: Uint8Array): DirectoryMessage {
  if (encoded.length === 0 || encoded.length > MAX_DIRECTORY_UNIT_BYTES)
    throw malformed(`${encoded.length} bytes`)
  let value: unknown
  try {
    value = plain(decode(encoded, STRICT), 0)
  } catch (cause) {
    throw malformed('not strict CBOR', cause)
  }
  const parsed = directoryMessageSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw malformed(`${issue?.path.join('.') || 'message'}: ${issue?.message ?? 'invalid'}`)
}

function plain(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new Error('nested too deep')
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1))
  if (!(value instanceof Map)) return value
  const object: Record<string, unknown> = Object.create(null)
  for (const [key, item] of value) {
    if (typeof key !== 'string') throw new Error('a key is not text')
    object[key] = plain(item, depth + 1)
  }
  return { ...object }
}

function malformed(what: string, cause?: unknown): WakunetError {
  return new WakunetError('ERR_DECODE', `malformed directory message: ${what}`, { cause })
}
