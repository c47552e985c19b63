import { type AeadAlgorithm, packSocketAddress, SOCKET_ADDRESS_BYTES } from '@wakunet/netio'
import { DatagramChannel, type DatagramKeys, DatagramSocket } from '../../src/index.ts'

interface Scope {
  after(cleanUp: () => Promise<void> | void): void
}

/** One end of a path over loopback, and what has come out of it. */
export class End {
  readonly socket = new DatagramSocket({ port: 0, host4: '127.0.0.1', host6: null })
  readonly records: Uint8Array[] = []
  readonly messages: { payload: Uint8Array; datagramBytes: number }[] = []
  readonly channel: DatagramChannel
  readonly index = this.socket.unusedIndex()
  #wanted = 0
  #arrived: (() => void) | null = null

  constructor(maxRecordBytes = 131_072) {
    this.channel = new DatagramChannel({
      socket: this.socket,
      maxRecordBytes,
      onRecord: (record) => {
        this.records.push(record.slice())
        this.#note()
      },
      onMessage: (payload, _from, datagramBytes) => {
        this.messages.push({ payload: payload.slice(), datagramBytes })
        this.#note()
      },
    })
  }

  get address(): Uint8Array {
    const { host, port } = this.socket.addresses[0]!
    const packed = new Uint8Array(SOCKET_ADDRESS_BYTES)
    packSocketAddress(packed, 0, host, port)
    return packed
  }

  /** Resolves when so many records and messages have come in all. */
  arrived(count: number): Promise<void> {
    this.#wanted = count
    return new Promise((resolve) => {
      this.#arrived = resolve
      this.#note()
    })
  }

  #note(): void {
    if (this.records.length + this.messages.length >= this.#wanted) this.#arrived?.()
  }
}

/** The keys of both ends; `seed` makes other ones. */
export function keysOf(
  near: number,
  far: number,
  algorithm: AeadAlgorithm = 'aes-256-gcm',
  seed = 0,
): [DatagramKeys, DatagramKeys] {
  const keyBytes = algorithm === 'aes-128-gcm' ? 16 : 32
  const key = (fill: number) => new Uint8Array(keyBytes).fill(fill + seed)
  const salt = (fill: number) => new Uint8Array(12).fill(fill + seed)
  const there = { algorithm, sendKey: key(1), sendSalt: salt(2), receiveKey: key(3), receiveSalt: salt(4) }
  const back = { algorithm, sendKey: key(3), sendSalt: salt(4), receiveKey: key(1), receiveSalt: salt(2) }
  return [
    { ...there, sendIndex: far, receiveIndex: near },
    { ...back, sendIndex: near, receiveIndex: far },
  ]
}

/** Two ends that know each other. */
export async function connectedPair(t: Scope, datagramBytes = 1_472): Promise<[End, End]> {
  const ends: [End, End] = [new End(), new End()]
  const [near, far] = ends
  for (const { socket, channel } of ends) {
    await socket.start()
    t.after(async () => {
      channel.close()
      await socket.stop()
    })
  }
  const [nearKeys, farKeys] = keysOf(near.index, far.index)
  near.channel.addKeys(1, nearKeys)
  far.channel.addKeys(1, farKeys)
  near.channel.useKeys(1)
  far.channel.useKeys(1)
  near.channel.setPath(far.address, datagramBytes)
  far.channel.setPath(near.address, datagramBytes)
  return ends
}
