import { WakunetError } from '@wakunet/interface'
import { type DecodeOptions, decode, encode } from 'cborg'
import type { z } from 'zod'

/** What peers may say in one protocol. */
export interface MessageFormat<Schema extends z.ZodType> {
  /** In errors, such as `control message`. */
  readonly name: string
  readonly schema: Schema
  readonly maxBytes: number
  /** Nesting that any message needs, lists and maps counted from 0; deeper input is refused unread. */
  readonly maxDepth: number
}

/** RFC 8949 read strictly: one form for every value, maps as `Map` so that no key can reach a prototype. */
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

/** @throws WakunetError `ERR_INTERNAL` where it is larger than peers take */
export function encodeMessage<Schema extends z.ZodType>(
  { name, maxBytes }: MessageFormat<Schema>,
  message: z.infer<Schema> & { readonly type: string },
): Uint8Array {
  const encoded = encode(message)
  if (encoded.length <= maxBytes) return encoded
  throw new WakunetError(
    'ERR_INTERNAL',
    `${name} '${message.type}' has ${encoded.length} bytes, over ${maxBytes}`,
  )
}

/**
 * Decodes a peer's message. Total: whatever is not exactly one message of the format ends in the same way; trailing bytes are an error.
 * @throws WakunetError `ERR_DECODE`, the only way to fail
 */
export function decodeMessage<Schema extends z.ZodType>(
  { name, schema, maxBytes, maxDepth }: MessageFormat<Schema>,
  encoded: Uint8Array,
): z.infer<Schema> {
  const malformed = (what: string, cause?: unknown) =>
    new WakunetError('ERR_DECODE', `malformed ${name}: ${what}`, { cause })
  if (encoded.length === 0 || encoded.length > maxBytes) throw malformed(`${encoded.length} bytes`)
  let value: unknown
  try {
    value = plain(decode(encoded, STRICT), maxDepth)
  } catch (cause) {
    throw malformed('not strict CBOR', cause)
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw malformed(`${issue?.path.join('.') || 'message'}: ${issue?.message ?? 'invalid'}`)
}

/** Maps to plain objects; text keys only, `__proto__` stays an ordinary key. */
function plain(value: unknown, levels: number): unknown {
  if (levels < 0) throw new Error('nested too deep')
  if (Array.isArray(value)) return value.map((item) => plain(item, levels - 1))
  if (!(value instanceof Map)) return value
  const object: Record<string, unknown> = Object.create(null)
  for (const [key, item] of value) {
    if (typeof key !== 'string') throw new Error('a key is not text')
    object[key] = plain(item, levels - 1)
  }
  return { ...object }
}
