/** Bytes before each message in the ring: its length, big-endian, just as on the Unix socket. */
export const LENGTH_BYTES = 4

/**
 * Queue of whole messages in one reused buffer; the oldest are thrown out when a new one finds no room.
 *
 * Every message lies in one piece behind its length, so that a run of messages is ready to be written to a
 * stream as it is. A message that does not fit before the end of the buffer starts at 0 again:
 *
 * ```text
 *   wrapped:   [ len msg | len msg ] free [ len msg | len msg ] unused
 *              0                   tail   head                  wrap    capacity
 *   otherwise: free [ len msg | len msg | len msg ] free
 *              0    head                        tail        capacity
 * ```
 */
export class MessageRing {
  readonly #capacity: number
  #storage: Uint8Array | null = null
  #head = 0
  #tail = 0
  /** Where the older part ends; equal to the capacity while nothing is wrapped. */
  #wrap: number
  #wrapped = false
  #count = 0
  #usedBytes = 0

  /** @param capacityBytes all messages with their lengths; memory is taken when the first one comes */
  constructor(capacityBytes: number) {
    this.#capacity = capacityBytes
    this.#wrap = capacityBytes
  }

  get count(): number {
    return this.#count
  }

  /** Bytes of the waiting messages and their lengths. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /**
   * Copies one message to the end.
   * @param bytes total of `parts`; with its length it must fit the capacity
   * @returns how many of the oldest messages were thrown out
   */
  push(parts: readonly Uint8Array[], bytes: number): number {
    this.#storage ??= new Uint8Array(this.#capacity)
    const needed = LENGTH_BYTES + bytes
    let dropped = 0
    while (!this.#makeRoom(needed)) {
      this.#dropHead()
      dropped++
    }
    let at = writeLength(this.#storage, this.#tail, bytes)
    for (const part of parts) {
      this.#storage.set(part, at)
      at += part.length
    }
    this.#tail = at
    this.#count++
    this.#usedBytes += needed
    return dropped
  }

  /**
   * The oldest messages with their lengths, as many as lie in one piece and at least one, as a view.
   * @returns null when the ring is empty
   */
  peekRun(): Uint8Array | null {
    if (this.#count === 0 || this.#storage === null) return null
    return this.#storage.subarray(this.#head, this.#wrapped ? this.#wrap : this.#tail)
  }

  /** The oldest message without its length, as a view that the next push may overwrite; null when empty. */
  peek(): Uint8Array | null {
    if (this.#count === 0 || this.#storage === null) return null
    const start = this.#head + LENGTH_BYTES
    return this.#storage.subarray(start, start + readLength(this.#storage, this.#head))
  }

  /** Takes the oldest message away. @returns its bytes with its length; 0 when the ring is empty */
  shift(): number {
    if (this.#count === 0) return 0
    return this.#dropHead()
  }

  clear(): void {
    this.#head = 0
    this.#tail = 0
    this.#wrap = this.#capacity
    this.#wrapped = false
    this.#count = 0
    this.#usedBytes = 0
  }

  /** @returns whether `needed` bytes are free at the tail, after wrapping where that helps */
  #makeRoom(needed: number): boolean {
    if (this.#wrapped) return this.#head - this.#tail >= needed
    if (this.#capacity - this.#tail >= needed) return true
    if (this.#head < needed) return false
    this.#wrap = this.#tail
    this.#wrapped = true
    this.#tail = 0
    return true
  }

  #dropHead(): number {
    const bytes = LENGTH_BYTES + readLength(this.#storage!, this.#head)
    this.#head += bytes
    this.#count--
    this.#usedBytes -= bytes
    if (this.#count === 0) this.clear()
    else if (this.#wrapped && this.#head === this.#wrap) this.#unwrap()
    return bytes
  }

  #unwrap(): void {
    this.#head = 0
    this.#wrap = this.#capacity
    this.#wrapped = false
  }
}

/** Writes a 32-bit big-endian length at `at`; returns where the message goes. */
export function writeLength(bytes: Uint8Array, at: number, length: number): number {
  bytes[at] = length >>> 24
  bytes[at + 1] = length >>> 16
  bytes[at + 2] = length >>> 8
  bytes[at + 3] = length
  return at + LENGTH_BYTES
}

/** Reads the 32-bit big-endian length at `at`. */
export function readLength(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
