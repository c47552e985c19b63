/** What a log line may hold at the most; anything beyond is cut and marked. */
const MAX_DEPTH = 6
const MAX_ENTRIES = 100
const MAX_TEXT = 2_048

const REDACTED = '[redacted]'
/** Parts of a field name that mark a secret, compared in lower case without separators. */
const SECRET_PARTS = [
  'secret',
  'token',
  'password',
  'passwd',
  'passphrase',
  'credential',
  'authorization',
  'cookie',
  'mnemonic',
  'seed',
  'preshared',
]
const PUBLIC_NAMES = new Set(['publickey', 'publickeys', 'configkey', 'configkeys'])

/**
 * Whether a field of this name is never shown: anything that names a secret, and every key but a public one.
 * It errs on the side of hiding.
 */
export function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '')
  if (PUBLIC_NAMES.has(plain)) return false
  return (
    /keys?$/.test(plain) || plain.includes('privatekey') || SECRET_PARTS.some((part) => plain.includes(part))
  )
}

/**
 * A copy for the log: secrets hidden by field name, bytes shown by their number alone (they may be keys or
 * payload), errors with their code and cause, everything bounded in depth, entries and length.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '[invalid date]' : value.toISOString()
  if (depth >= MAX_DEPTH) return '[deeper]'
  if (value instanceof Error) return redactError(value, depth)
  if (value instanceof Map)
    return redactEntries(
      [...value].map(([k, v]) => [String(k), v]),
      depth,
    )
  if (value instanceof Set) return redactList([...value], depth)
  if (Array.isArray(value)) return redactList(value, depth)
  return redactEntries(Object.entries(value), depth)
}

function redactError(error: Error & { code?: unknown }, depth: number): unknown {
  return {
    type: error.name,
    ...(error.code === undefined ? {} : { code: redact(error.code, depth + 1) }),
    message: redact(error.message, depth + 1),
    stack: redact(error.stack, depth + 1),
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) }),
  }
}

function redactList(list: readonly unknown[], depth: number): unknown[] {
  const kept = list.slice(0, MAX_ENTRIES).map((item) => redact(item, depth + 1))
  return list.length > MAX_ENTRIES ? [...kept, `[${list.length - MAX_ENTRIES} more]`] : kept
}

function redactEntries(entries: readonly (readonly [string, unknown])[], depth: number): object {
  const kept = entries
    .slice(0, MAX_ENTRIES)
    .map(([name, item]) => [
      name,
      isSecretName(name) && item !== null && item !== undefined ? REDACTED : redact(item, depth + 1),
    ])
  if (entries.length > MAX_ENTRIES) kept.push(['…', `[${entries.length - MAX_ENTRIES} more]`])
  return Object.fromEntries(kept)
}
