import { constants } from 'node:fs'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'

/**
 * The few steps that state files take on a file system. Tests put a disk between that fails, or that loses
 * what was not synced.
 */
export interface StateFs {
  /** The bytes of a file; null when there is none. @throws RangeError over `limit` bytes */
  read(path: string, limit: number): Promise<Uint8Array | null>
  /** Creates a file that must not exist, for this user alone. */
  create(path: string): Promise<StateFileHandle>
  rename(from: string, to: string): Promise<void>
  /** Removes a file; one that is not there is no error. */
  remove(path: string): Promise<void>
  /** Makes the names in a folder durable. */
  syncDirectory(path: string): Promise<void>
}

export interface StateFileHandle {
  write(bytes: Uint8Array): Promise<void>
  /** Makes the content durable. */
  sync(): Promise<void>
  close(): Promise<void>
}

const OWNER_ONLY = 0o600

/** The file system of the host. */
export const hostFs: StateFs = {
  async read(path, limit) {
    const file = await openOrNull(path)
    if (file === null) return null
    try {
      const { size } = await file.stat()
      if (size > limit) throw new RangeError(`${size} bytes, more than ${limit}`)
      return await file.readFile()
    } finally {
      await file.close()
    }
  },

  async create(path) {
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW
    const file = await open(path, flags, OWNER_ONLY)
    return {
      write: (bytes) => file.writeFile(bytes),
      sync: () => file.sync(),
      close: () => file.close(),
    }
  },

  rename,

  async remove(path) {
    await unlink(path).catch(ignoreMissing)
  },

  async syncDirectory(path) {
    const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
}

async function openOrNull(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    ignoreMissing(error)
    return null
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
