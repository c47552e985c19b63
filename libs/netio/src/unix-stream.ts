import { WakunetError } from '@wakunet/interface'
import {
  END_OF_STREAM,
  type NativeDescriptor,
  type NativeUnixStream,
  native,
  READABLE,
  WRITABLE,
} from './native.ts'
import { systemCallError, systemCode } from './system-error.ts'

/** Asked of the kernel for each direction; without CAP_NET_ADMIN it may give less. */
const DEFAULT_BUFFER_BYTES = 2 * 1024 * 1024

/**
 * A connected Unix stream socket without the copies of `node:net`: the owner reads into a buffer that it
 * keeps and writes parts as they lie. It never queues: what `writev` did not take is the owner's to keep.
 *
 * Events come from the event loop, never from within a call. After `onClose` nothing follows.
 */
export class UnixStream {
  /** The socket takes bytes again after `writev` took fewer than it was given. */
  onWritable: (() => void) | null = null
  /** The other side closed (no error), or the connection broke. Not called for `close()`. */
  onClose: ((error?: Error) => void) | null = null
  readonly #native: NativeUnixStream
  #onReadable: (() => void) | null = null
  #wantsWritable = false
  #closed = false

  /**
   * For the listener; others call `UnixStream.connect`.
   * @internal
   */
  constructor(socket: NativeUnixStream) {
    this.#native = socket
    socket.watch((status, events) => this.#onReady(status, events))
  }

  /**
   * Connects at once.
   * @throws WakunetError `ERR_SYSTEM_CALL`; its cause has the system's `code`, for example ENOENT (nothing
   *   there), ECONNREFUSED (nobody listens) or EAGAIN (too many wait)
   */
  static connect(path: string, bufferBytes = DEFAULT_BUFFER_BYTES): UnixStream {
    const { UnixStream: Native } = native()
    let socket: NativeUnixStream
    try {
      socket = new Native(path, bufferBytes)
    } catch (cause) {
      throw new WakunetError(
        'ERR_SYSTEM_CALL',
        `Cannot connect to the socket ${path}: ${systemCode(cause) ?? 'not a usable path'}.`,
        { cause },
      )
    }
    return new UnixStream(socket)
  }

  get closed(): boolean {
    return this.#closed
  }

  /**
   * Bytes wait, or the end of the stream: call `read`. Level-triggered: it comes again while bytes are left.
   * Null stops reading, which is how the other side is pushed back.
   */
  get onReadable(): (() => void) | null {
    return this.#onReadable
  }

  set onReadable(callback: (() => void) | null) {
    const changed = (callback === null) !== (this.#onReadable === null)
    this.#onReadable = callback
    if (changed) this.#updateInterest()
  }

  /**
   * Fills the range with what has arrived, in one system call.
   * @returns bytes read; 0 when there are none now, and after the end (`onClose` follows)
   */
  read(target: Uint8Array, offset = 0, length = target.length - offset): number {
    if (this.#closed) return 0
    const got = this.#native.read(target, offset, length)
    if (got >= 0) return got
    this.#end(got)
    return 0
  }

  /**
   * Writes the parts (at most 512) one after another in one system call, without their first `skip` bytes.
   * @returns bytes taken. When fewer than there are, `onWritable` will tell to go on; 0 on a closed stream
   */
  writev(parts: readonly Uint8Array[], skip = 0): number {
    if (this.#closed) return 0
    const taken = this.#native.writev(parts, skip)
    if (taken < 0) {
      this.#end(taken)
      return 0
    }
    let total = -skip
    for (const part of parts) total += part.length
    if (taken < total && !this.#wantsWritable) {
      this.#wantsWritable = true
      this.#updateInterest()
    }
    return taken
  }

  /** Idempotent. What the kernel has taken still reaches the other side. */
  close(): void {
    this.#closed = true
    this.#native.close()
  }

  #onReady(status: number, events: number): void {
    // An error on the socket: bytes may still wait before it. Whoever reads or writes next will meet it.
    const ready = status < 0 ? READABLE | WRITABLE : events
    if (ready & READABLE) this.#onReadable?.()
    if (ready & WRITABLE && this.#wantsWritable && !this.#closed) {
      this.#wantsWritable = false
      this.#updateInterest()
      this.onWritable?.()
    }
    // libuv stops watching after an error.
    if (status < 0) this.#updateInterest()
  }

  #updateInterest(): void {
    if (this.#closed) return
    this.#native.interest((this.#onReadable ? READABLE : 0) | (this.#wantsWritable ? WRITABLE : 0))
  }

  #end(status: number): void {
    this.close()
    const error =
      status === END_OF_STREAM ? undefined : systemCallError('The connection of a Unix socket broke', -status)
    queueMicrotask(() => this.onClose?.(error))
  }
}

/**
 * Accepts the next connection that waits at a listener.
 * @throws the system's error; EAGAIN when none waits
 */
export function acceptUnixStream(listener: NativeDescriptor, bufferBytes = DEFAULT_BUFFER_BYTES): UnixStream {
  const { UnixStream: Native } = native()
  return new UnixStream(new Native(listener, bufferBytes))
}
