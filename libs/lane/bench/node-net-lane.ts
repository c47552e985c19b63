import { connect, createServer, type Socket } from 'node:net'

/**
 * The lane's framing on `node:net`, as well as it can be done there: small messages are gathered and leave
 * once a turn, and every byte is copied, because the socket may still hold it after `write` returned. Only a
 * measure for the lane itself.
 */
export interface BenchLane {
  send(parts: readonly Uint8Array[]): void
  onMessage: ((message: Uint8Array) => void) | null
  /** Bytes that wait in this process. */
  readonly queuedBytes: number
  close(): void
}

const CHUNK_BYTES = 256 * 1024

export function listenNodeNet(path: string): Promise<BenchLane> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      server.close()
      resolve(new NodeNetLane(socket))
    }).listen(path)
  })
}

export function connectNodeNet(path: string): Promise<BenchLane> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(new NodeNetLane(socket)))
  })
}

class NodeNetLane implements BenchLane {
  onMessage: ((message: Uint8Array) => void) | null = null
  readonly #socket: Socket
  #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  #filled = 0
  #written = 0
  #scheduled = false
  readonly #pending = Buffer.allocUnsafeSlow(4 * CHUNK_BYTES)
  #pendingBytes = 0

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (data) => this.#onData(data as Buffer))
    socket.on('error', () => {})
  }

  get queuedBytes(): number {
    return this.#socket.writableLength + this.#filled - this.#written
  }

  send(parts: readonly Uint8Array[]): void {
    let bytes = 0
    for (const part of parts) bytes += part.length
    if (this.#filled + 4 + bytes > CHUNK_BYTES) this.#nextChunk()
    this.#filled = this.#chunk.writeUInt32BE(bytes, this.#filled)
    for (const part of parts) {
      this.#chunk.set(part, this.#filled)
      this.#filled += part.length
    }
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#write()
      // Written at once and whole: the chunk is free again.
      if (this.#socket.writableLength === 0) {
        this.#filled = 0
        this.#written = 0
      }
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #write(): void {
    if (this.#written < this.#filled) this.#socket.write(this.#chunk.subarray(this.#written, this.#filled))
    this.#written = this.#filled
  }

  #nextChunk(): void {
    this.#write()
    if (this.#socket.writableLength > 0) this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
    this.#filled = 0
    this.#written = 0
  }

  #onData(data: Buffer): void {
    let source = data
    if (this.#pendingBytes > 0) {
      this.#pending.set(data, this.#pendingBytes)
      source = this.#pending.subarray(0, this.#pendingBytes + data.length)
    }
    let at = 0
    while (source.length - at >= 4) {
      const next = at + 4 + source.readUInt32BE(at)
      if (next > source.length) break
      this.onMessage?.(source.subarray(at + 4, next))
      at = next
    }
    this.#pendingBytes = source.length - at
    if (this.#pendingBytes > 0) this.#pending.set(source.subarray(at))
  }
}
