import { createHash } from 'node:crypto'

/**
 * What a state file looks like: one line of JSON, whose bytes are compared exactly, so that there is one way
 * to write a state and any other byte is damage.
 *
 * ```text
 *   {"checksum":"<64 hexadecimal digits>","state":{"schema":"...","version":1,"data":...}}\n
 *                └─ SHA-256 of ──────────────────▶└──────────────────────────────────────┘
 * ```
 */
const HEAD = '{"checksum":"'
const MIDDLE = '","state":'
const TAIL = '}\n'
const DIGEST_DIGITS = 64

export interface StateBody {
  readonly schema: string
  readonly version: number
  readonly data: unknown
}

/** The bytes of a state file. */
export function sealState(body: StateBody): Uint8Array {
  const { schema, version, data } = body
  const state = JSON.stringify({ schema, version, data })
  return Buffer.from(`${HEAD}${digest(Buffer.from(state))}${MIDDLE}${state}${TAIL}`)
}

/** The state in a file's bytes, or what is wrong with them. */
export function openState(bytes: Uint8Array): StateBody | string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const stateStart = HEAD.length + DIGEST_DIGITS + MIDDLE.length
  const stateEnd = buffer.length - TAIL.length
  if (stateEnd <= stateStart) return 'it is too short'
  const state = buffer.subarray(stateStart, stateEnd)
  // The frame around the state is rebuilt and compared whole: this covers the digest as well.
  const frame = Buffer.concat([Buffer.from(`${HEAD}${digest(state)}${MIDDLE}`), state, Buffer.from(TAIL)])
  if (!frame.equals(buffer)) return 'its checksum does not match'
  return parseBody(state.toString('utf8'))
}

function parseBody(text: string): StateBody | string {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return 'it is not JSON'
  }
  if (typeof body !== 'object' || body === null) return 'it holds no state'
  const { schema, version, data } = body as Record<string, unknown>
  if (typeof schema !== 'string' || typeof version !== 'number') return 'it names no schema'
  return { schema, version, data }
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
