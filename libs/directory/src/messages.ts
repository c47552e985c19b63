import { decodeMessage, encodeMessage, type MessageFormat } from '@wakunet/cbor'
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

const FORMAT = {
  name: 'directory message',
  schema: directoryMessageSchema,
  maxBytes: MAX_DIRECTORY_UNIT_BYTES,
  // A map of a list.
  maxDepth: 2,
} satisfies MessageFormat<typeof directoryMessageSchema>

/** @throws WakunetError `ERR_INTERNAL` where it is larger than a unit may be */
export function encodeDirectoryMessage(message: DirectoryMessage): Uint8Array {
  return encodeMessage(FORMAT, message)
}

/**
 * Decodes a peer's message. Total; trailing bytes are an error.
 * @throws WakunetError `ERR_DECODE`, the only way to fail
 */
export function decodeDirectoryMessage(encoded: Uint8Array): DirectoryMessage {
  return decodeMessage(FORMAT, encoded)
}
