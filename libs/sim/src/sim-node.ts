import type { AddressingPeer, AddressPlan, ReadAnnouncement, VlanAddressing } from '@wakunet/addressing'
import { isMulticastMac, readMac } from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES, type FrameBatch } from '@wakunet/interface'
import { type DecodedRecord, RECORD_HEADROOM_BYTES, type SendParts, writeFrameHeader } from '@wakunet/record'
import { type Advertisement, VlanDatapath, type VlanFabric } from '@wakunet/switching'
import type { Random } from './random.ts'
import { createAddressing } from './sim-addressing.ts'
import { SimDhcpClient } from './sim-dhcp-client.ts'
import { BROADCAST_MAC, macBytes, probeFrame, probeOf } from './sim-frames.ts'
import { SimHost } from './sim-host.ts'
import type { SimIdentity } from './sim-identity.ts'
import { SimSealer } from './sim-sealer.ts'

const NO_HINT = { flags: 0, gsoType: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 }
const MTU = 1_400
const START_WALL_MS = 1_700_000_000_000
/** Who the switches of the VLAN are towards their TAPs (see `MulticastSpeaker`). */
const SPEAKER = {
  mac: Uint8Array.of(0x02, 0x57, 0x4b, 0, 0, 1),
  address4: new Uint8Array(4),
  address6: Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255),
}

export interface SimNodeInit {
  readonly index: number
  readonly identity: SimIdentity
  readonly vlanId: Uint8Array
  /** MAC address of any member. */
  readonly macOf: (nodeId: Uint8Array) => number | null
  /** Addresses of the VLAN; null for nodes without any. */
  readonly plan: AddressPlan | null
  readonly maxNeighbours: number
  readonly keep: (bytes: Uint8Array) => Advertisement
  readonly read: ReadAnnouncement
}

export interface SimNodeOutput {
  readonly send: (node: SimNode, parts: readonly Uint8Array[]) => void
  /** A probe came to a station of the node's TAP. */
  readonly deliver: (node: SimNode, probe: number) => void
  /** Runs something at the node in a moment. */
  readonly later: (node: SimNode, run: (nowMs: number) => void) => void
  readonly nowMs: () => number
}

/** A member: the datapath of its switch, as vlan-switch runs it, and the stations on its TAP's side. */
export class SimNode {
  readonly index: number
  readonly nodeId: Uint8Array
  /** Its own interface. */
  readonly host: SimHost
  /** Stations behind it beside that. */
  readonly guests = new Set<SimHost>()
  datapath: VlanDatapath
  /** Null without an address plan. */
  addressing: VlanAddressing<AddressingPeer> | null = null
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
  #attempt = 0

  constructor(init: SimNodeInit, output: SimNodeOutput, random: Random) {
    this.index = init.index
    this.nodeId = init.identity.nodeId
    this.host = new SimHost(init.identity.mac)
    this.#init = init
    this.#output = output
    this.#send = (parts) => output.send(this, parts)
    this.bootNonce = random.bytes(8)
    this.datapath = this.#newDatapath(random, 0)
  }

  get mac(): number {
    return this.host.mac
  }

  get fabric(): VlanFabric {
    return this.datapath.fabric
  }

  /** Starts, or starts anew with nothing but its identity. */
  start(random: Random, nowMs: number): void {
    this.bootNonce = random.bytes(8)
    // It remembers its last attempt, as the state file does.
    this.#attempt = this.addressing?.attempt ?? 0
    this.addressing = null
    this.datapath = this.#newDatapath(random, nowMs)
    this.addressing = this.#newAddressing(random, nowMs)
    this.alive = true
    this.tickMs = Number.POSITIVE_INFINITY
    this.treeRevision = -1
  }

  #newDatapath(random: Random, nowMs: number): VlanDatapath {
    const { vlanId, macOf, maxNeighbours, keep } = this.#init
    return new VlanDatapath(
      {
        nodeId: this.nodeId,
        vlanId,
        bootNonce: this.bootNonce,
        mac: this.mac,
        tapMac: macBytes(this.mac),
        macOf,
        isForStation: (bytes, at, length) => this.addressing?.isForStation(bytes, at, length) ?? false,
        firstSequence: START_WALL_MS + Math.floor(nowMs),
        firstNumber: random.uint32(),
        hashSeed: random.uint32(),
        random: () => random.unit(),
        speaker: SPEAKER,
        mtu: MTU,
        maxNeighbours,
        keep,
        sealer: new SimSealer(),
      },
      {
        send: this.#send,
        toTap: (frame) => this.#toTap(frame, 0, frame.length),
        onPeers: (at) => this.#updatePeers(at),
        onLocalFrame: (bytes, at, length, atMs) => this.addressing?.fromTap(bytes, at, length, atMs),
        onControl: (from, bytes, at, length, atMs) =>
          this.addressing?.receiveControl(bytes, at, length, from, atMs),
        onTapHost: (address, mac, atMs) => this.addressing?.noteTapHost(address, mac, atMs),
      },
      nowMs,
    )
  }

  #newAddressing(random: Random, nowMs: number): VlanAddressing<AddressingPeer> | null {
    const { index, identity, vlanId, plan, read } = this.#init
    if (plan === null) return null
    return createAddressing(
      {
        identity,
        vlanId,
        plan,
        read,
        index,
        bootNonce: this.bootNonce,
        attempt: this.#attempt,
        firstSequence: START_WALL_MS + Math.floor(nowMs),
        hashSeed: random.uint32(),
        random: () => random.unit(),
        nowMs: this.#output.nowMs,
        wallMs: () => START_WALL_MS + Math.floor(this.#output.nowMs()),
        datapath: this.datapath,
      },
      {
        toTap: (frame) => this.#toTap(frame, 0, frame.length),
        onAddress: (address) => {
          this.host.address = address
        },
        onReaddress: () => this.#readdress(),
        later: (run) => this.#output.later(this, run),
      },
    )
  }

  #updatePeers(nowMs: number): void {
    if (this.addressing === null) return
    const open = [...this.fabric.trunks.all].filter(({ isOpen }) => isOpen)
    this.addressing.setPeers(this.fabric.bridge.members, open, nowMs)
  }

  /** The carrier flaps: stations ask for their addresses anew. */
  #readdress(): void {
    for (const guest of this.guests)
      if (guest instanceof SimDhcpClient)
        this.#output.later(this, (nowMs) => this.send(guest.reboot(), nowMs))
  }

  nextTickMs(nowMs: number): number {
    const dueMs = this.addressing?.dueMs(nowMs) ?? Number.POSITIVE_INFINITY
    return Math.min(dueMs, this.datapath.nextTickMs(nowMs))
  }

  tick(nowMs: number): void {
    this.datapath.tick(nowMs)
    const { addressing } = this
    if (addressing !== null && addressing.dueMs(nowMs) <= nowMs) addressing.tick(nowMs)
  }

  /** Sends a probe from the own interface; to everybody where `to` is null. */
  probe(probe: number, to: number | null, nowMs: number): void {
    this.send(probeFrame(to ?? BROADCAST_MAC, this.mac, probe), nowMs)
  }

  /** A station of the TAP's side sends a frame. */
  send(frame: Uint8Array, nowMs: number): void {
    const bytes = new Uint8Array(RECORD_HEADROOM_BYTES + FRAME_HEADER_BYTES + frame.length)
    writeFrameHeader(bytes, RECORD_HEADROOM_BYTES, frame.length, NO_HINT)
    bytes.set(frame, RECORD_HEADROOM_BYTES + FRAME_HEADER_BYTES)
    const batch: FrameBatch = {
      bytes,
      offsets: Uint32Array.of(RECORD_HEADROOM_BYTES),
      lengths: Uint32Array.of(frame.length),
      count: 1,
    }
    this.datapath.fromTap(batch, nowMs)
  }

  /** A record came over a trunk; the id of the trunk's peer is at `peerOffset`. */
  receive(record: DecodedRecord, peerOffset: number, nowMs: number): void {
    const sender = this.datapath.receiveRecord(record, peerOffset, nowMs)
    if (sender === null) return
    const { bytes, offsets, lengths, count } = record.batch
    for (let i = 0; i < count; i++) {
      const at = offsets[i]! + FRAME_HEADER_BYTES
      if (this.datapath.accept(bytes, at, lengths[i]!, sender, nowMs)) this.#toTap(bytes, at, lengths[i]!)
    }
  }

  #toTap(bytes: Uint8Array, at: number, length: number): void {
    const probe = probeOf(bytes, at)
    if (probe !== null && this.#isForStation(bytes, at)) this.#output.deliver(this, probe)
    if (probe === null) this.#hear(bytes.slice(at, at + length))
  }

  /** A station here takes the frame: its address is there, or it is for a group, which the switch has to know about. */
  #isForStation(bytes: Uint8Array, at: number): boolean {
    if (isMulticastMac(bytes, at)) return true
    const mac = readMac(bytes, at)
    if (mac === this.mac) return true
    for (const guest of this.guests) if (guest.mac === mac) return true
    return false
  }

  #hear(frame: Uint8Array): void {
    const answer = (host: SimHost) => {
      for (const reply of host.hear(frame)) this.#output.later(this, (nowMs) => this.send(reply, nowMs))
    }
    answer(this.host)
    for (const guest of this.guests) answer(guest)
  }
}
