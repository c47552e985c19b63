import {
  createDecodedRecord,
  type DecodedRecord,
  decodeRecord,
  encodeEnvelope,
  envelopeBytes,
  idKey,
} from '@wakunet/record'
import type { TrunkInit } from '@wakunet/switching'
import type { Station } from './world.ts'

/** A switch as its neighbours see it: `VlanFabric`, or what is built around one. */
export interface NetSwitch {
  addTrunk(init: TrunkInit, nowMs: number): void
  /** The id of the trunk's peer is at `peerOffset` of the record's bytes. */
  receive(record: DecodedRecord, peerOffset: number, nowMs: number): unknown
  nextTickMs(nowMs: number): number
  tick(nowMs: number): void
}

interface NetNode extends Pick<Station, 'id' | 'bootNonce'> {
  readonly machine: NetSwitch
}

interface Message {
  readonly atMs: number
  readonly to: NetNode
  readonly bytes: Uint8Array
}

const TRUNK_COST = 10
const DELAY_MS = 1

/** Switches of one VLAN in this process, and the trunks among them, on a clock that is turned by hand. */
export class FabricNet {
  nowMs = 0
  readonly #nodes = new Map<NetSwitch, NetNode>()
  readonly #byKey = new Map<number, NetNode>()
  /** In the order in which they arrive. */
  #pending: Message[] = []
  readonly #record = createDecodedRecord()

  /** @param create makes the switch; what it sends is brought to its neighbours */
  add<M extends NetSwitch>(
    { id, bootNonce }: Station,
    create: (send: (parts: readonly Uint8Array[]) => void) => M,
  ): M {
    const machine = create((parts) => this.#carry(id, parts))
    const node = { id, bootNonce, machine }
    this.#nodes.set(machine, node)
    this.#byKey.set(idKey(id, 0), node)
    return machine
  }

  connect(a: NetSwitch, b: NetSwitch): void {
    this.#addTrunk(a, b)
    this.#addTrunk(b, a)
  }

  #addTrunk(from: NetSwitch, to: NetSwitch): void {
    const peer = this.#nodes.get(to)
    if (peer === undefined) throw new Error('the switch is not in this network')
    from.addTrunk({ id: peer.id, bootNonce: peer.bootNonce, cost: TRUNK_COST }, this.nowMs)
  }

  /** Copies of the record, one for each peer that the envelope names; for somebody who is not here it is lost. */
  #carry(from: Uint8Array, parts: readonly Uint8Array[]): void {
    const message = Buffer.concat(parts)
    const peers = message[0]!
    const record = message.subarray(envelopeBytes(peers))
    for (let i = 0; i < peers; i++) {
      const to = this.#byKey.get(idKey(message, envelopeBytes(i)))
      if (to === undefined) continue
      const bytes = new Uint8Array(Buffer.concat([encodeEnvelope([from]), record]))
      this.#pending.push({ atMs: this.nowMs + DELAY_MS, to, bytes })
    }
  }

  /** Lets so much time pass. */
  run(ms: number): void {
    const untilMs = this.nowMs + ms
    for (let atMs = this.#nextMs(); atMs <= untilMs; atMs = this.#nextMs()) {
      this.nowMs = Math.max(this.nowMs, atMs)
      this.#deliver()
      for (const machine of this.#nodes.keys())
        if (machine.nextTickMs(this.nowMs) <= this.nowMs) machine.tick(this.nowMs)
    }
    this.nowMs = untilMs
  }

  #nextMs(): number {
    let next = this.#pending[0]?.atMs ?? Number.POSITIVE_INFINITY
    for (const machine of this.#nodes.keys()) next = Math.min(next, machine.nextTickMs(this.nowMs))
    return next
  }

  #deliver(): void {
    const due = this.#pending
    this.#pending = []
    for (const message of due) {
      if (message.atMs > this.nowMs) this.#pending.push(message)
      else this.#hand(message)
    }
    // What was sent meanwhile arrives later than what waits.
    this.#pending.sort((a, b) => a.atMs - b.atMs)
  }

  #hand({ to, bytes }: Message): void {
    const verdict = decodeRecord(bytes, this.#record, envelopeBytes(1))
    if (verdict !== 'ok') throw new Error(`a switch sent a record that is refused: ${verdict}`)
    to.machine.receive(this.#record, 1, this.nowMs)
  }
}
