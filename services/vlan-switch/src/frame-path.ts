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
import { type DecodedRecord, readFrameHint, virtioToFrameHeader } from '@wakunet/record'
import {
  BRIDGE_DROPS,
  createDropCounters,
  DATAPATH_DROPS,
  FABRIC_DROPS,
  GUARD_DROPS,
  LAN_DROPS,
  type Member,
  PATH_MTU_DROPS,
  VlanDatapath,
  type VlanDatapathInit,
  type VlanDatapathOutput,
} from '@wakunet/switching'
import { newPortDrops, type PortDrop, type PortDrops } from './port-counters.ts'
import { SegmentWriter } from './segment-writer.ts'

/** What of a VLAN the rest of the port hears. */
export type FramePathOutput = Pick<
  VlanDatapathOutput,
  'onLocalFrame' | 'onMemberProbe' | 'onTapHost' | 'onControl' | 'onPeers' | 'onWake'
>

export interface FramePathComponents {
  readonly lane: Pick<LaneConnection, 'send'>
  readonly clock: Clock
}

/**
 * The way of the frames of one VLAN between its TAP and the lane, batch by batch; the datapath decides:
 *
 * ```text
 *   TAP ─ fromTap ─▶ record frame headers ─▶ datapath.fromTap ─▶ lane
 *   TAP ◀─ write ─ datapath.accept ◀─ checkOffload ◀─ datapath.receiveRecord ◀─ receive ─ lane
 * ```
 *
 * Headers are rewritten in their slots, frames are not moved, and nothing is allocated per frame; only a TAP
 * that takes no super-frames costs copies.
 */
export class FramePath {
  readonly datapath: VlanDatapath
  recordsIn = 0
  recordsOut = 0
  /** Frames whose checksum or segmentation was done in software for a TAP without that offload. */
  framesFinished = 0
  readonly #lane: Pick<LaneConnection, 'send'>
  readonly #clock: Clock
  readonly #mtu: number
  readonly #segments = new SegmentWriter()
  readonly #hint = createOffloadHint()
  readonly #offloadDrops = createDropCounters<OffloadFault>(OFFLOAD_FAULTS)
  readonly #pathDrops = createDropCounters(['frame-size', 'port-down'] as const)
  #tap: TapPort | null = null

  constructor({ lane, clock }: FramePathComponents, init: VlanDatapathInit, output: FramePathOutput = {}) {
    this.#lane = lane
    this.#clock = clock
    this.#mtu = init.mtu
    this.datapath = new VlanDatapath(
      init,
      {
        ...output,
        send: this.#send,
        toTap: (frame) => this.toTap(frame),
        onLocalFrame: (bytes, at, length, nowMs) => {
          // The kernel leaves the checksums of what it sends to the interface.
          if (this.#completeFrame(bytes, at, length)) output.onLocalFrame?.(bytes, at, length, nowMs)
        },
      },
      clock.monotonicMs(),
    )
  }

  /** Takes the frames of a TAP and writes to it; null while there is none. */
  attach(tap: TapPort | null): void {
    if (this.#tap !== null) this.#tap.onFrames = null
    this.#tap = tap
    const nowMs = this.#clock.monotonicMs()
    if (tap === null) this.datapath.multicast.portDown(nowMs)
    else {
      tap.onFrames = (batch) => this.#fromTap(batch)
      this.datapath.multicast.portUp(nowMs)
      this.datapath.lan?.restart(nowMs, tap.bridgeDelayMs)
    }
  }

  /** Everything dropped so far, by reason; the TAP's own counters are not in it. */
  drops(): PortDrops {
    const drops = newPortDrops()
    const { fabric, guards } = this.datapath
    for (const reason of BRIDGE_DROPS) drops[reason] = fabric.bridge.drops[reason]
    for (const reason of FABRIC_DROPS) drops[reason] = fabric.drops[reason]
    for (const reason of DATAPATH_DROPS) drops[reason] = this.datapath.drops[reason]
    for (const reason of PATH_MTU_DROPS)
      drops[`path-mtu-${reason}` satisfies PortDrop] = this.datapath.pathMtu.drops[reason]
    for (const reason of GUARD_DROPS) drops[`guard-${reason}` satisfies PortDrop] = guards.drops[reason]
    const { lan } = this.datapath
    if (lan !== null)
      for (const reason of LAN_DROPS) drops[`lan-${reason}` satisfies PortDrop] = lan.drops[reason]
    for (const fault of OFFLOAD_FAULTS)
      drops[`offload-${fault}` satisfies PortDrop] = this.#offloadDrops[fault]
    return Object.assign(drops, this.#pathDrops)
  }

  #fromTap(batch: FrameBatch): void {
    this.#toRecordFrames(batch)
    this.datapath.fromTap(batch, this.#clock.monotonicMs())
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

  /** A frame of the switch itself for the TAP, without offloads. */
  toTap(frame: Uint8Array): void {
    if (this.#tap === null) return
    this.#segments.add(frame, this.#tap)
    this.#segments.flush(this.#tap)
  }

  /**
   * A record of this VLAN came from a trunk.
   * @param peerOffset where the id of the trunk's peer is in `record.bytes`
   */
  receive(record: DecodedRecord, peerOffset: number): void {
    const nowMs = this.#clock.monotonicMs()
    const sender = this.datapath.receiveRecord(record, peerOffset, nowMs)
    if (sender === null) return
    const tap = this.#tap
    if (tap === null) {
      this.#pathDrops['port-down'] += record.batch.count
      return
    }
    this.recordsIn++
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
    return this.datapath.accept(bytes, start, length, sender, nowMs)
  }

  /** Completes the checksum of a frame from the TAP. @returns false for one that cannot be completed, or a super-frame */
  #completeFrame(bytes: Uint8Array, at: number, length: number): boolean {
    readFrameHint(bytes, at - FRAME_HEADER_BYTES, this.#hint)
    const verdict = checkOffload(bytes, at, length, this.#hint, MAX_FRAME_BYTES)
    if (verdict !== 'ok') this.#offloadDrops[verdict]++
    else if (this.#hint.gsoType !== GSO_NONE) this.#pathDrops['frame-size']++
    else return (this.#hint.flags & NEEDS_CSUM) === 0 || completeChecksum(bytes, at, length, this.#hint)
    return false
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
