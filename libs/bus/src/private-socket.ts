import { lstat, mkdir, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { WakunetError } from '@wakunet/interface'

/** `sun_path` without its final zero (unix(7)). */
const MAX_PATH_BYTES = 107

/**
 * Listens on a Unix socket that its own user alone may open, from the moment it exists. A missing folder is
 * made with mode 0700; a socket that a dead process left behind is replaced.
 * @throws WakunetError `ERR_ALREADY_RUNNING` where a live process listens there, `ERR_PORT_TAKEN` where
 * something that is no socket is in the way, `ERR_CONFIG_INVALID`, `ERR_MISSING_PRIVILEGE`, `ERR_SYSTEM_CALL`
 */
export async function listenPrivately(server: Server, path: string): Promise<void> {
  checkSocketPath(path)
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await listen(server, path)
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw listenError(path, error)
    await removeStale(path)
    await listen(server, path).catch((again: unknown) => {
      // Somebody else was quicker.
      throw codeOf(again) === 'EADDRINUSE' ? alreadyRunning(path) : listenError(path, again)
    })
  }
}

/** @throws WakunetError `ERR_CONFIG_INVALID` where no Unix socket can have this path */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path)
  if (bytes >= 1 && bytes <= MAX_PATH_BYTES && !path.includes('\0')) return
  throw new WakunetError(
    'ERR_CONFIG_INVALID',
    `the path of the control socket has ${bytes} bytes; a Unix socket allows 1 to ${MAX_PATH_BYTES}`,
  )
}

/** The system's name of an error, for example `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.once('listening', resolve)
  // bind(2) happens within the call, so the socket file never exists with other permissions.
  const umask = process.umask(0o177)
  try {
    server.listen(path)
  } finally {
    process.umask(umask)
  }
  return promise.finally(() => {
    server.off('error', reject)
    server.off('listening', resolve)
  })
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path, { bigint: true })
  if (!found.isSocket()) {
    throw new WakunetError(
      'ERR_PORT_TAKEN',
      `${path} exists and is not a socket: remove it, or choose another path for the control socket`,
    )
  }
  if (await isAlive(path)) throw alreadyRunning(path)
  const now = await lstat(path, { bigint: true }).catch(() => null)
  // Another process may have replaced it meanwhile: then it is theirs.
  if (now?.ino === found.ino) await unlink(path)
}

function isAlive(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(path)
  socket.on('connect', () => resolve(true))
  socket.on('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED'))
  return promise.finally(() => socket.destroy())
}

function alreadyRunning(path: string): WakunetError {
  return new WakunetError(
    'ERR_ALREADY_RUNNING',
    `a Wakunet node is running already: it listens on ${path}. Stop it first, or give this one another control socket`,
  )
}

function listenError(path: string, cause: unknown): WakunetError {
  const code = codeOf(cause)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new WakunetError(
      'ERR_MISSING_PRIVILEGE',
      `the control socket ${path} cannot be created (${code}): run as a user who may write there, or choose another path`,
      { cause },
    )
  }
  return new WakunetError('ERR_SYSTEM_CALL', `the control socket ${path} cannot be created: ${code}`, {
    cause,
  })
}
