import { dirname } from 'node:path'
import { type Clock, WakunetError } from '@wakunet/interface'
import type { z } from 'zod'
import { openState, sealState } from './state-envelope.ts'
import { hostFs, type StateFs } from './state-fs.ts'

/** Largest state file. */
export const MAX_STATE_BYTES = 16 * 1024 * 1024

/** One kind of state file. */
export interface StateFormat<T> {
  /** For example `trunk-peer.identity`. */
  readonly name: string
  /** Grows with every change of the layout. */
  readonly version: number
  readonly schema: z.ZodType<T>
}

/** Writes that wait for an earlier one to the same path; at most one entry per path in use. */
const pending = new Map<string, Promise<void>>()

/**
 * Replaces a state file so that a crash or power cut at any moment leaves the old or the new state whole:
 * temporary file (mode 0600), sync, rename, sync of the folder. Writes to one path happen one after another.
 * @throws WakunetError `ERR_SYSTEM_CALL` when it could not be written; the old state is still there then
 */
export async function writeStateFile<T>(
  path: string,
  format: StateFormat<T>,
  data: T,
  fs: StateFs = hostFs,
): Promise<void> {
  const bytes = sealState({ schema: format.name, version: format.version, data })
  if (bytes.length > MAX_STATE_BYTES)
    throw new WakunetError(
      'ERR_SYSTEM_CALL',
      `the state for ${path} has ${bytes.length} bytes, more than ${MAX_STATE_BYTES}`,
    )
  const earlier = pending.get(path)
  const write = (earlier ?? Promise.resolve()).catch(() => {}).then(() => replace(path, bytes, fs))
  pending.set(path, write)
  try {
    await write
  } finally {
    if (pending.get(path) === write) pending.delete(path)
  }
}

async function replace(path: string, bytes: Uint8Array, fs: StateFs): Promise<void> {
  // A fixed name: what a killed process left behind is replaced, never piled up. The folder's lock keeps
  // other processes away.
  const temporary = `${path}.tmp`
  try {
    await fs.remove(temporary)
    await writeWhole(temporary, bytes, fs)
    await fs.rename(temporary, path)
    await fs.syncDirectory(dirname(path))
  } catch (error) {
    await fs.remove(temporary).catch(() => {})
    throw new WakunetError('ERR_SYSTEM_CALL', `cannot write ${path}: ${writeProblem(error)}`, {
      cause: error,
    })
  }
}

async function writeWhole(path: string, bytes: Uint8Array, fs: StateFs): Promise<void> {
  const file = await fs.create(path)
  try {
    await file.write(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

function writeProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'the disk is full; free some space'
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied; check the owner of its folder'
  if (code === 'EROFS') return 'the file system is read-only'
  if (code === 'ENOENT') return 'its folder does not exist'
  return message
}

export interface ReadStateComponents {
  readonly clock: Clock
  readonly fs?: StateFs
}

/**
 * The state in a file, or null when there is none yet.
 * @throws WakunetError `ERR_STATE_DAMAGED` when the file is not whole, of another kind or version, or does not
 * fit the schema. The file has been renamed to `<path>.damaged-<time>` then, and is never overwritten
 * @throws WakunetError `ERR_SYSTEM_CALL` when it could not be read
 */
export async function readStateFile<T>(
  path: string,
  format: StateFormat<T>,
  { clock, fs = hostFs }: ReadStateComponents,
): Promise<T | null> {
  const bytes = await readBytes(path, fs)
  if (bytes === null) return null
  const problem = bytes === 'too large' ? `it has more than ${MAX_STATE_BYTES} bytes` : null
  const outcome = problem ?? decode(bytes as Uint8Array, format)
  if (typeof outcome !== 'string') return outcome.data
  const aside = await setAside(path, clock, fs)
  throw new WakunetError(
    'ERR_STATE_DAMAGED',
    `${path} cannot be used: ${outcome}. It was kept as ${aside}; restore it from a backup, or start again to begin with a new state`,
  )
}

async function readBytes(path: string, fs: StateFs): Promise<Uint8Array | 'too large' | null> {
  try {
    return await fs.read(path, MAX_STATE_BYTES)
  } catch (error) {
    if (error instanceof RangeError) return 'too large'
    throw new WakunetError('ERR_SYSTEM_CALL', `cannot read ${path}: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** Boxed, so that a state that is itself a string is not taken for a problem. */
function decode<T>(bytes: Uint8Array, format: StateFormat<T>): { readonly data: T } | string {
  const body = openState(bytes)
  if (typeof body === 'string') return body
  if (body.schema !== format.name) return `it holds ${body.schema}, not ${format.name}`
  if (body.version !== format.version)
    return `it has version ${body.version}, and this program knows version ${format.version}`
  const result = format.schema.safeParse(body.data)
  if (!result.success)
    return `it does not fit: ${result.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ')}`
  return { data: result.data }
}

async function setAside(path: string, clock: Clock, fs: StateFs): Promise<string> {
  const time = new Date(clock.wallMs()).toISOString().replace(/[:.]/g, '-')
  const aside = `${path}.damaged-${time}`
  try {
    await fs.rename(path, aside)
    await fs.syncDirectory(dirname(path))
  } catch (error) {
    throw new WakunetError(
      'ERR_STATE_DAMAGED',
      `${path} is damaged and could not be set aside: ${(error as Error).message}`,
      { cause: error },
    )
  }
  return aside
}
