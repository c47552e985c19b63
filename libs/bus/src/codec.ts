import { ERROR_CODES, type ErrorCode, WakunetError } from '@wakunet/interface'
import { z } from 'zod'
import { MAX_BUS_MESSAGE_BYTES } from './limits.ts'

/** Longest error message that crosses the bus, in characters. */
const MAX_ERROR_CHARS = 2_048

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** An answer as it travels: the reply, or why there is none. */
const answerSchema = z.union([
  z.strictObject({ reply: z.unknown() }),
  z.strictObject({ error: z.object({ code: z.string().max(64), message: z.string() }) }),
])

/**
 * Checks a payload against its schema and turns it into bytes.
 * @throws WakunetError `ERR_BUS_INVALID_PAYLOAD` where it does not fit its schema or is too large
 */
export function encodePayload(schema: z.ZodType, payload: unknown, what: string): Uint8Array {
  return toBytes(checkPayload(schema, payload, what), what)
}

/**
 * Parses and checks the bytes of a payload; the value shares nothing with anybody.
 * @throws WakunetError `ERR_BUS_INVALID_PAYLOAD`
 */
export function decodePayload(schema: z.ZodType, bytes: Uint8Array, what: string): unknown {
  return checkPayload(schema, fromBytes(bytes, what), what)
}

/** @throws WakunetError `ERR_BUS_INVALID_PAYLOAD` where the reply does not fit its schema or is too large */
export function encodeReply(schema: z.ZodType, reply: unknown, what: string): Uint8Array {
  return toBytes({ reply: checkPayload(schema, reply, what) }, what)
}

/** The answer that carries an error. Only a WakunetError tells the requester anything. */
export function encodeError(error: unknown): Uint8Array {
  return toBytes({ error: errorBody(error) }, 'an error')
}

/** Code and message of an error as they may be shown to another process. */
export function errorBody(error: unknown): { code: ErrorCode; message: string } {
  if (error instanceof WakunetError) {
    return { code: error.code, message: error.message.slice(0, MAX_ERROR_CHARS) }
  }
  return { code: 'ERR_INTERNAL', message: 'the responder failed; its log says why' }
}

/** The error that another process described; a code that this version does not know is `ERR_INTERNAL`. */
export function errorFromBody(body: { code: string; message: string }): WakunetError {
  const code = ERROR_CODES.find((known) => known === body.code) ?? 'ERR_INTERNAL'
  return new WakunetError(code, body.message.slice(0, MAX_ERROR_CHARS))
}

/** What an answer says: the reply, or the error that the responder gave instead. */
export interface Answer {
  readonly error?: WakunetError
  readonly reply?: unknown
}

/** @throws WakunetError `ERR_BUS_INVALID_PAYLOAD` where the bytes are no answer or the reply does not fit */
export function decodeAnswer(schema: z.ZodType, bytes: Uint8Array, what: string): Answer {
  const answer = answerSchema.safeParse(fromBytes(bytes, what))
  if (!answer.success) throw invalid(what, 'is neither a reply nor an error')
  if ('error' in answer.data) return { error: errorFromBody(answer.data.error) }
  return { reply: checkPayload(schema, answer.data.reply, what) }
}

/**
 * The value as its schema has it, sharing nothing with what was given.
 * @throws WakunetError `ERR_BUS_INVALID_PAYLOAD` that names the place
 */
export function checkPayload(schema: z.ZodType, value: unknown, what: string): unknown {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const place = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
  throw invalid(what, `${place}${issue?.message ?? 'does not fit its schema'}`)
}

function toBytes(value: unknown, what: string): Uint8Array {
  const bytes = encoder.encode(JSON.stringify(value))
  if (bytes.length > MAX_BUS_MESSAGE_BYTES) throw tooLarge(what, bytes.length)
  return bytes
}

function fromBytes(bytes: Uint8Array, what: string): unknown {
  if (bytes.length > MAX_BUS_MESSAGE_BYTES) throw tooLarge(what, bytes.length)
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch (cause) {
    throw invalid(what, 'is not JSON', cause)
  }
}

function tooLarge(what: string, bytes: number): WakunetError {
  return invalid(what, `has ${bytes} bytes, more than ${MAX_BUS_MESSAGE_BYTES}`)
}

function invalid(what: string, fault: string, cause?: unknown): WakunetError {
  return new WakunetError('ERR_BUS_INVALID_PAYLOAD', `${what}: ${fault}`.slice(0, MAX_ERROR_CHARS), { cause })
}
