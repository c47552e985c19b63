const LENGTH_BYTES = 2

/**
 * Cuts what a socket delivers into the messages of libp2p's Noise: 16-bit big-endian lengths, each followed by that many
 * bytes (specs/noise, wire format). It stands in for libp2p's own decoder, which ends every read by throwing an error to itself,
 * and that costs more than the decryption of a small message. A message is always one array: a view of the chunk that it lies in,
 * or memory of its own where it spans chunks. Either may be written to and kept.
 *
 * Bounded by the format: a message has at most 65,535 bytes.
 */
export class NoiseReader {
  /** The message under way; null while its length is not known. */
  #message: Uint8Array | null = null
  #filled = 0
  /** First byte of a length whose second has not come; -1 for none. */
  #halfLength = -1

  /** @returns every message that `data` completes, in order; empty ones, which no Noise message is, are left out */
  decode(data: Uint8Array | Iterable<Uint8Array>): Uint8Array[] {
    const messages: Uint8Array[] = []
    if (data instanceof Uint8Array) this.#take(data, messages)
    else for (const chunk of data) this.#take(chunk, messages)
    return messages
  }

  #take(chunk: Uint8Array, messages: Uint8Array[]): void {
    let at = this.#continue(chunk, messages)
    while (at < chunk.length) {
      if (chunk.length - at < LENGTH_BYTES) {
        this.#halfLength = chunk[at]!
        return
      }
      const length = (chunk[at]! << 8) | chunk[at + 1]!
      at = this.#begin(chunk, at + LENGTH_BYTES, length, messages)
    }
  }

  /** Goes on with what the chunk before left open. @returns where in `chunk` the next length is */
  #continue(chunk: Uint8Array, messages: Uint8Array[]): number {
    if (this.#halfLength >= 0 && chunk.length > 0) {
      const length = (this.#halfLength << 8) | chunk[0]!
      this.#halfLength = -1
      return this.#begin(chunk, 1, length, messages)
    }
    return this.#message === null ? 0 : this.#fill(this.#message, chunk, 0, messages)
  }

  #begin(chunk: Uint8Array, at: number, length: number, messages: Uint8Array[]): number {
    if (at + length <= chunk.length) {
      if (length > 0) messages.push(chunk.subarray(at, at + length))
      return at + length
    }
    this.#message = Buffer.allocUnsafeSlow(length)
    this.#filled = 0
    return this.#fill(this.#message, chunk, at, messages)
  }

  #fill(message: Uint8Array, chunk: Uint8Array, at: number, messages: Uint8Array[]): number {
    const end = Math.min(chunk.length, at + message.length - this.#filled)
    message.set(chunk.subarray(at, end), this.#filled)
    this.#filled += end - at
    if (this.#filled === message.length) {
      messages.push(message)
      this.#message = null
    }
    return end
  }
}
