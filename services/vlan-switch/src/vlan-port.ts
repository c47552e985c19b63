import { type AddressMode, type MemberFacts, memberMac } from '@wakunet/addressing'
import type { Bus, KnownMember, PortInfo, VlanInfo, VlanMember, VlanMembership } from '@wakunet/bus'
import { macFromString, readMac } from '@wakunet/ethernet'
import { nodeIdFromBytes, nodeIdToBytes, vlanIdToBytes } from '@wakunet/identity'
import type { Clock, LaneConnection, Logger, NodeId, VlanId } from '@wakunet/interface'
import { BOOT_NONCE_BYTES } from '@wakunet/record'
import {
  GrantedPriorities,
  GUARD_NAMES,
  type Member,
  type RelayBudget,
  type TagPolicy,
  type VlanFabric,
} from '@wakunet/switching'
import type { VlanSwitchConfig } from './config.ts'
import { FramePath } from './frame-path.ts'
import { GuardLog } from './guard-log.ts'
import { knownMembers } from './known-members.ts'
import { bridgePortMac, lanHelloMac } from './lan-mac.ts'
import { PortAddressing } from './port-addressing.ts'
import { PortClock } from './port-clock.ts'
import { newPortDrops, type PortCounters, type PortDrops, sumOf } from './port-counters.ts'
import { querierOf } from './querier.ts'
import { type Random, randomUint32, randomUnit } from './random.ts'
import { announcedCiphers } from './sealing/ciphers.ts'
import { generateSealingKeyPair } from './sealing/pair-keys.ts'
import { RecordSealing } from './sealing/record-sealing.ts'
import { type OpenTap, TapKeeper } from './tap-keeper.ts'
import { VlanTrunks } from './vlan-trunks.ts'

export interface VlanPortComponents {
  readonly bus: Pick<Bus, 'request'>
  readonly lane: Pick<LaneConnection, 'send'>
  readonly clock: Clock
  readonly logger: Logger
  readonly random: Random
  readonly openTap: OpenTap
}

export interface VlanPortInit {
  readonly vlan: VlanInfo
  readonly nodeId: NodeId
  readonly interfaceName: string
  readonly mtu: number
  readonly addressMode: AddressMode
  /** CIDR form, for mode `manual`; else null. */
  readonly manualAddress4: string | null
  /** Automatic attempt to begin with. */
  readonly addressAttempt: number
  /** Addresses that members are known to have, CIDR form: an automatic one keeps off them. */
  readonly takenAddresses: readonly string[]
  /** A Linux bridge that the TAP is a port of; null for none. */
  readonly bridge: string | null
  readonly hostname: string
  readonly config: Omit<VlanSwitchConfig, 'hostname' | 'maxVlans' | 'relay'>
  /** What is passed on for others, in all VLANs together. */
  readonly relay: RelayBudget
}

/** Announced as the attempt of an address that a person has chosen; automatic ones stay below it. */
/** Ways to one member that are told. */
const MAX_NEXT_HOPS = 8
const MANUAL_ATTEMPT = 65_535

/** One joined VLAN: its TAP, the way of its frames, its members and this node's addresses. */
export class VlanPort {
  readonly vlanId: VlanId
  readonly interfaceName: string
  readonly mtu: number
  readonly addressMode: AddressMode
  readonly manualAddress4: string | null
  readonly bridge: string | null
  readonly mac: string
  readonly path: FramePath
  /** Called when what is announced of this port has changed. */
  onChanged: (() => void) | null = null
  /** Called when members, or the trunks of the tree, have changed. */
  onPeers: (() => void) | null = null
  readonly #init: VlanPortInit
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #bootNonce: Uint8Array
  readonly #granted: GrantedPriorities
  readonly #sealing: RecordSealing
  readonly #addressing: PortAddressing
  readonly #trunks: VlanTrunks
  readonly #portClock: PortClock
  readonly #guardLog: GuardLog
  readonly #tap: TapKeeper
  #vlan: VlanInfo
  #members: readonly VlanMember[] = []

  constructor(components: VlanPortComponents, init: VlanPortInit) {
    const { vlan, nodeId } = init
    this.#vlan = vlan
    this.vlanId = vlan.id as VlanId
    this.interfaceName = init.interfaceName
    this.mtu = init.mtu
    this.addressMode = init.addressMode
    this.manualAddress4 = init.manualAddress4
    this.bridge = init.bridge
    this.mac = memberMac(this.vlanId, nodeId)
    this.#init = init
    this.#clock = components.clock
    this.#logger = components.logger
    // Of its own for each port: a VLAN that is left and joined again begins its sequence anew.
    this.#bootNonce = components.random(BOOT_NONCE_BYTES)
    this.#granted = new GrantedPriorities(vlan.priorities)
    this.#sealing = this.#createSealing()
    this.path = this.#createPath(components)
    const { datapath } = this.path
    this.#addressing = this.#createAddressing(components)
    const { addressing } = this.#addressing
    this.#trunks = new VlanTrunks(datapath.fabric)
    this.#guardLog = new GuardLog(components, init.interfaceName)
    this.#portClock = new PortClock({
      clock: components.clock,
      nextMs: (nowMs) => Math.min(datapath.nextTickMs(nowMs), this.#addressing.dueMs(nowMs)),
      tick: (nowMs) => {
        datapath.tick(nowMs)
        if (this.#addressing.dueMs(nowMs) <= nowMs) this.#addressing.tick(nowMs)
      },
    })
    this.#tap = new TapKeeper(components, {
      name: init.interfaceName,
      mac: init.bridge === null ? this.mac : bridgePortMac(this.mac),
      mtu: init.mtu,
      addresses: addressing.claimedAddresses,
      bridge: init.bridge,
      onTap: (tap) => this.path.attach(tap),
    })
  }

  #createSealing(): RecordSealing {
    const { nodeId, config } = this.#init
    return new RecordSealing({
      vlanId: vlanIdToBytes(this.vlanId),
      nodeId: nodeIdToBytes(nodeId),
      bootNonce: this.#bootNonce,
      keyPair: generateSealingKeyPair(),
      ciphers: config.sealing.enabled ? announcedCiphers(config.sealing.cipher) : 0,
      isMember: (id) => this.fabric.bridge.members.find(id, 0) !== null,
    })
  }

  #createPath(components: VlanPortComponents): FramePath {
    const { vlan, nodeId, config, bridge, relay } = this.#init
    const { random, clock } = components
    const tapMac = macFromString(this.mac)
    const path = new FramePath(
      components,
      {
        vlanId: vlanIdToBytes(this.vlanId),
        nodeId: nodeIdToBytes(nodeId),
        bootNonce: this.#bootNonce,
        mac: readMac(tapMac, 0),
        tapMac,
        macOf: (id) => readMac(macFromString(memberMac(this.vlanId, nodeIdFromBytes(id))), 0),
        mtu: vlan.mtu,
        fdb: {
          ageingMs: config.fdb.ageingMs,
          maxEntries: config.fdb.maxEntries,
          maxEntriesPerPort: config.fdb.maxEntriesPerMember,
        },
        firstSequence: clock.wallMs(),
        firstNumber: randomUint32(random),
        relay,
        ...(config.sealing.enabled && { sealer: this.#sealing }),
        hashSeed: randomUint32(random),
        random: () => randomUnit(random),
        speaker: querierOf(this.vlanId),
        tree: this.#granted.treeInit(nodeIdToBytes(nodeId)),
        neighbourProxy: config.neighbourProxy,
        multicast: { snooping: config.multicastSnooping, wallMs: () => clock.wallMs() },
        isForStation: (bytes, at, length) => this.#addressing.addressing.isForStation(bytes, at, length),
        isFromStation: (bytes, at, length) => this.#addressing.addressing.isFromStation(bytes, at, length),
        guards: { isBridged: bridge !== null, tagPolicy: tagPolicyOf(vlan) },
        ...(bridge !== null && {
          lan: {
            helloMac: macFromString(lanHelloMac(this.mac)),
            priority: this.#granted.of(nodeIdToBytes(nodeId)),
          },
        }),
      },
      {
        onWake: this.#wake,
        onPeers: (nowMs) => {
          this.#addressing?.updatePeers(nowMs)
          this.onPeers?.()
        },
        onLocalFrame: (bytes, at, length, nowMs) => {
          this.#addressing.addressing.fromTap(bytes, at, length, nowMs)
          this.#wake()
        },
        onControl: (from, bytes, offset, length, nowMs) => {
          this.#addressing.addressing.receiveControl(bytes, offset, length, from, nowMs)
          this.#wake()
        },
        onMemberProbe: (address, mac, nowMs) => {
          this.#addressing.addressing.noteMemberProbe(address, mac, nowMs)
          this.#wake()
        },
        onTapHost: (address, mac, nowMs) => {
          this.#addressing.addressing.noteTapHost(address, mac, nowMs)
          this.#wake()
        },
      },
    )
    for (const name of GUARD_NAMES) path.datapath.guards.switch(name, config.guards[name])
    return path
  }

  #createAddressing(components: VlanPortComponents): PortAddressing {
    const { vlan, nodeId, mtu, addressMode, manualAddress4, addressAttempt, hostname, bridge } = this.#init
    return new PortAddressing(components, {
      vlan,
      nodeId,
      mac: this.mac,
      mtu,
      mode: addressMode,
      manual4: manualAddress4,
      attempt: addressAttempt,
      avoid: this.#init.takenAddresses,
      hostname,
      bridged: bridge !== null || addressMode === 'none',
      datapath: this.path.datapath,
      sealing: this.#sealing,
      onAddresses: this.#onAddresses,
      onReaddress: () => this.#tap?.flapCarrier(),
      onWake: this.#wake,
    })
  }

  readonly #wake = (): void => {
    this.#portClock?.wake()
  }

  /** The switch has taken other addresses for the interface. */
  readonly #onAddresses = (addresses: readonly string[]): void => {
    // The first ones go with the TAP when it is opened.
    if (this.#tap === undefined) return
    this.#logger.warn('the addresses of the interface have changed', {
      interface: this.interfaceName,
      addresses,
    })
    this.#tap.setAddresses(addresses)
    this.onChanged?.()
  }

  /** The record as it was heard last. */
  get vlan(): VlanInfo {
    return this.#vlan
  }

  /** Takes over a newer record with the same subnets. */
  setVlan(vlan: VlanInfo): void {
    this.#vlan = vlan
    const nowMs = this.#clock.monotonicMs()
    this.#addressing.addressing.setPlan(vlan, nowMs)
    const { datapath } = this.path
    datapath.guards.tag.setPolicy(tagPolicyOf(vlan))
    this.#granted.set(vlan.priorities)
    datapath.setPriority(this.#granted.of(nodeIdToBytes(this.#init.nodeId)), nowMs)
    this.#wake()
  }

  /** Automatic attempt to begin with the next time. */
  get addressAttempt(): number {
    return this.#addressing.addressing.attempt
  }

  get members(): readonly VlanMember[] {
    return this.#members
  }

  get fabric(): VlanFabric {
    return this.path.datapath.fabric
  }

  /** What a member has announced of itself. @param id node id, 16 bytes */
  announcedBy(id: Uint8Array): MemberFacts | null {
    return this.#addressing.addressing.memberOf(id)
  }

  get isUp(): boolean {
    return this.#tap.isUp
  }

  /** Opens the TAP. @throws WakunetError what `openTap` throws; nothing is open then */
  open(signal?: AbortSignal): Promise<void> {
    this.#portClock.start()
    return this.#tap.open(signal)
  }

  /** The same, but a failure is noted and tried again later. */
  openOrRetry(): Promise<void> {
    this.#portClock.start()
    return this.#tap.openOrRetry()
  }

  /** Closes the TAP for good. */
  close(): Promise<void> {
    this.path.datapath.lan?.leave(this.#clock.monotonicMs())
    this.#addressing.close()
    this.#portClock.stop()
    this.#sealing.close()
    return this.#tap.close()
  }

  /** Takes over the members of the VLAN that have a trunk to this node. */
  setMembers(members: readonly VlanMember[]): void {
    const nowMs = this.#clock.monotonicMs()
    this.#members = this.#others(members)
    this.#trunks.update(this.#members, nowMs)
  }

  /** Where this node takes trunks: members tell it each other. */
  setTrunkAddresses(multiaddrs: readonly string[]): void {
    this.#addressing.addressing.setTrunkAddresses(multiaddrs, this.#clock.monotonicMs())
    this.#wake()
  }

  get leases(): { own: number; known: number } {
    const { ownLeases, claims } = this.#addressing.addressing.stats
    return { own: ownLeases, known: claims }
  }

  /** Every member that can be reached, those without a trunk to this node too. Others are remembered for a while. */
  knownMembers(): KnownMember[] {
    return knownMembers(
      this.vlanId,
      this.#reachedMembers(),
      this.#members,
      this.#addressing.addressing,
      this.#sealing,
      (id) => this.#nextHopsOf(id),
    )
  }

  /** Node ids of the trunks over which equally short ways lead; a flow takes one of them. */
  #nextHopsOf(id: Uint8Array): string[] {
    const now = this.#clock.monotonicMs()
    const hops = new Set<string>()
    for (let flow = 0; flow < MAX_NEXT_HOPS; flow++) {
      const hop = this.fabric.linkState.nextHop(id, 0, flow, now)
      if (hop !== null) hops.add(Buffer.from(hop.id).toString('hex'))
    }
    return [...hops]
  }

  /** Members that some way leads to; who is out of reach is remembered for a while. */
  #reachedMembers(): Member[] {
    return this.fabric.bridge.members.all.filter(({ id }) => this.reaches(id))
  }

  /** Whether some way over trunks of members leads to a member. @param id node id, 16 bytes */
  reaches(id: Uint8Array): boolean {
    return this.fabric.linkState.distanceTo(id, 0, this.#clock.monotonicMs()) !== null
  }

  #others(members: readonly VlanMember[]): VlanMember[] {
    return members.filter((member) => member.nodeId !== this.#init.nodeId)
  }

  /** What is announced of this node in the VLAN. */
  membership(): VlanMembership {
    return {
      vlanId: this.vlanId,
      bootNonce: Buffer.from(this.#bootNonce).toString('hex'),
      mac: this.mac,
      addresses: [...this.#addressing.addressing.ownAddresses],
      addressAttempt: this.addressMode === 'manual' ? MANUAL_ATTEMPT : this.addressAttempt,
      hostname: this.#init.hostname,
    }
  }

  /** Tells in the log what guards have kept out; called every few seconds. */
  report(): void {
    const { guards, fabric } = this.path.datapath
    this.#guardLog.report({ ...guards.drops, ...fabric.bridge.drops })
  }

  counters(): PortCounters {
    const { path } = this
    const { fabric, guards, multicast, proxy, pathMtu } = path.datapath
    const { fdbStats } = fabric.bridge
    const bindings = guards.bindings.stats
    const lan = this.path.datapath.lan?.stats
    const taps = this.#tap.totals
    return {
      framesIn: taps.framesWritten,
      bytesIn: taps.bytesWritten,
      framesOut: taps.framesRead,
      bytesOut: taps.bytesRead,
      recordsIn: path.recordsIn,
      recordsOut: path.recordsOut,
      framesFinished: path.framesFinished,
      recordsPassedOn: fabric.stats.transits,
      controlRecordsOut: fabric.stats.controlRecordsSent,
      recordsSealed: fabric.stats.sealed,
      recordsOpened: fabric.stats.opened,
      recordsRelayed: fabric.stats.relayed,
      bytesRelayed: fabric.stats.relayedBytes,
      macsLearned: fdbStats.learned,
      macsMoved: fdbStats.moved,
      macsAged: fdbStats.aged,
      macsContested: fdbStats.contested,
      macsRefused: fdbStats.refusedFull + fdbStats.refusedPortFull,
      membersRefused: fabric.bridge.stats.membersRefused,
      topologyChanges: fabric.tree.stats.topologyChanges,
      rootChanges: fabric.tree.stats.rootChanges,
      tooBigAnswered: pathMtu.stats.answered,
      framesFragmented: pathMtu.stats.fragmented,
      neighboursAnswered: proxy.answered,
      bindingsLearned: bindings.learned,
      bindingsMoved: bindings.moved,
      bindingConflicts: bindings.conflicts,
      groupQueriesOut: multicast.snooper.stats.queriesSent,
      groupReportsIn: multicast.snooper.stats.reportsHeard,
      lanTakeovers: lan?.takeovers ?? 0,
      lanYields: lan?.yields ?? 0,
      lanLapses: lan?.lapses ?? 0,
      lanHellosIn: lan?.hellosReceived ?? 0,
      lanHellosOut: lan?.hellosSent ?? 0,
      ...this.#addressing.counters(),
      tapFailures: this.#tap.failures,
    }
  }

  drops(): PortDrops {
    const { writeRefused, writeDropped } = this.#tap.totals
    return {
      ...newPortDrops(),
      ...this.path.drops(),
      ...this.#addressing.drops(),
      'tap-refused': writeRefused,
      'tap-full': writeDropped,
    }
  }

  info(): PortInfo {
    const { framesIn, framesOut, bytesIn, bytesOut } = this.counters()
    const { vlan } = this
    const { addressing } = this.#addressing
    return {
      vlanId: this.vlanId,
      ref: vlan.ref,
      name: vlan.name,
      interface: this.interfaceName,
      mac: this.mac,
      mtu: this.mtu,
      addresses: [...addressing.ownAddresses],
      addressMode: this.addressMode,
      state: this.#tap.isUp ? 'up' : 'failed',
      lastError: this.#tap.lastError ?? addressing.conflict,
      members: this.#reachedMembers().length,
      fdbEntries: this.path.datapath.fabric.bridge.fdbSize,
      framesIn,
      framesOut,
      bytesIn,
      bytesOut,
      framesDropped: sumOf(this.drops()),
      relay: this.#relayInfo(),
      ...this.#lanInfo(),
    }
  }

  #relayInfo(): PortInfo['relay'] {
    const { stats, drops } = this.fabric
    return {
      enabled: this.#init.relay.enabled,
      records: stats.relayed,
      bytes: stats.relayedBytes,
      dropped: drops['relay-off'] + drops['relay-rate'],
    }
  }

  #lanInfo(): Pick<PortInfo, 'lan'> {
    const { lan } = this.path.datapath
    if (lan === null || this.bridge === null) return {}
    const nowMs = this.#clock.monotonicMs()
    const forwarder = lan.forwarder(nowMs)
    return {
      lan: {
        bridge: this.bridge,
        forwarding: lan.isForwarding(nowMs),
        forwarder: forwarder === null ? null : nodeIdFromBytes(forwarder),
        neighbours: lan.neighbours(nowMs).map(nodeIdFromBytes),
      },
    }
  }
}

/** A VLAN whose record says nothing carries no tags. */
function tagPolicyOf({ tags }: VlanInfo): TagPolicy {
  if (tags === undefined || tags.mode === 'none') return { mode: 'none' }
  return tags.mode === 'carry' ? { mode: 'carry' } : { mode: 'filter', vids: tags.vids ?? [] }
}
