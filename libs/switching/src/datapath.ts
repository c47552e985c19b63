import { createOffloadHint, isMulticastMac, readMac } from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES, type FrameBatch } from '@wakunet/interface'
import { type DecodedRecord, readFrameHint } from '@wakunet/record'
import type { BridgePolicy, ForwardFate } from './bridge-policy.ts'
import { CONTROL_LEASE_GOSSIP, CONTROL_MULTICAST_REPORT } from './control/message.ts'
import { DATAPATH_DROPS, type DatapathDrop } from './datapath-drops.ts'
import { createDropCounters, type DropCounters } from './drops.ts'
import { VlanFabric, type VlanFabricInit, type VlanFabricOutput } from './fabric.ts'
import { GuardChain, type GuardChainInit } from './guards/guard-chain.ts'
import type { GuardVerdict } from './guards/guard-drops.ts'
import type { GuardTraffic } from './guards/guard-frame.ts'
import type { GuardPort } from './guards/guard-port.ts'
import { BridgedLan } from './lan/bridged-lan.ts'
import type { LanElection, LanElectionInit } from './lan/lan-election.ts'
import type { MemberPorts } from './member-ports.ts'
import type { Member } from './members.ts'
import type { MulticastSpeaker } from './multicast/group-frames.ts'
import { MulticastSwitch, type MulticastSwitchInit } from './multicast/multicast-switch.ts'
import type { MulticastTargets } from './multicast/multicast-targets.ts'
import type { MulticastSide } from './multicast/port-snooper.ts'
import { ARP_PROBE_TARGET, isArpProbe } from './neighbour-frames.ts'
import { NeighbourProxy } from './neighbour-proxy.ts'
import { OwnFrame } from './own-frame.ts'
import { PathMtu } from './path-mtu.ts'
import { Stations } from './stations.ts'
import type { FabricTrunk } from './trunk-table.ts'

const SWEEP_MS = 10_000

/** Trunks have a neighbour, the bridge has members: both are known by node id. */
type Peer = Member | FabricTrunk

export interface VlanDatapathInit extends Omit<VlanFabricInit, 'policy' | 'onContest' | 'onMoved'> {
  /** Of the VLAN, bytes: no port takes larger packets. */
  readonly mtu: number
  /** MAC address of the TAP, six bytes. */
  readonly tapMac: Uint8Array
  /** 32 random bits. */
  readonly hashSeed: number
  /** In [0, 1). */
  readonly random: () => number
  /** Who the switch is when it asks the TAP's side for its groups. */
  readonly speaker: MulticastSpeaker
  readonly guards?: Omit<GuardChainInit, 'hashSeed' | 'bindings'>
  readonly multicast?: Pick<
    MulticastSwitchInit<Peer>,
    'snooping' | 'timers' | 'maxGroups' | 'maxMemberGroups' | 'wallMs'
  >
  /** Whether ARP and ND are answered for members. Default true. */
  readonly neighbourProxy?: boolean
  /** The TAP is a port of a LAN, which other members may bridge too. Default: only this host is behind it. */
  readonly lan?: Pick<LanElectionInit, 'helloMac' | 'priority'>
  /** Whether a frame from the TAP is for the switch's own station. Default: none is. */
  readonly isForStation?: (bytes: Uint8Array, at: number, length: number) => boolean
  /** Whether a frame says that it is from that station, as none of a member may. Default: none does. */
  readonly isFromStation?: (bytes: Uint8Array, at: number, length: number) => boolean
}

/** What comes out of a datapath. Frames that are handed over are valid during the call. */
export interface VlanDatapathOutput extends Omit<VlanFabricOutput, 'onTrunks' | 'onMembers'> {
  /** An Ethernet frame of the switch itself for the TAP. */
  readonly toTap: (frame: Uint8Array) => void
  /** A frame from the TAP that the switch keeps: for its station, DHCP, or a router solicitation. */
  readonly onLocalFrame?: (bytes: Uint8Array, at: number, length: number, nowMs: number) => void
  /** A station of the TAP's side was heard with an address that nobody was known to have, or that it had behind a member. */
  readonly onTapHost?: (address: Uint8Array, mac: number, nowMs: number) => void
  /** A member's station, or its switch, asks whether somebody has an IPv4 address (RFC 5227 §2.1.1). */
  readonly onMemberProbe?: (address: Uint8Array, mac: number, nowMs: number) => void
  /** Members of the VLAN, or the trunks that are open, have changed. */
  readonly onPeers?: (nowMs: number) => void
}

/** What a member says of its port. */
export interface MemberPortFacts {
  /** It has stations of others behind it. */
  readonly bridged: boolean
  /** Largest packet, bytes. */
  readonly mtu: number
}

/**
 * Everything that the switch of a VLAN does with frames, in the order in which a frame meets it:
 *
 * ```text
 *   TAP ── fromTap ─▶ source address ▶ station ▶ guards ▶ neighbour proxy ▶ groups, or known addresses ▶ fabric ─▶ trunks
 *   TAP ◀─ accept ─── guards ◀ groups ◀ source address ◀───────────────────────── fabric ◀─ receive ── trunks
 * ```
 */
export class VlanDatapath implements BridgePolicy {
  readonly fabric: VlanFabric
  readonly guards: GuardChain
  readonly multicast: MulticastSwitch<Peer>
  readonly proxy: NeighbourProxy<GuardPort>
  readonly pathMtu: PathMtu
  /** Null where the TAP bridges no LAN. */
  readonly #lan: BridgedLan | null
  readonly drops: DropCounters<DatapathDrop> = createDropCounters(DATAPATH_DROPS)
  /** See `BridgePolicy`. */
  targetCount = 0
  readonly #init: VlanDatapathInit
  readonly #output: VlanDatapathOutput
  readonly #stations: Stations
  readonly #ports: MemberPorts
  readonly #ownFrame = new OwnFrame()
  #targets: readonly Peer[] = []
  /** What members say of their ports, by node id; null while that is not known of anybody. */
  #facts: ReadonlyMap<string, MemberPortFacts> | null = null
  #bridging: readonly Member[] = []
  /** For whom the fragments are that are being made. */
  #fragmentsFor: Member | null = null
  readonly #hint = createOffloadHint()
  /** Time of the call that is being served, for callbacks that are not told. */
  #nowMs: number
  #sweepMs: number
  /** The record that is being received goes to everybody. */
  #isTreeRecord = false

  constructor(init: VlanDatapathInit, output: VlanDatapathOutput, nowMs: number) {
    this.#init = init
    this.#output = output
    this.#nowMs = nowMs
    this.#sweepMs = nowMs + SWEEP_MS
    const { hashSeed, random, speaker, nodeId, firstSequence } = init
    const members = () => this.fabric.bridge.members
    this.#stations = new Stations(
      { tapMac: init.tapMac, members },
      {
        toTap: (frame) => this.toTap(frame),
        toMember: (member, frame) => this.fabric.sendTo(member, this.#ownFrame.batchOf(frame), this.#nowMs),
        onTapHost: (address, mac) => output.onTapHost?.(address, mac, this.#nowMs),
        onWake: () => output.onWake?.(),
      },
    )
    this.guards = new GuardChain({ ...init.guards, hashSeed, bindings: this.#stations.bindingEvents }, nowMs)
    this.#stations.guardedBy(this.guards)
    this.#ports = this.#stations.ports
    this.proxy = new NeighbourProxy(this.guards.bindings, this.guards.tap)
    this.pathMtu = new PathMtu(
      {
        reply: (bytes, at, length) => output.toTap(bytes.subarray(at, at + length)),
        fragment: (bytes, at, length) => this.#sendFragment(bytes.subarray(at, at + length)),
      },
      nowMs,
    )
    this.proxy.isOn = init.neighbourProxy ?? true
    this.multicast = new MulticastSwitch<Peer>(
      {
        fastLeave: init.guards?.isBridged !== true,
        ...init.multicast,
        hashSeed,
        random,
        speaker,
        nodeId,
        firstSequence,
        send: (to, message) => this.sendControl(to.id, message, this.#nowMs),
        toTap: (frame) => this.toTap(frame),
      },
      nowMs,
    )
    this.fabric = new VlanFabric(
      {
        ...init,
        fdb: { hashSeed, ...init.fdb, isGuarded: () => this.guards.isOn('mac') },
        tree: { ...init.tree, isGranted: this.#isGranted },
        isStormGuarded: () => this.guards.isOn('storm'),
        policy: this,
        onContest: (mac, owner) => this.#stations.ask(mac, owner),
        onMoved: (mac, from, to) => this.#stations.move(mac, from, to, this.#nowMs),
      },
      {
        ...output,
        onControl: this.#receiveControl,
        onTrunks: () => this.#updatePeers(this.#nowMs),
        onMembers: (at) => this.#updatePeers(at),
      },
      nowMs,
    )
    this.#lan = this.#createLan(nowMs)
  }

  /** Root guard: nobody comes nearer to the root than the VLAN's owner lets them. */
  readonly #isGranted = (priority: number, nodeId: Uint8Array): boolean => {
    if (this.#init.tree?.isGranted?.(priority, nodeId) === true || !this.guards.isOn('root')) return true
    this.guards.drops['bpdu-root']++
    return false
  }

  #createLan(nowMs: number): BridgedLan | null {
    const { lan, vlanId, nodeId, tapMac, random } = this.#init
    if (lan === undefined) return null
    const { fabric, guards } = this
    return new BridgedLan(
      { ...lan, vlanId, nodeId, tapMac, random, fabric, bindings: guards.bindings, ports: this.#ports },
      {
        send: this.#output.toTap,
        say: (frame) => this.toTap(frame),
        onWake: () => this.#output.onWake?.(),
      },
      nowMs,
    )
  }

  /** Decides whether this member passes frames between the LAN behind the TAP and the VLAN; null where there is none. */
  get lan(): LanElection | null {
    return this.#lan?.election ?? null
  }

  // --- frames of the TAP ---------------------------------------------------------------------------------------

  /** Frames with record frame headers from the TAP. */
  fromTap(batch: FrameBatch, nowMs: number): void {
    this.#nowMs = nowMs
    this.#lan?.takeHellos(batch, nowMs)
    this.fabric.forward(batch, nowMs)
  }

  /** A frame of the switch itself for the TAP's side; nothing says a word on a LAN that another member serves. */
  toTap(frame: Uint8Array): void {
    if (this.lan === null || this.lan.isForwarding(this.#nowMs)) this.#output.toTap(frame)
    else this.drops['lan-silent']++
  }

  /** See `BridgePolicy`; the bridge calls it. */
  forward(bytes: Uint8Array, at: number, length: number, member: Member | null, nowMs: number): ForwardFate {
    if (this.#init.isForStation?.(bytes, at, length) === true) {
      this.#output.onLocalFrame?.(bytes, at, length, nowMs)
      return 'stop'
    }
    const isGroup = isMulticastMac(bytes, at)
    const targets = isGroup ? this.multicast.targets(bytes, at, length, 'tap', nowMs) : null
    const traffic = isGroup ? trafficOf(targets) : member === null ? 'unknown-unicast' : 'unicast'
    const verdict = this.guards.inspect(bytes, at, length, this.guards.tap, traffic, nowMs)
    if (verdict !== 'pass') {
      this.#keep(verdict, bytes, at, length, nowMs)
      return 'stop'
    }
    if (targets !== null) return this.#forwardGroup(targets, bytes, at, length, nowMs)
    if (member === null) return isGroup ? 'pass' : this.#forwardUnknown()
    return this.#fits(bytes, at, length, member, nowMs) ? 'pass' : 'stop'
  }

  /** Whether the member's port takes the frame; where it does not, its sender has been told, or it has left in fragments. */
  #fits(bytes: Uint8Array, at: number, length: number, member: Member, nowMs: number): boolean {
    const mtu = Math.min(member.mtu, this.#init.mtu)
    // The interface itself lets nothing through that is larger; a LAN may have a larger MTU than the VLAN.
    if (this.lan === null && mtu >= this.#init.mtu) return true
    readFrameHint(bytes, at - FRAME_HEADER_BYTES, this.#hint)
    this.#fragmentsFor = member
    return this.pathMtu.check(bytes, at, length, this.#hint, mtu, nowMs) === 'ok'
  }

  /** Deals with what the guards keep on the TAP's side. */
  #keep(verdict: GuardVerdict, bytes: Uint8Array, at: number, length: number, nowMs: number): void {
    switch (verdict) {
      case 'local-multicast':
        this.#snoop(bytes, at, length, 'tap', nowMs)
        break
      case 'dhcp-server':
        this.#lan?.dhcp.heard(nowMs)
        break
      case 'local-dhcpv4':
        if (this.#lan?.dhcp.mayServe(nowMs) !== false) this.#output.onLocalFrame?.(bytes, at, length, nowMs)
        else this.drops['lan-dhcp']++
        break
      case 'local-dhcpv6':
      case 'local-router-solicitation':
        this.#output.onLocalFrame?.(bytes, at, length, nowMs)
    }
  }

  #sendFragment(frame: Uint8Array): void {
    const member = this.#fragmentsFor
    if (member !== null) this.fabric.sendTo(member, this.#ownFrame.batchOf(frame), this.#nowMs)
  }

  #forwardGroup(
    targets: MulticastTargets<Peer>,
    bytes: Uint8Array,
    at: number,
    length: number,
    nowMs: number,
  ): ForwardFate {
    const reply = this.proxy.answer(bytes, at, length, nowMs)
    if (reply !== null) {
      this.toTap(reply)
      return 'stop'
    }
    // Here only where the guard that keeps IGMP and MLD on their side is off.
    if (targets.kind === 'igmp' || targets.kind === 'mld') {
      this.#snoop(bytes, at, length, 'tap', nowMs)
      return 'pass'
    }
    if (targets.everybody) return 'pass'
    if (targets.count === 0) {
      this.drops[targets.kind === 'local' ? 'host-scope' : 'multicast-unwanted']++
      return 'stop'
    }
    // The tables are told of members alone (`#updatePeers`), so no trunk is among them.
    this.#targets = targets.members
    this.targetCount = targets.count
    return 'members'
  }

  /** To those alone that have stations behind them that nobody can know; never a storm. */
  #forwardUnknown(): ForwardFate {
    // Sealed or not at all: nobody takes a frame for one station out of a record to everybody.
    if (this.#facts === null && this.#init.sealer === undefined) return 'pass'
    if (this.#bridging.length === 0) {
      this.drops['unknown-unicast']++
      return 'stop'
    }
    this.#targets = this.#bridging
    this.targetCount = this.#bridging.length
    return 'members'
  }

  /** See `BridgePolicy`. */
  target(index: number): Member {
    return this.#targets[index] as Member
  }

  #snoop(bytes: Uint8Array, at: number, length: number, side: MulticastSide, nowMs: number): void {
    this.multicast.snoop(bytes, at, length, side, nowMs)
    this.#output.onWake?.()
  }

  // --- frames of members -----------------------------------------------------------------------------------------

  /**
   * A record of this VLAN came over a trunk, see `VlanFabric.receive`.
   * @returns the member whose frames are for the TAP, each where `accept` says so; or null
   */
  receiveRecord(record: DecodedRecord, peerOffset: number, nowMs: number): Member | null {
    this.#nowMs = nowMs
    this.#isTreeRecord = record.tree
    this.lan?.isForwarding(nowMs)
    return this.fabric.receive(record, peerOffset, nowMs)
  }

  /** Whether a frame of a record goes to the TAP. Counts what does not. */
  accept(bytes: Uint8Array, at: number, length: number, sender: Member, nowMs: number): boolean {
    return this.fabric.bridge.receiveFrame(bytes, at, length, sender, nowMs)
  }

  /** See `BridgePolicy`; the bridge calls it. */
  receive(
    bytes: Uint8Array,
    at: number,
    length: number,
    sender: Member,
    isKnown: boolean,
    nowMs: number,
  ): boolean {
    if (this.lan?.isOwnFrame(bytes, at, length) === true) {
      this.drops['lan-forged']++
      return false
    }
    if (this.#init.isFromStation?.(bytes, at, length) === true) {
      this.drops['station-forged']++
      return false
    }
    const isGroup = isMulticastMac(bytes, at)
    if (!isGroup && this.#isTreeRecord && this.#init.sealer !== undefined) {
      this.drops['tree-unicast']++
      return false
    }
    const targets = isGroup ? this.multicast.targets(bytes, at, length, 'member', nowMs) : null
    const traffic = isGroup ? trafficOf(targets) : isKnown ? 'unicast' : 'unknown-unicast'
    const verdict = this.guards.inspect(bytes, at, length, this.#ports.of(sender), traffic, nowMs)
    if (verdict !== 'pass') return false
    if (targets === null) return true
    if (targets.kind === 'broadcast') this.#noteProbe(bytes, at, length, nowMs)
    // Here only where the guard that keeps IGMP and MLD on their side is off.
    if (targets.kind === 'igmp' || targets.kind === 'mld') this.#snoop(bytes, at, length, 'member', nowMs)
    else if (!targets.tap) {
      this.drops[targets.kind === 'local' ? 'host-scope' : 'multicast-unwanted']++
      return false
    }
    return true
  }

  #noteProbe(bytes: Uint8Array, at: number, length: number, nowMs: number): void {
    const { onMemberProbe } = this.#output
    if (onMemberProbe === undefined || !isArpProbe(bytes, at, length)) return
    const target = at + ARP_PROBE_TARGET
    onMemberProbe(bytes.slice(target, target + 4), readMac(bytes, at + 6), nowMs)
  }

  // --- who is there ------------------------------------------------------------------------------------------------

  #updatePeers(nowMs: number): void {
    const { members } = this.fabric.bridge
    const open = [...this.fabric.trunks.all].filter(({ isOpen }) => isOpen)
    this.multicast.setPeers(members, open, nowMs)
    this.#applyFacts()
    // Created last: there is nobody yet when the fabric is.
    this.lan?.updateMembers(nowMs)
    this.#output.onPeers?.(nowMs)
    this.#output.onWake?.()
  }

  /**
   * Takes over what members say of their ports. Those with stations of others behind them alone get unicast for stations that
   * nobody knows; frames that are too large for a port are answered here.
   * @param facts by node id; of members that say nothing, nothing is assumed but that they have no others behind them
   */
  setMemberFacts(facts: ReadonlyMap<string, MemberPortFacts>): void {
    this.#facts = facts
    this.#applyFacts()
  }

  #applyFacts(): void {
    if (this.#facts === null) return
    const bridging: Member[] = []
    for (const member of this.fabric.bridge.members.all) {
      const facts = this.#facts.get(member.nodeId)
      member.mtu = facts?.mtu ?? Number.POSITIVE_INFINITY
      if (facts?.bridged === true) bridging.push(member)
    }
    this.#bridging = bridging
  }

  /** The VLAN's owner granted this node another bridge priority. */
  setPriority(priority: number, nowMs: number): void {
    this.fabric.setPriority(priority, nowMs)
    this.lan?.setPriority(priority, nowMs)
  }

  /** See `BridgePolicy`; the bridge calls it. */
  removeMember(member: Member): void {
    const port = this.#ports.remove(member)
    if (port !== null) this.guards.removePort(port)
  }

  /**
   * Binds an address to the station that has it, as a lease says: nobody else can claim it.
   * @param mac 48-bit integer
   * @param address is kept, and must not be changed
   * @param owner node id, 16 bytes; null for the TAP's side
   * @returns false where the table is full
   */
  bind(address: Uint8Array, mac: number, owner: Uint8Array | null, nowMs: number): boolean {
    const port = owner === null ? this.guards.tap : this.#ports.ofId(owner)
    return this.guards.bindings.setStatic(address, mac, port, nowMs)
  }

  unbind(address: Uint8Array): void {
    this.guards.bindings.removeStatic(address)
  }

  /** Sends a frame of the switch itself to everybody, the TAP left out. @param frame at most `MAX_OWN_FRAME_BYTES` */
  sendToTree(frame: Uint8Array): void {
    this.fabric.sendToTree(this.#ownFrame.batchOf(frame))
  }

  // --- control -------------------------------------------------------------------------------------------------------

  readonly #receiveControl = (
    from: FabricTrunk,
    bytes: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
  ): void => {
    const type = bytes[offset]
    const { onControl } = this.#output
    if (type === CONTROL_MULTICAST_REPORT) this.multicast.receiveControl(bytes, offset, length, from, nowMs)
    else if (type === CONTROL_LEASE_GOSSIP && onControl !== undefined)
      onControl(from, bytes, offset, length, nowMs)
    else this.fabric.drops['control-unknown']++
  }

  /** Sends a control message to a neighbour; nothing where there is no trunk any more. */
  sendControl(nodeId: Uint8Array, message: Uint8Array, nowMs: number): void {
    const trunk = this.fabric.trunks.find(nodeId, 0)
    if (trunk !== null) this.fabric.sendControl(trunk, message, nowMs)
  }

  // --- clock ---------------------------------------------------------------------------------------------------------

  /** When `tick` has something to do; may be sooner after `onWake`. */
  nextTickMs(nowMs: number): number {
    const { fabric, multicast, guards } = this
    const lanMs = this.#lan?.nextTickMs() ?? Number.POSITIVE_INFINITY
    const dueMs = Math.min(fabric.nextTickMs(nowMs), multicast.dueMs(nowMs), guards.bindings.dueMs)
    return Math.min(dueMs, lanMs, this.#sweepMs)
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs
    const { fabric, multicast, guards } = this
    this.#lan?.tick(nowMs)
    if (guards.bindings.dueMs <= nowMs) guards.bindings.tick(nowMs)
    if (multicast.dueMs(nowMs) <= nowMs) multicast.tick(nowMs)
    if (fabric.nextTickMs(nowMs) <= nowMs) fabric.tick(nowMs)
    if (this.#sweepMs > nowMs) return
    this.#sweepMs = nowMs + SWEEP_MS
    guards.bindings.sweep(nowMs)
  }
}

/** What a frame to a group is, as far as storms go; null targets are of a frame that cannot be parsed. */
function trafficOf(targets: MulticastTargets<Peer> | null): GuardTraffic {
  if (targets === null) return 'multicast'
  if (targets.kind === 'broadcast') return 'broadcast'
  return targets.kind === 'group' && !targets.everybody ? 'stream' : 'multicast'
}
