import { type DatagramSends, SOCKET_ADDRESS_BYTES } from '@wakunet/netio'
import type { DatagramReceiver } from '../../src/datagram/datagram-socket.ts'
import { Outbox } from '../../src/datagram/outbox.ts'
import { DatagramChannel } from '../../src/index.ts'
import { type Frame, framesOf } from './frames.ts'
import { keysOf } from './pair.ts'

const NOWHERE = new Uint8Array(SOCKET_ADDRESS_BYTES)

/** A socket that keeps what is sent, and takes from nobody but the test. */
class TappedSocket {
  readonly datagrams: Uint8Array[] = []
  readonly outbox = new Outbox({ send: (sends) => this.#keep(sends) })
  readonly #receivers = new Map<number, DatagramReceiver>()

  addReceiver(index: number, receiver: DatagramReceiver): void {
    this.#receivers.set(index, receiver)
  }

  removeReceiver(index: number): void {
    this.#receivers.delete(index)
  }

  outboxOf(): Outbox {
    return this.outbox
  }

  /** As the kernel hands over what came at once: datagrams of one size, the last one shorter. */
  receive(index: number, bytes: Uint8Array, segmentBytes: number): void {
    const receiver = this.#receivers.get(index)!
    for (let at = 0; at < bytes.length; ) {
      const done = receiver.receive(bytes, at, bytes.length - at, segmentBytes, NOWHERE)
      at += Math.max(done, Math.min(segmentBytes, bytes.length - at))
    }
  }

  #keep(sends: DatagramSends): number {
    for (let i = 0; i < sends.count; i++) {
      const end = sends.offsets[i]! + sends.lengths[i]!
      for (let at = sends.offsets[i]!; at < end; at += sends.segmentSizes[i]!)
        this.datagrams.push(sends.bytes.slice(at, Math.min(end, at + sends.segmentSizes[i]!)))
    }
    return sends.count
  }
}

export const NEAR_INDEX = 0x01020304
export const FAR_INDEX = 0x05060708

/** One end of a path whose wire is the test. */
export class TappedEnd {
  readonly socket = new TappedSocket()
  readonly records: Uint8Array[] = []
  readonly channel: DatagramChannel
  readonly #index: number

  constructor(side: 'near' | 'far', datagramBytes = 1_472) {
    this.channel = new DatagramChannel({
      socket: this.socket,
      maxRecordBytes: 131_072,
      onRecord: (record) => this.records.push(record.slice()),
      onMessage: () => {},
    })
    const [near, far] = keysOf(NEAR_INDEX, FAR_INDEX, 'aes-128-gcm')
    this.#index = side === 'near' ? NEAR_INDEX : FAR_INDEX
    this.channel.addKeys(0, side === 'near' ? near : far)
    this.channel.useKeys(0)
    this.channel.setPath(NOWHERE, datagramBytes)
  }

  get frames(): Frame[] {
    return this.records.flatMap((record) => framesOf(record).frames)
  }

  /** The datagrams that have left since the last time. */
  take(): Uint8Array[] {
    this.socket.outbox.flush()
    return this.socket.datagrams.splice(0)
  }

  receive(...datagrams: readonly Uint8Array[]): void {
    const [first] = datagrams
    if (first === undefined) return
    this.socket.receive(this.#index, Buffer.concat(datagrams), first.length)
  }
}

/** Two ends; the contexts of these records are known on both sides. */
export function tappedPair(known: readonly Uint8Array[] = [], datagramBytes = 1_472): [TappedEnd, TappedEnd] {
  const near = new TappedEnd('near', datagramBytes)
  const far = new TappedEnd('far', datagramBytes)
  for (const record of known) near.channel.send(record)
  for (const datagram of near.take()) far.receive(datagram)
  for (const datagram of far.take()) near.receive(datagram)
  far.records.length = 0
  return [near, far]
}
