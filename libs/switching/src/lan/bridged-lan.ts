import { MAC_BYTES, writeMac } from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES, type FrameBatch } from '@wakunet/interface'
import type { VlanFabric } from '../fabric.ts'
import type { BindingTable } from '../guards/bindings.ts'
import type { GuardPort } from '../guards/guard-port.ts'
import type { MemberPorts } from '../member-ports.ts'
import { askEverybody } from '../neighbour-frames.ts'
import { LanDhcpWatch } from './lan-dhcp.ts'
import { LanElection, type LanElectionInit } from './lan-election.ts'
import { encodeLanStation } from './lan-frame.ts'

/** Stations that a LAN is told of, or that are asked, when it is served anew. */
const MAX_LAN_STATIONS = 512

export interface BridgedLanInit extends Omit<LanElectionInit, 'isMember' | 'isAlone'> {
  /** MAC address of the TAP, six bytes. */
  readonly tapMac: Uint8Array
  /** In [0, 1). */
  readonly random: () => number
  readonly fabric: VlanFabric
  readonly bindings: BindingTable<GuardPort>
  readonly ports: MemberPorts
}

export interface BridgedLanOutput {
  /** A frame for the LAN, which goes out even while another member serves it. */
  readonly send: (frame: Uint8Array) => void
  /** One that does not. */
  readonly say: (frame: Uint8Array) => void
  readonly onWake: () => void
}

/**
 * The LAN behind a TAP: which member serves it, what it is told when that changes, and whether it has a DHCP server of its own
 * (`docs/protocols/vlan-control.md`, "A LAN behind a TAP").
 */
export class BridgedLan {
  /** Decides whether this member passes frames between the LAN and the VLAN. */
  readonly election: LanElection
  readonly dhcp: LanDhcpWatch
  readonly #init: BridgedLanInit
  readonly #output: BridgedLanOutput
  readonly #station = new Uint8Array(MAC_BYTES)

  constructor(init: BridgedLanInit, output: BridgedLanOutput, nowMs: number) {
    this.#init = init
    this.#output = output
    const { fabric, helloMac, random } = init
    const { members } = fabric.bridge
    fabric.setTapForwarding(false, nowMs)
    this.dhcp = new LanDhcpWatch({ mac: helloMac, random, send: output.say })
    this.election = new LanElection(
      { ...init, isMember: (id) => members.find(id, 0) !== null, isAlone: () => members.size === 0 },
      { send: output.send, onChange: (isServing, atMs) => this.#serve(isServing, atMs) },
      nowMs,
    )
  }

  /** Takes out of a batch from the TAP what other members say on the LAN. */
  takeHellos(batch: FrameBatch, nowMs: number): void {
    const { bytes, offsets, lengths } = batch
    const { election } = this
    // Before what comes after a long sleep is believed or passed on.
    election.isForwarding(nowMs)
    let kept = 0
    for (let i = 0; i < batch.count; i++) {
      const at = offsets[i]! + FRAME_HEADER_BYTES
      if (election.isOwnFrame(bytes, at, lengths[i]!)) election.receive(bytes, at, lengths[i]!, nowMs)
      else {
        offsets[kept] = offsets[i]!
        lengths[kept++] = lengths[i]!
      }
    }
    if (kept < batch.count) this.#output.onWake()
    batch.count = kept
  }

  /** This member begins, or ceases, to serve the LAN, or is the only one again. */
  #serve(isServing: boolean, nowMs: number): void {
    this.#init.fabric.setTapForwarding(isServing, nowMs)
    if (!isServing) {
      this.dhcp.end()
      return
    }
    this.dhcp.begin(nowMs)
    this.#tellStations(nowMs)
    this.#askStations(nowMs)
  }

  /** Bridges of the LAN send to where they saw stations of members last; nobody may hear of them for minutes. */
  #tellStations(nowMs: number): void {
    const { fabric, vlanId, nodeId } = this.#init
    for (const { mac, member } of fabric.bridge.fdbEntries(nowMs, MAX_LAN_STATIONS)) {
      if (member === null) continue
      writeMac(this.#station, 0, mac)
      this.#output.send(encodeLanStation(this.#station, vlanId, nodeId))
    }
  }

  /**
   * Stations of a member that is on this LAN too are on it themselves now, but its bridges may know them behind this TAP, from
   * when there was no other way: what the stations answer shows where they are.
   */
  #askStations(nowMs: number): void {
    const { fabric, bindings, ports, tapMac } = this.#init
    const { members } = fabric.bridge
    const neighbours = new Set(this.election.neighbours(nowMs).map((id) => members.find(id, 0)))
    neighbours.delete(null)
    if (neighbours.size === 0) return
    let asked = 0
    for (const { address, mac, owner } of bindings) {
      if (mac === null || !neighbours.has(ports.memberOf(owner))) continue
      this.#output.send(askEverybody({ address, mac }, tapMac))
      if (++asked >= MAX_LAN_STATIONS) return
    }
  }

  nextTickMs(): number {
    return Math.min(this.election.nextTickMs(), this.dhcp.nextTickMs())
  }

  tick(nowMs: number): void {
    if (this.election.nextTickMs() <= nowMs) this.election.tick(nowMs)
    this.dhcp.tick(nowMs)
  }
}
