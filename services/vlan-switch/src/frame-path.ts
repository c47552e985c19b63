import {
  checkOffload,
  completeChecksum,
  createOffloadHint,
  OFFLOAD_FAULTS,
  type OffloadFault,
  segment,
  writeVirtioHeader,
} from '@wakunet/ethernet'
import {
  type Clock,
  FRAME_HEADER_BYTES,
  type FrameBatch,
  GSO_NONE,
  GSO_UDP_L4,
  type LaneConnection,
  MAX_FRAME_BYTES,
  MIN_FRAME_BYTES,
  NEEDS_CSUM,
  type TapPort,
} from '@wakunet/interface'
import { type DecodedRecord, RecordWriter, readFrameHint, virtioToFrameHeader } from '@wakunet/record'
import { Bridge, createDropCounters, type FdbInit, type Member } from '@wakunet/switching'
import { newPortDrops, type PortDrop, type PortDrops } from './port-counters.ts'
import { SegmentWriter } from './segment-writer.ts'

export interface FramePathInit {
  /** 16 bytes. */
  readonly vlanId: Uint8Array
  /** This node, 16 bytes. */
  readonly nodeId: Uint8Array
  /** 8 bytes. */
  readonly bootNonce: Uint8Array
  /** MAC address of the TAP as a 48-bit integer. */
  readonly mac: number
  /** MTU of the VLAN: what members may send. */
  readonly mtu: number
  readonly fdb: FdbInit
}

export interface FramePathComponents {
  readonly lane: Pick<LaneConnection, 'send'>
  readonly clock: Clock
}

/**
 * The way of the frames of one VLAN between its TAP and the lane, batch by batch:
 *
 * ```text
 *   TAP ─ fromTap ─▶ bridge.forward ─▶ RecordWriter ─▶ lane
 *   TAP ◀─ write ─ bridge.receiveFrame ◀─ checkOffload ◀─ bridge.admit ◀─ receive ─ lane
 * ```
 *
 * Headers are rewritten in their slots, frames are not moved, and nothing is allocated per frame; only a TAP
 * that takes no super-frames costs copies.
 */
export class FramePath {
  readonly bridge: Bridge
  recordsIn = 0
  recordsOut = 0
  /** Frames whose checksum or segmentation was done in software for a TAP without that offload. */
  framesFinished = 0
  readonly #lane: Pick<LaneConnection, 'send'>
  readonly #clock: Clock
  readonly #mtu: number
  readonly #writer: RecordWriter
  readonly #segments = new SegmentWriter()
  readonly #hint = createOffloadHint()
  readonly #offloadDrops = createDropCounters<OffloadFault>(OFFLOAD_FAULTS)
  readonly #pathDrops = createDropCounters(['frame-size', 'port-down'] as const)
  #tap: TapPort | null = null

  constructor({ lane, clock }: FramePathComponents, init: FramePathInit) {
    this.#lane = lane
    this.#clock = clock
    this.#mtu = init.mtu
    this.#writer = new RecordWriter({ vlanId: init.vlanId, ingress: init.nodeId, bootNonce: init.bootNonce })
    this.bridge = new Bridge({ nodeId: init.nodeId, mac: init.mac, fdb: init.fdb }, clock.monotonicMs())
  }

  /** Takes the frames of a TAP and writes to it; null while there is none. */
  attach(tap: TapPort | null): void {
    if (this.#tap !== null) this.#tap.onFrames = null
    this.#tap = tap
    if (tap !== null) tap.onFrames = (batch) => this.#fromTap(batch)
  }

  /** Everything dropped so far, by reason; the TAP's own counters are not in it. */
  drops(): PortDrops {
    const drops = newPortDrops()
    Object.assign(drops, this.bridge.drops, this.#pathDrops)
    for (const fault of OFFLOAD_FAULTS)
      drops[`offload-${fault}` satisfies PortDrop] = this.#offloadDrops[fault]
    return drops
  }

  #fromTap(batch: FrameBatch): void {
    this.#toRecordFrames(batch)
    const plan = this.bridge.forward(batch, this.#clock.monotonicMs())
    for (let i = 0; i < plan.groupCount; i++) {
      const { member, indexes, count } = plan.group(i)
      const peers = member === null ? this.bridge.members.ids : member.peers
      this.#writer.write(batch, indexes, count, member === null ? null : member.id, peers, this.#send)
    }
  }

  /** Rewrites virtio-net headers into record frame headers and takes impossible frames out of the batch. */
  #toRecordFrames(batch: FrameBatch): void {
    let kept = 0
    for (let i = 0; i < batch.count; i++) {
      const offset = batch.offsets[i]!
      const length = batch.lengths[i]!
      if (length < MIN_FRAME_BYTES || length > MAX_FRAME_BYTES) {
        this.#pathDrops['frame-size']++
        continue
      }
      virtioToFrameHeader(batch.bytes, offset, length)
      batch.offsets[kept] = offset
      batch.lengths[kept] = length
      kept++
    }
    batch.count = kept
  }

  readonly #send = (parts: readonly Uint8Array[]): void => {
    this.recordsOut++
    this.#lane.send(parts)
  }

  /**
   * A record of this VLAN came from a trunk.
   * @param peerOffset where the id of the trunk's peer is in `record.bytes`
   */
  receive(record: DecodedRecord, peerOffset: number): void {
    const tap = this.#tap
    if (tap === null) {
      this.#pathDrops['port-down'] += record.batch.count
      return
    }
    const sender = this.bridge.admit(record, peerOffset)
    if (sender === null) return
    this.recordsIn++
    const nowMs = this.#clock.monotonicMs()
    const { batch } = record
    const count = batch.count
    batch.count = 0
    for (let i = 0; i < count; i++) {
      const offset = batch.offsets[i]!
      const length = batch.lengths[i]!
      if (!this.#accept(batch.bytes, offset, length, sender, nowMs)) continue
      if (this.#needsSoftware(tap) && !this.#finish(batch, offset, length, tap)) continue
      writeVirtioHeader(batch.bytes, offset, length, this.#hint)
      batch.offsets[batch.count] = offset
      batch.lengths[batch.count] = length
      batch.count++
    }
    if (batch.count > 0) tap.write(batch)
  }

  /** Leaves the checked hints of an accepted frame in `#hint`. */
  #accept(bytes: Uint8Array, offset: number, length: number, sender: Member, nowMs: number): boolean {
    readFrameHint(bytes, offset, this.#hint)
    const start = offset + FRAME_HEADER_BYTES
    const verdict = checkOffload(bytes, start, length, this.#hint, this.#mtu)
    if (verdict !== 'ok') {
      this.#offloadDrops[verdict]++
      return false
    }
    return this.bridge.receiveFrame(bytes, start, sender, nowMs)
  }

  #needsSoftware(tap: TapPort): boolean {
    const { vnetHeader, uso } = tap.features
    if (this.#hint.gsoType === GSO_UDP_L4) return !uso || !vnetHeader
    return !vnetHeader && (this.#hint.gsoType !== GSO_NONE || (this.#hint.flags & NEEDS_CSUM) !== 0)
  }

  /**
   * Does what the TAP cannot: completes the checksum in place, or writes the segments of a super-frame, after
   * the frames before it so that the order stays.
   * @returns true where the frame itself is still to be written
   */
  #finish(batch: DecodedRecord['batch'], offset: number, length: number, tap: TapPort): boolean {
    this.framesFinished++
    const start = offset + FRAME_HEADER_BYTES
    if (this.#hint.gsoType === GSO_NONE) return completeChecksum(batch.bytes, start, length, this.#hint)
    if (batch.count > 0) tap.write(batch)
    batch.count = 0
    for (const part of segment(batch.bytes.subarray(start, start + length), this.#hint))
      this.#segments.add(part, tap)
    this.#segments.flush(tap)
    return false
  }
}
