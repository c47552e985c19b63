import { FRAME_HEADER_BYTES, type FrameBatch } from '@wakunet/interface'
import { type DecodedRecord, envelopeBytes, RECORD_FIELD } from '@wakunet/record'
import {
  Bridge,
  GUARD_NAMES,
  type GuardRates,
  type Member,
  type MemberInit,
  VlanDatapath,
  type VlanDatapathInit,
  VlanFabric,
  type VlanFabricInit,
} from '@wakunet/switching'
import { convergedSwitch, type FabricSwitch } from './converged-switch.ts'
import { GROUP_ADDRESS } from './frames.ts'
import type { CreateSubject, Subject, SubjectCounts, SubjectName } from './subject.ts'
import type { Station, World } from './world.ts'

const HASH_SEED = 0x5eed
/** Takes every packet that is no super-frame. */
const MTU = 9_000
/** More than anybody sends: what is measured is the check, not what it stops. */
const NO_LIMIT = { burst: Number.MAX_SAFE_INTEGER, perSecond: 1 }
const NO_LIMITS: GuardRates = {
  arp: NO_LIMIT,
  nd: NO_LIMIT,
  dhcp: NO_LIMIT,
  bpdu: NO_LIMIT,
  multicastControl: NO_LIMIT,
  broadcast: NO_LIMIT,
  multicast: NO_LIMIT,
  unknownUnicast: NO_LIMIT,
}

/** The forwarding database and the decision alone. */
const bridge: CreateSubject = (world) => {
  const counts: SubjectCounts = { sent: 0, delivered: 0 }
  const machine = new Bridge({ mac: world.self.mac }, 0)
  machine.setMembers(world.others.map(memberInit), 0)
  const accept = acceptOf(machine)
  return {
    counts,
    fromTap(batch) {
      const plan = machine.forward(batch, 0)
      for (let i = 0; i < plan.groupCount; i++) counts.sent += plan.group(i).count
    },
    fromTrunk(record) {
      const sender = machine.members.find(record.bytes, record.offset + RECORD_FIELD.ingress)
      if (sender === null) return
      counts.delivered += acceptFrames(record, sender, 0, accept)
    },
  }
}

/** The same with spanning tree and shortest paths, up to the records that leave: a switch without guards. */
const fabric: CreateSubject = (world) =>
  subjectOf(world, (init, send) => {
    const machine = new VlanFabric(init, { send }, 0)
    return {
      fabric: machine,
      addTrunk: (trunk, nowMs) => machine.addTrunk(trunk, nowMs),
      receive: (record, peerOffset, nowMs) => machine.receive(record, peerOffset, nowMs),
      nextTickMs: (nowMs) => machine.nextTickMs(nowMs),
      tick: (nowMs) => machine.tick(nowMs),
      fromTap: (batch, nowMs) => machine.forward(batch, nowMs),
      accept: acceptOf(machine.bridge),
    }
  })

/** Everything that a switch does, with every guard on but none that limits a rate. */
const datapath: CreateSubject = (world) => datapathSubject(world, () => true)

/** The same without guards: what is left of their price are multicast and the neighbour proxy. */
const unguarded: CreateSubject = (world) => datapathSubject(world, () => false)

function datapathSubject(world: World, isOn: () => boolean): Subject {
  return subjectOf(world, (init, send) => {
    const output = { send, toTap: () => {} }
    const machine = new VlanDatapath(datapathInit(init), output, 0)
    for (const name of GUARD_NAMES) machine.guards.switch(name, isOn())
    return {
      fabric: machine.fabric,
      addTrunk: (trunk, nowMs) => machine.fabric.addTrunk(trunk, nowMs),
      receive: (record, peerOffset, nowMs) => machine.receiveRecord(record, peerOffset, nowMs),
      nextTickMs: (nowMs) => machine.nextTickMs(nowMs),
      tick: (nowMs) => machine.tick(nowMs),
      fromTap: (batch, nowMs) => machine.fromTap(batch, nowMs),
      accept: (bytes, at, length, sender, nowMs) => machine.accept(bytes, at, length, sender, nowMs),
      onConverged: () => joinGroup(machine),
    }
  })
}

function datapathInit(init: VlanFabricInit): VlanDatapathInit {
  return {
    ...init,
    mtu: MTU,
    tapMac: Uint8Array.of(2, 0, 0, 0, 0, 1),
    hashSeed: HASH_SEED,
    random: () => 0.5,
    speaker: {
      mac: Uint8Array.of(2, 0x57, 0x4b, 0, 0, 1),
      address4: new Uint8Array(4),
      address6: Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    },
    guards: { portRates: NO_LIMITS, totalStormRates: NO_LIMITS },
  }
}

/** One member wants the group, as its switch would have reported. */
function joinGroup(machine: VlanDatapath): void {
  const member = machine.fabric.bridge.members.all[0]!
  machine.multicast.members.replace(member, {
    sequence: 1,
    origin: member.id,
    router: false,
    groups: [{ address: GROUP_ADDRESS, exclude: true, sources: [] }],
  })
}

type AcceptFrame = (bytes: Uint8Array, at: number, length: number, sender: Member, nowMs: number) => boolean

export function acceptOf(machine: Bridge): AcceptFrame {
  return (bytes, at, length, sender, nowMs) => machine.receiveFrame(bytes, at, length, sender, nowMs)
}

interface FrameSwitch extends FabricSwitch {
  readonly receive: (record: DecodedRecord, peerOffset: number, nowMs: number) => Member | null
  readonly fromTap: (batch: FrameBatch, nowMs: number) => void
  readonly accept: AcceptFrame
  readonly onConverged?: () => void
}

function subjectOf(
  world: World,
  create: (init: VlanFabricInit, send: (parts: readonly Uint8Array[]) => void) => FrameSwitch,
): Subject {
  const counts: SubjectCounts = { sent: 0, delivered: 0 }
  const { machine, nowMs } = convergedSwitch(world, create, (parts) => {
    counts.sent += framesOf(parts)
  })
  // The members of the bridge follow from the graph when they are first needed.
  machine.fromTap(NO_FRAMES, nowMs)
  machine.onConverged?.()
  return {
    counts,
    fromTap: (batch) => machine.fromTap(batch, nowMs),
    fromTrunk(record, peerOffset) {
      const sender = machine.receive(record, peerOffset, nowMs)
      if (sender !== null) counts.delivered += acceptFrames(record, sender, nowMs, machine.accept)
    },
  }
}

const NO_FRAMES: FrameBatch = {
  bytes: new Uint8Array(0),
  offsets: new Uint32Array(0),
  lengths: new Uint32Array(0),
  count: 0,
}

/** @returns how many frames of a record go to the TAP */
export function acceptFrames(
  record: DecodedRecord,
  sender: Member,
  nowMs: number,
  accept: AcceptFrame,
): number {
  const { bytes, offsets, lengths, count } = record.batch
  let accepted = 0
  for (let i = 0; i < count; i++) {
    const at = offsets[i]! + FRAME_HEADER_BYTES
    if (accept(bytes, at, lengths[i]!, sender, nowMs)) accepted++
  }
  return accepted
}

/** The frame count in the header of the record in a lane message (`docs/protocols/record.md`). */
function framesOf(parts: readonly Uint8Array[]): number {
  const head = parts[0]!
  return head[envelopeBytes(head[0]!) + FRAME_COUNT_AT]!
}
const FRAME_COUNT_AT = 3

function memberInit({ id, bootNonce, mac }: Station): MemberInit {
  return { nodeId: Buffer.from(id).toString('hex'), id, bootNonce, mac }
}

/** How to build each. */
export const SUBJECTS: Readonly<Record<SubjectName, CreateSubject>> = { bridge, fabric, unguarded, datapath }
