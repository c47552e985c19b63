import { stat, unlink } from 'node:fs/promises'
import { type Startable, WakunetError } from '@wakunet/interface'
import { type NativeDescriptor, native, READABLE } from './native.ts'
import { systemCallError, systemCode } from './system-error.ts'
import { acceptUnixStream, UnixStream } from './unix-stream.ts'

/** `sun_path` without its final zero (unix(7)). */
export const MAX_UNIX_PATH_BYTES = 107
/** Connections accepted in one turn of the event loop. */
const ACCEPTS_PER_TURN = 16
/** Rest of a listener that found no free descriptor. */
const EXHAUSTED_PAUSE_MS = 100

/** Why no connection came: it is gone again, or none is left. */
const NOTHING_TO_ACCEPT: ReadonlySet<string> = new Set(['EAGAIN', 'ECONNABORTED'])
/** No descriptor is free. The socket stays readable, so that trying again at once would spin. */
const OUT_OF_DESCRIPTORS: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

export interface UnixStreamListenerInit {
  /** At most 107 bytes. A socket file that nobody listens on any more is replaced. */
  readonly path: string
  /** Permissions of the socket file, from the moment it exists. Default 0600. */
  readonly mode?: number
  /** Buffer of every connection and direction. */
  readonly bufferBytes?: number
}

/**
 * A Unix socket that others connect to. `start` throws WakunetError `ERR_PORT_TAKEN` when somebody listens
 * on the path already, `ERR_CONFIG_INVALID` for a path that is too long, else `ERR_SYSTEM_CALL`.
 */
export class UnixStreamListener implements Startable {
  /** A new connection. Without a callback it is closed at once. */
  onConnection: ((stream: UnixStream) => void) | null = null
  /** The listening socket broke; it has stopped by then. */
  onError: ((error: Error) => void) | null = null
  readonly path: string
  readonly #init: UnixStreamListenerInit
  #native: NativeDescriptor | undefined
  #inode: bigint | undefined

  constructor(init: UnixStreamListenerInit) {
    this.path = init.path
    this.#init = init
  }

  async start(signal?: AbortSignal): Promise<void> {
    if (this.#native) return
    signal?.throwIfAborted()
    checkPath(this.path)
    const listener = this.#listen() ?? (await this.#replaceStale())
    this.#native = listener
    listener.watch((status) => this.#onReady(status))
    listener.interest(READABLE)
    this.#inode = await inodeOf(this.path)
  }

  async stop(): Promise<void> {
    this.#native?.close()
    this.#native = undefined
    const inode = this.#inode
    this.#inode = undefined
    // Another process may have replaced it meanwhile: theirs stays.
    if (inode !== undefined && (await inodeOf(this.path)) === inode) await unlink(this.path).catch(() => {})
  }

  /** Undefined when the path is in use, by a socket that is alive or not. */
  #listen(): NativeDescriptor | undefined {
    const { UnixListener } = native()
    try {
      return new UnixListener(this.path, this.#init.mode ?? 0o600)
    } catch (cause) {
      if (systemCode(cause) === 'EADDRINUSE') return undefined
      throw new WakunetError(
        'ERR_SYSTEM_CALL',
        `Cannot listen on the socket ${this.path}: ${systemCode(cause)}. Its directory must exist and be writable.`,
        { cause },
      )
    }
  }

  async #replaceStale(): Promise<NativeDescriptor> {
    if (await isAbandoned(this.path)) {
      await unlink(this.path).catch(() => {})
      const listener = this.#listen()
      if (listener) return listener
    }
    throw new WakunetError(
      'ERR_PORT_TAKEN',
      `The socket ${this.path} is in use by another process, or is a file of another kind. Stop that process, ` +
        'or choose another path.',
    )
  }

  #onReady(status: number): void {
    const listener = this.#native
    if (!listener) return
    if (status < 0) {
      void this.stop()
      this.onError?.(systemCallError(`The socket ${this.path} broke`, -status))
      return
    }
    for (let i = 0; i < ACCEPTS_PER_TURN && this.#native === listener; i++) {
      const stream = this.#accept(listener)
      if (!stream) return
      if (this.onConnection) this.onConnection(stream)
      else stream.close()
    }
  }

  #accept(listener: NativeDescriptor): UnixStream | undefined {
    try {
      return acceptUnixStream(listener, this.#init.bufferBytes)
    } catch (error) {
      const code = systemCode(error) ?? ''
      if (OUT_OF_DESCRIPTORS.has(code)) this.#pause(listener)
      else if (!NOTHING_TO_ACCEPT.has(code)) throw error
      return undefined
    }
  }

  #pause(listener: NativeDescriptor): void {
    listener.interest(0)
    setTimeout(() => {
      if (this.#native === listener) listener.interest(READABLE)
    }, EXHAUSTED_PAUSE_MS).unref()
  }
}

function checkPath(path: string): void {
  const bytes = Buffer.byteLength(path)
  if (bytes > 0 && bytes <= MAX_UNIX_PATH_BYTES && !path.includes('\0')) return
  throw new WakunetError(
    'ERR_CONFIG_INVALID',
    `${JSON.stringify(path)} cannot be the path of a Unix socket: it has ${bytes} bytes, allowed are 1 to ${MAX_UNIX_PATH_BYTES}.`,
  )
}

/** Whether the path is a socket that nobody listens on. A plain file refuses connections too. */
async function isAbandoned(path: string): Promise<boolean> {
  const isSocket = await stat(path).then(
    (status) => status.isSocket(),
    () => false,
  )
  if (!isSocket) return false
  try {
    UnixStream.connect(path).close()
    return false
  } catch (error) {
    return error instanceof WakunetError && systemCode(error.cause) === 'ECONNREFUSED'
  }
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  return stat(path, { bigint: true }).then(
    ({ ino }) => ino,
    () => undefined,
  )
}
