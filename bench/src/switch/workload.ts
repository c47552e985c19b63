import { FRAME_HEADER_BYTES, type FrameBatch } from '@wakunet/interface'
import {
  createDecodedRecord,
  type DecodedRecord,
  decodeRecord,
  encodeRecordHeader,
  envelopeBytes,
  MAX_HOP_LIMIT,
  MAX_RECORD_BYTES,
  MAX_RECORD_FRAMES,
  RECORD_HEADER_BYTES,
  RECORD_HEADROOM_BYTES,
  writeEnvelope,
  writeFrameHeader,
} from '@wakunet/record'
import { BROADCAST_MAC, type FrameProtocol, GROUP_ADDRESS, GROUP_MAC, hintOf, writeFrame } from './frames.ts'
import { randomOf } from './random.ts'
import type { Subject } from './subject.ts'
import type { World } from './world.ts'

/** Frames that are ready, so that the tables are looked up all over and the clock is looked at seldom. */
const READY_FRAMES = 4_096
/** Bytes of all of them together, at most; larger frames are fewer. */
const READY_BYTES = 24 * 1024 * 1024
const SEED = 7
/** Of a frame, most bytes that anybody looks at. */
const FRAME_HEAD_BYTES = 64
const STATION = Uint8Array.of(10, 77, 0, 2)
const EVERYBODY = Uint8Array.of(10, 77, 0, 255)

/** Frames to send again and again. */
export interface Workload {
  /** Frames of one `run`. */
  readonly frames: number
  /** Calls of the switch of one `run`. */
  readonly calls: number
  /** Puts back what the last run has written over. */
  restore(): void
  run(): void
}

export interface WorkloadInit {
  readonly world: World
  readonly frameBytes: number
  /** Of a call; a record takes fewer where they are long. */
  readonly batchFrames: number
  /** Of one `run`; default: so many that they look up addresses all over. */
  readonly calls?: number
}

export type CreateWorkload = (subject: Subject, init: WorkloadInit) => Workload

/** Frames of the TAP to addresses that the switch has learned, each batch to one member. */
export function toMembers(protocol: FrameProtocol): CreateWorkload {
  return (subject, init) => {
    const { world } = init
    const random = randomOf(SEED)
    const behind = world.others.map((_, index) => world.learned.filter(({ member }) => member === index))
    const reachable = behind.filter((addresses) => addresses.length > 0)
    return fromTap(subject, init, { protocol, address: STATION }, () => {
      const addresses = reachable[random() % reachable.length]!
      return () => addresses[random() % addresses.length]!.mac
    })
  }
}

/** The same, each frame of a batch to whatever member: as many records as members. */
export const toMixedMembers: CreateWorkload = (subject, init) => {
  const random = randomOf(SEED)
  const { learned } = init.world
  const to = { protocol: 'tcp', address: STATION } as const
  return fromTap(subject, init, to, () => () => learned[random() % learned.length]!.mac)
}

/** Frames of the TAP to everybody. */
export const toAll: CreateWorkload = (subject, init) =>
  fromTap(subject, init, { protocol: 'udp', address: EVERYBODY }, () => () => BROADCAST_MAC)

/** Frames of the TAP to a multicast group. */
export const toGroup: CreateWorkload = (subject, init) =>
  fromTap(subject, init, { protocol: 'udp', address: GROUP_ADDRESS }, () => () => GROUP_MAC)

/** Records of members for the TAP, their frames from addresses that the switch has learned behind them. */
export function fromMembers(protocol: FrameProtocol): CreateWorkload {
  return (subject, { world, frameBytes, batchFrames }) => {
    const frames = Math.min(batchFrames, recordFrames(frameBytes))
    const random = randomOf(SEED)
    const senders = [...new Set(world.learned.map(({ member }) => member))]
    const count = readyCalls(frames, RECORD_HEADER_BYTES + frames * (FRAME_HEADER_BYTES + frameBytes))
    const records = Array.from({ length: count }, () => {
      const member = senders[random() % senders.length]!
      const addresses = world.learned.filter((address) => address.member === member)
      const sources = Array.from({ length: frames }, () => addresses[random() % addresses.length]!)
      return recordOf(world, member, sources, frameBytes, protocol)
    })
    const heads = records.map((record) => new FrameHeads(record.batch))
    return {
      frames: frames * count,
      calls: count,
      restore() {
        for (let i = 0; i < count; i++) {
          heads[i]!.restore()
          records[i]!.sequence = nextSequence++
        }
      },
      run() {
        for (let i = 0; i < count; i++) subject.fromTrunk(records[i]!, 1)
      },
    }
  }
}

/** Grows through all workloads, so that none repeats what another has sent. */
let nextSequence = 1

/** Lets the switch learn every address of the world, as it would: from records of the members. */
export function teachAddresses(subject: Subject, world: World): void {
  for (const [member] of world.others.entries()) {
    const addresses = world.learned.filter((address) => address.member === member)
    for (let from = 0; from < addresses.length; from += MAX_RECORD_FRAMES) {
      const some = addresses.slice(from, from + MAX_RECORD_FRAMES)
      const record = recordOf(world, member, some, 64, 'tcp')
      record.sequence = nextSequence++
      subject.fromTrunk(record, 1)
    }
  }
}

/** Most frames of such a length in a record. */
function recordFrames(frameBytes: number): number {
  const fitting = Math.floor((MAX_RECORD_BYTES - RECORD_HEADER_BYTES) / (FRAME_HEADER_BYTES + frameBytes))
  return Math.min(MAX_RECORD_FRAMES, fitting)
}

function readyCalls(frames: number, bytes: number): number {
  return Math.max(2, Math.min(Math.ceil(READY_FRAMES / frames), Math.floor(READY_BYTES / bytes)))
}

/** @param destinations called for each batch; what it returns, for each frame */
function fromTap(
  subject: Subject,
  { world, frameBytes, batchFrames, calls }: WorkloadInit,
  { protocol, address }: { protocol: FrameProtocol; address: Uint8Array },
  destinations: () => () => number,
): Workload {
  const batchBytes = RECORD_HEADROOM_BYTES + batchFrames * (FRAME_HEADER_BYTES + frameBytes)
  const count = calls ?? readyCalls(batchFrames, batchBytes)
  const hint = hintOf(protocol, frameBytes)
  const batches = Array.from({ length: count }, () => {
    const batch = emptyBatch(batchFrames, frameBytes, RECORD_HEADROOM_BYTES)
    const destination = destinations()
    for (const offset of batch.offsets) {
      const frame = { destination: destination(), source: world.self.mac, protocol, address }
      writeFrame(batch.bytes, offset + FRAME_HEADER_BYTES, frameBytes, frame)
      writeFrameHeader(batch.bytes, offset, frameBytes, hint)
    }
    return batch
  })
  const heads = batches.map((batch) => new FrameHeads(batch))
  return {
    frames: batchFrames * count,
    calls: count,
    restore() {
      for (let i = 0; i < count; i++) heads[i]!.restore()
    },
    run() {
      for (let i = 0; i < count; i++) subject.fromTap(batches[i]!)
    },
  }
}

/** A record of a member for this node's TAP, behind the envelope with the peer that it came from. */
function recordOf(
  world: World,
  member: number,
  sources: readonly { mac: number }[],
  frameBytes: number,
  protocol: FrameProtocol,
): DecodedRecord {
  const sender = world.others[member]!
  const peer = world.others[sender.via]!
  const start = envelopeBytes(1)
  const batch = emptyBatch(sources.length, frameBytes, start + RECORD_HEADER_BYTES)
  writeEnvelope(batch.bytes, 0, [peer.id])
  encodeRecordHeader(batch.bytes, start, {
    hopLimit: MAX_HOP_LIMIT,
    frameCount: sources.length,
    epoch: 0,
    sequence: 1,
    bootNonce: sender.bootNonce,
    vlanId: world.vlanId,
    ingress: sender.id,
    egress: world.self.id,
  })
  for (const [i, { mac }] of sources.entries()) {
    const offset = batch.offsets[i]!
    const frame = { destination: world.self.mac, source: mac, protocol, address: STATION }
    writeFrame(batch.bytes, offset + FRAME_HEADER_BYTES, frameBytes, frame)
    writeFrameHeader(batch.bytes, offset, frameBytes, hintOf(protocol, frameBytes))
  }
  const record = createDecodedRecord()
  const verdict = decodeRecord(batch.bytes, record, start)
  if (verdict !== 'ok') throw new Error(`the sample record is refused: ${verdict}`)
  return record
}

function emptyBatch(frames: number, frameBytes: number, headroom: number): FrameBatch {
  const slot = FRAME_HEADER_BYTES + frameBytes
  return {
    bytes: new Uint8Array(headroom + frames * slot),
    offsets: Uint32Array.from({ length: frames }, (_, i) => headroom + i * slot),
    lengths: new Uint32Array(frames).fill(frameBytes),
    count: frames,
  }
}

/** What a switch may write over: headers in their slots, where frames are, and the heads of records over frames before. */
class FrameHeads {
  readonly #batch: FrameBatch
  readonly #offsets: Uint32Array
  readonly #lengths: Uint32Array
  readonly #saved: readonly Uint8Array[]

  constructor(batch: FrameBatch) {
    this.#batch = batch
    this.#offsets = batch.offsets.slice(0, batch.count)
    this.#lengths = batch.lengths.slice(0, batch.count)
    const bytes = FRAME_HEADER_BYTES + Math.min(FRAME_HEAD_BYTES, batch.lengths[0]!)
    this.#saved = [...this.#offsets].map((offset) => batch.bytes.slice(offset, offset + bytes))
  }

  restore(): void {
    const { bytes, offsets, lengths } = this.#batch
    const count = this.#saved.length
    this.#batch.count = count
    offsets.set(this.#offsets)
    lengths.set(this.#lengths)
    for (let i = 0; i < count; i++) bytes.set(this.#saved[i]!, this.#offsets[i]!)
  }
}
