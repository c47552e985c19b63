import { FRAME_HEADER_BYTES } from '@wakunet/interface'
import {
  createDecodedRecord,
  decodeRecord,
  encodeEnvelope,
  envelopeBytes,
  RECORD_HEADROOM_BYTES,
  writeFrameHeader,
} from '@wakunet/record'
import { type FabricTrunk, VlanFabric, type VlanFabricInit } from '../src/index.ts'
import { nodeId } from './tree-network.ts'

const NO_HINT = { flags: 0, gsoType: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 }
export const VLAN = new Uint8Array(16).fill(0x77)
export const BROADCAST = 'ffffffffffff'
export const macOf = (id: Uint8Array): number => 0x02_0000_000000 + id[0]! * 256 + id[1]!
export const macHex = (node: number): string => macOf(nodeId(node)).toString(16).padStart(12, '0')
export const nonceOf = (node: number): Uint8Array => new Uint8Array(8).fill(node + 1)

/** A frame from one station to another, with a text in it. */
export function frameOf(destination: string, source: string, text: string): Uint8Array {
  return new Uint8Array(Buffer.concat([Buffer.from(`${destination}${source}88b5`, 'hex'), Buffer.from(text)]))
}

/** Fabrics whose messages arrive a millisecond later, in order. */
export class FabricNetwork {
  nowMs = 0
  readonly fabrics: VlanFabric[] = []
  /** Texts that came out of each TAP. */
  readonly delivered: string[][] = []
  /** Control of other types that each node got. */
  readonly control: { from: FabricTrunk; type: number }[][] = []
  /** Messages that are under way: the far end's lane message, and where to. */
  pending: { atMs: number; to: number; message: Uint8Array }[] = []
  readonly #record = createDecodedRecord()

  addNode(init: Partial<VlanFabricInit> = {}): number {
    const node = this.fabrics.length
    this.delivered.push([])
    this.control.push([])
    const fabric = new VlanFabric(
      {
        vlanId: VLAN,
        nodeId: nodeId(node),
        bootNonce: nonceOf(node),
        mac: macOf(nodeId(node)),
        macOf,
        firstSequence: 1_000,
        firstNumber: node * 1_000,
        ...init,
      },
      {
        send: (parts) => this.#transmit(node, parts),
        onControl: (from, bytes, offset) => this.control[node]!.push({ from, type: bytes[offset]! }),
      },
      this.nowMs,
    )
    this.fabrics.push(fabric)
    return node
  }

  connect(a: number, b: number, cost = 10): void {
    for (const [node, peer] of [
      [a, b],
      [b, a],
    ] as const)
      this.fabrics[node]!.addTrunk({ id: nodeId(peer), bootNonce: nonceOf(peer), cost }, this.nowMs)
  }

  disconnect(a: number, b: number): void {
    this.fabrics[a]!.removeTrunk(nodeId(b), this.nowMs)
    this.fabrics[b]!.removeTrunk(nodeId(a), this.nowMs)
  }

  #transmit(from: number, parts: readonly Uint8Array[]): void {
    const message = Buffer.concat(parts)
    const count = message[0]!
    const record = message.subarray(envelopeBytes(count))
    for (let i = 0; i < count; i++) {
      const id = message.subarray(envelopeBytes(i), envelopeBytes(i + 1))
      const to = this.fabrics.findIndex((_, node) => Buffer.compare(nodeId(node), id) === 0)
      const arriving = new Uint8Array(Buffer.concat([encodeEnvelope([nodeId(from)]), record]))
      this.pending.push({ atMs: this.nowMs + 1, to, message: arriving })
    }
  }

  /** Frames from a node's TAP, in one batch. */
  forward(node: number, ...frames: Uint8Array[]): void {
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
    const lengths = Uint32Array.from(frames, (frame) => frame.length)
    this.fabrics[node]!.forward({ bytes, offsets, lengths, count: frames.length }, this.nowMs)
  }

  /** A lane message reaches a node. */
  receive(node: number, message: Uint8Array): void {
    const verdict = decodeRecord(message, this.#record, envelopeBytes(1))
    if (verdict !== 'ok') throw new Error(verdict)
    const fabric = this.fabrics[node]!
    const sender = fabric.receive(this.#record, 1, this.nowMs)
    if (sender === null) return
    const { bytes, offsets, lengths, count } = this.#record.batch
    for (let i = 0; i < count; i++) {
      const frame = offsets[i]! + FRAME_HEADER_BYTES
      if (!fabric.bridge.receiveFrame(bytes, frame, lengths[i]!, sender, this.nowMs)) continue
      this.delivered[node]!.push(Buffer.from(bytes.subarray(frame + 14, frame + lengths[i]!)).toString())
    }
  }

  run(ms: number): void {
    const untilMs = this.nowMs + ms
    for (;;) {
      let atMs = Number.POSITIVE_INFINITY
      for (const message of this.pending) atMs = Math.min(atMs, message.atMs)
      for (const fabric of this.fabrics) atMs = Math.min(atMs, fabric.nextTickMs(this.nowMs))
      if (atMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, atMs)
      const due = this.pending.filter((message) => message.atMs <= this.nowMs)
      this.pending = this.pending.filter((message) => message.atMs > this.nowMs)
      for (const { to, message } of due) this.receive(to, message)
      for (const fabric of this.fabrics)
        if (fabric.nextTickMs(this.nowMs) <= this.nowMs) fabric.tick(this.nowMs)
    }
    this.nowMs = untilMs
  }
}
