import { FRAME_HEADER_BYTES, type FrameBatch } from '@wakunet/interface'
import { type DecodedRecord, RECORD_HEADROOM_BYTES, type SendParts, writeFrameHeader } from '@wakunet/record'
import { type Advertisement, VlanFabric } from '@wakunet/switching'
import type { Random } from './random.ts'

const PROBE_BYTES = 60
const PROBE_AT = 14
const NO_HINT = { flags: 0, gsoType: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 }
const BROADCAST = 0xffff_ffff_ffff

/** The MAC address that belongs to a simulated node: the first bytes of its id, locally administered. */
export function macOf(nodeId: Uint8Array): number {
  let mac = 0x02
  for (let i = 0; i < 5; i++) mac = mac * 256 + nodeId[i]!
  return mac
}

export interface SimNodeInit {
  readonly index: number
  readonly nodeId: Uint8Array
  readonly vlanId: Uint8Array
  readonly maxNeighbours: number
  readonly keep: (bytes: Uint8Array) => Advertisement
}

export interface SimNodeOutput {
  readonly send: (node: SimNode, parts: readonly Uint8Array[]) => void
  /** A probe came out at the node's TAP. */
  readonly deliver: (node: SimNode, probe: number) => void
}

/** A member: the fabric of its switch, as vlan-switch runs it, with a TAP that sends and takes probes. */
export class SimNode {
  readonly index: number
  readonly nodeId: Uint8Array
  readonly mac: number
  fabric: VlanFabric
  alive = false
  /** Random at every start. */
  bootNonce: Uint8Array
  /** When the next tick is planned, `Infinity` for never. */
  tickMs = Number.POSITIVE_INFINITY
  /** Revision of the tree that was looked at last. */
  treeRevision = -1
  readonly #init: SimNodeInit
  readonly #output: SimNodeOutput
  readonly #send: SendParts

  constructor(init: SimNodeInit, output: SimNodeOutput, random: Random) {
    this.index = init.index
    this.nodeId = init.nodeId
    this.mac = macOf(init.nodeId)
    this.#init = init
    this.#output = output
    this.#send = (parts) => output.send(this, parts)
    this.bootNonce = random.bytes(8)
    this.fabric = this.#newFabric(random, 0)
  }

  /** Starts, or starts anew with nothing but its identity. */
  start(random: Random, nowMs: number): void {
    this.bootNonce = random.bytes(8)
    this.fabric = this.#newFabric(random, nowMs)
    this.alive = true
    this.tickMs = Number.POSITIVE_INFINITY
    this.treeRevision = -1
  }

  #newFabric(random: Random, nowMs: number): VlanFabric {
    const { nodeId, vlanId, maxNeighbours, keep } = this.#init
    return new VlanFabric(
      {
        nodeId,
        vlanId,
        bootNonce: this.bootNonce,
        mac: this.mac,
        macOf,
        firstSequence: 1_700_000_000_000 + Math.floor(nowMs),
        firstNumber: random.uint32(),
        maxNeighbours,
        keep,
      },
      { send: this.#send },
      nowMs,
    )
  }

  /** Sends a probe from the TAP; to everybody where `to` is null. */
  probe(probe: number, to: SimNode | null, nowMs: number): void {
    const bytes = new Uint8Array(RECORD_HEADROOM_BYTES + FRAME_HEADER_BYTES + PROBE_BYTES)
    const view = new DataView(bytes.buffer)
    writeFrameHeader(bytes, RECORD_HEADROOM_BYTES, PROBE_BYTES, NO_HINT)
    const frame = RECORD_HEADROOM_BYTES + FRAME_HEADER_BYTES
    writeMac(view, frame, to === null ? BROADCAST : to.mac)
    writeMac(view, frame + 6, this.mac)
    view.setUint16(frame + 12, 0x88b5)
    view.setUint32(frame + PROBE_AT, probe)
    const batch: FrameBatch = {
      bytes,
      offsets: Uint32Array.of(RECORD_HEADROOM_BYTES),
      lengths: Uint32Array.of(PROBE_BYTES),
      count: 1,
    }
    this.fabric.forward(batch, nowMs)
  }

  /** A record came over a trunk; the id of the trunk's peer is at `peerOffset`. */
  receive(record: DecodedRecord, peerOffset: number, nowMs: number): void {
    const sender = this.fabric.receive(record, peerOffset, nowMs)
    if (sender === null) return
    const { bytes, offsets, lengths, count } = record.batch
    for (let i = 0; i < count; i++) {
      const frame = offsets[i]! + FRAME_HEADER_BYTES
      if (!this.fabric.bridge.receiveFrame(bytes, frame, lengths[i]!, sender, record.tree, nowMs)) continue
      const at = frame + PROBE_AT
      const probe = bytes[at]! * 0x100_0000 + (bytes[at + 1]! << 16) + (bytes[at + 2]! << 8) + bytes[at + 3]!
      this.#output.deliver(this, probe)
    }
  }
}

function writeMac(view: DataView, offset: number, mac: number): void {
  view.setUint16(offset, Math.floor(mac / 0x1_0000_0000))
  view.setUint32(offset + 2, mac % 0x1_0000_0000)
}
