import { FRAME_HEADER_BYTES, type FrameBatch } from '@wakunet/interface'
import {
  createDecodedRecord,
  decodeRecord,
  encodeEnvelope,
  envelopeBytes,
  RECORD_HEADROOM_BYTES,
  writeFrameHeader,
} from '@wakunet/record'
import { VlanDatapath, type VlanDatapathInit } from '../src/index.ts'
import { mac, macNumber } from './guard-support.ts'

const NO_HINT = { flags: 0, gsoType: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 }
const VLAN = new Uint8Array(16).fill(0x77)

/** Member `n`, from 1: its TAP has the MAC address of station `n` of `guard-support.ts`. */
export const memberId = (n: number): Uint8Array => new Uint8Array(16).fill(n)
const nonceOf = (n: number): Uint8Array => new Uint8Array(8).fill(n)
const numberOf = (id: Uint8Array): number => id[0]!

/** Datapaths in a full mesh of trunks whose messages arrive a millisecond later, in order. */
export class DatapathNetwork {
  nowMs = 0
  readonly #datapaths = new Map<number, VlanDatapath>()
  /** Frames that came out of each TAP: those of members, and those of the switch itself. */
  readonly #delivered = new Map<number, Uint8Array[]>()
  readonly #own = new Map<number, Uint8Array[]>()
  /** Frames that a switch has kept for its station. */
  readonly kept: Uint8Array[] = []
  /** Frames of members that went over trunks. */
  sentFrames = 0
  #pending: { atMs: number; deliver: () => void }[] = []
  /** Hears every frame that comes out of a TAP, as the LAN behind it would. */
  onTap: ((n: number, frame: Uint8Array) => void) | null = null
  readonly #record = createDecodedRecord()

  constructor(count: number, init: Partial<VlanDatapathInit> = {}) {
    for (let n = 1; n <= count; n++) this.#add(n, init)
    for (let a = 1; a <= count; a++)
      for (let b = 1; b <= count; b++)
        if (a !== b) this.at(a).fabric.addTrunk({ id: memberId(b), bootNonce: nonceOf(b), cost: 10 }, 0)
    this.run(3_000)
    this.taken()
  }

  #add(n: number, init: Partial<VlanDatapathInit>): void {
    this.#delivered.set(n, [])
    this.#own.set(n, [])
    const datapath = new VlanDatapath(
      {
        vlanId: VLAN,
        nodeId: memberId(n),
        bootNonce: nonceOf(n),
        mac: macNumber(n),
        tapMac: mac(n),
        macOf: (id) => macNumber(numberOf(id)),
        mtu: 9_000,
        firstSequence: 1_000,
        firstNumber: n * 1_000,
        hashSeed: n,
        random: () => 0.5,
        speaker: { mac: mac(0xf0), address4: new Uint8Array(4), address6: new Uint8Array(16).fill(0xfe) },
        ...init,
      },
      {
        send: (parts) => this.#transmit(n, parts),
        toTap: (frame) => {
          this.#own.get(n)!.push(frame.slice())
          this.onTap?.(n, frame.slice())
        },
        onLocalFrame: (bytes, at, length) => this.kept.push(bytes.slice(at, at + length)),
      },
      0,
    )
    this.#datapaths.set(n, datapath)
  }

  at(n: number): VlanDatapath {
    return this.#datapaths.get(n)!
  }

  #transmit(from: number, parts: readonly Uint8Array[]): void {
    const message = Buffer.concat(parts)
    const count = message[0]!
    const record = message.subarray(envelopeBytes(count))
    for (let i = 0; i < count; i++) {
      const arriving = new Uint8Array(Buffer.concat([encodeEnvelope([memberId(from)]), record]))
      const to = message[envelopeBytes(i)]!
      this.later(1, () => this.#receive(to, arriving))
    }
  }

  /** Does something in `ms` milliseconds. */
  later(ms: number, deliver: () => void): void {
    this.#pending.push({ atMs: this.nowMs + ms, deliver })
  }

  /** A frame from a member's TAP. */
  fromTap(n: number, frame: Uint8Array): void {
    if (this.dead.has(n)) return
    this.at(n).fromTap(batchOf([frame]), this.nowMs)
  }

  /** Members that do nothing any more. */
  readonly dead = new Set<number>()

  /** Frames from a member's TAP, in one batch; what they cause has happened when it returns. */
  send(from: number, ...frames: Uint8Array[]): void {
    const sent = this.at(from)
    sent.fromTap(batchOf(frames), this.nowMs)
    this.run(20)
  }

  #receive(to: number, message: Uint8Array): void {
    if (this.dead.has(to)) return
    const verdict = decodeRecord(message, this.#record, envelopeBytes(1))
    if (verdict !== 'ok') throw new Error(verdict)
    const datapath = this.at(to)
    if (!this.#record.control) this.sentFrames += this.#record.batch.count
    const sender = datapath.receiveRecord(this.#record, 1, this.nowMs)
    if (sender === null) return
    const { bytes, offsets, lengths, count } = this.#record.batch
    for (let i = 0; i < count; i++) {
      const at = offsets[i]! + FRAME_HEADER_BYTES
      if (datapath.accept(bytes, at, lengths[i]!, sender, this.nowMs)) {
        this.#delivered.get(to)!.push(bytes.slice(at, at + lengths[i]!))
        this.onTap?.(to, bytes.slice(at, at + lengths[i]!))
      }
    }
  }

  /** Frames of members that came out of a TAP since the last call. */
  delivered(n: number): Uint8Array[] {
    return this.#delivered.get(n)!.splice(0)
  }

  /** Frames of the switch itself that came out of a TAP since the last call. */
  own(n: number): Uint8Array[] {
    return this.#own.get(n)!.splice(0)
  }

  /** Forgets everything that came out of any TAP so far. */
  taken(): void {
    for (const n of this.#datapaths.keys()) {
      this.delivered(n)
      this.own(n)
    }
    this.kept.length = 0
    this.sentFrames = 0
  }

  run(ms: number): void {
    const untilMs = this.nowMs + ms
    const datapaths = [...this.#datapaths].filter(([n]) => !this.dead.has(n)).map(([, datapath]) => datapath)
    for (;;) {
      let atMs = Number.POSITIVE_INFINITY
      for (const message of this.#pending) atMs = Math.min(atMs, message.atMs)
      for (const datapath of datapaths) atMs = Math.min(atMs, datapath.nextTickMs(this.nowMs))
      if (atMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, atMs)
      const due = this.#pending.filter((message) => message.atMs <= this.nowMs)
      this.#pending = this.#pending.filter((message) => message.atMs > this.nowMs)
      for (const { deliver } of due) deliver()
      for (const datapath of datapaths)
        if (datapath.nextTickMs(this.nowMs) <= this.nowMs) datapath.tick(this.nowMs)
    }
    this.nowMs = untilMs
  }
}

function batchOf(frames: readonly Uint8Array[]): FrameBatch {
  const size = frames.reduce((sum, frame) => sum + FRAME_HEADER_BYTES + frame.length, RECORD_HEADROOM_BYTES)
  const bytes = new Uint8Array(size)
  const offsets = new Uint32Array(frames.length)
  let at = RECORD_HEADROOM_BYTES
  for (const [i, frame] of frames.entries()) {
    offsets[i] = at
    writeFrameHeader(bytes, at, frame.length, NO_HINT)
    bytes.set(frame, at + FRAME_HEADER_BYTES)
    at += FRAME_HEADER_BYTES + frame.length
  }
  return { bytes, offsets, lengths: Uint32Array.from(frames, (frame) => frame.length), count: frames.length }
}
