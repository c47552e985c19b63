import { z } from 'zod'
import { MAX_BUS_MESSAGE_BYTES } from './limits.ts'

/** Longest line that a client takes: a message and what is around it. */
export const MAX_REPLY_LINE_BYTES = MAX_BUS_MESSAGE_BYTES + 1_024

const idSchema = z.number().int().nonnegative()

/** What a client writes. */
export const requestLineSchema = z.strictObject({
  id: idSchema,
  subject: z.string().min(1).max(64),
  payload: z.unknown().optional(),
  timeoutMs: z.number().int().positive().optional(),
})

/** What the server writes; `id` is null where the line had none that could be read. */
export const replyLineSchema = z.union([
  z.strictObject({ id: idSchema, reply: z.unknown() }),
  z.strictObject({
    id: idSchema.nullable(),
    error: z.object({ code: z.string().max(64), message: z.string() }),
  }),
])

const decoder = new TextDecoder('utf-8', { fatal: true })

/** One line as its schema has it; null where it is not UTF-8, not JSON or of another shape. */
export function parseLine<S extends z.ZodType>(schema: S, line: Uint8Array): z.infer<S> | null {
  try {
    return schema.parse(JSON.parse(decoder.decode(line)))
  } catch {
    return null
  }
}

const NEWLINE = 0x0a

/** Cuts a byte stream into lines and holds no more than one line of it. */
export class LineSplitter {
  readonly #maxBytes: number
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * Lines that end in this chunk, without their ends.
   * @returns null once a line is over the limit: the stream is of no use any more
   */
  push(chunk: Buffer): Buffer[] | null {
    const lines: Buffer[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      if (!this.#keep(chunk.subarray(start, end))) return null
      lines.push(Buffer.concat(this.#chunks, this.#bytes))
      this.#chunks = []
      this.#bytes = 0
      start = end + 1
    }
    return this.#keep(chunk.subarray(start)) ? lines : null
  }

  #keep(part: Buffer): boolean {
    if (this.#bytes + part.length > this.#maxBytes) return false
    if (part.length > 0) this.#chunks.push(part)
    this.#bytes += part.length
    return true
  }
}
