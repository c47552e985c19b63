import { memberMac } from '@wakunet/addressing'
import type { PortInfo, VlanInfo, VlanMember, VlanMembership } from '@wakunet/bus'
import { macFromString, readMac } from '@wakunet/ethernet'
import { nodeIdFromBytes, nodeIdToBytes, vlanIdToBytes } from '@wakunet/identity'
import type { Clock, LaneConnection, Logger, NodeId, VlanId } from '@wakunet/interface'
import { BOOT_NONCE_BYTES } from '@wakunet/record'
import { GUARD_NAMES } from '@wakunet/switching'
import type { VlanSwitchConfig } from './config.ts'
import { FramePath } from './frame-path.ts'
import { GuardLog } from './guard-log.ts'
import { bridgePortMac, lanHelloMac } from './lan-mac.ts'
import { PortAddresses } from './port-addresses.ts'
import { PortClock } from './port-clock.ts'
import { newPortDrops, type PortCounters, type PortDrops, sumOf } from './port-counters.ts'
import { querierOf } from './querier.ts'
import { type Random, randomUint32, randomUnit } from './random.ts'
import { type OpenTap, TapKeeper } from './tap-keeper.ts'
import { VlanTrunks } from './vlan-trunks.ts'

export interface VlanPortComponents {
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
  /** CIDR form; null for an automatic address. */
  readonly manualAddress4: string | null
  /** Automatic attempt to begin with. */
  readonly addressAttempt: number
  /** A Linux bridge that the TAP is a port of; null for none. */
  readonly bridge: string | null
  readonly hostname: string
  readonly config: Omit<VlanSwitchConfig, 'hostname' | 'maxVlans'>
}

/** One joined VLAN: its TAP, the way of its frames, its members and this node's addresses. */
export class VlanPort {
  readonly vlanId: VlanId
  readonly interfaceName: string
  readonly mtu: number
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
  readonly #addresses: PortAddresses
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
    this.manualAddress4 = init.manualAddress4
    this.bridge = init.bridge
    this.mac = memberMac(this.vlanId, nodeId)
    this.#init = init
    this.#clock = components.clock
    this.#logger = components.logger
    // Of its own for each port: a VLAN that is left and joined again begins its sequence anew.
    this.#bootNonce = components.random(BOOT_NONCE_BYTES)
    this.#addresses = this.#createAddresses()
    this.path = this.#createPath(components)
    const { datapath } = this.path
    this.#trunks = new VlanTrunks(datapath.fabric)
    this.#guardLog = new GuardLog(components, init.interfaceName)
    this.#portClock = new PortClock({
      clock: components.clock,
      nextMs: (nowMs) => datapath.nextTickMs(nowMs),
      tick: (nowMs) => datapath.tick(nowMs),
    })
    this.#tap = new TapKeeper(components, {
      name: init.interfaceName,
      mac: init.bridge === null ? this.mac : bridgePortMac(this.mac),
      mtu: init.mtu,
      addresses: this.#ownAddresses,
      bridge: init.bridge,
      onTap: (tap) => this.path.attach(tap),
    })
  }

  #createPath(components: VlanPortComponents): FramePath {
    const { vlan, nodeId, config, bridge } = this.#init
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
        hashSeed: randomUint32(random),
        random: () => randomUnit(random),
        speaker: querierOf(this.vlanId),
        neighbourProxy: config.neighbourProxy,
        multicast: { snooping: config.multicastSnooping },
        ...(bridge !== null && {
          guards: { isBridged: true },
          lan: { helloMac: macFromString(lanHelloMac(this.mac)) },
        }),
      },
      { onWake: () => this.#portClock?.wake(), onPeers: () => this.onPeers?.() },
    )
    for (const name of GUARD_NAMES) path.datapath.guards.switch(name, config.guards[name])
    return path
  }

  #createAddresses(): PortAddresses {
    const { vlan, nodeId, manualAddress4, addressAttempt } = this.#init
    return new PortAddresses(
      {
        vlanId: this.vlanId,
        nodeId,
        subnet4: vlan.subnet4,
        subnet6: vlan.subnet6,
        mac: this.mac,
        manual4: manualAddress4,
        attempt: addressAttempt,
      },
      this.#clock.monotonicMs(),
    )
  }

  /** The record as it was heard last. */
  get vlan(): VlanInfo {
    return this.#vlan
  }

  /** Takes over a newer record with the same subnets. */
  setVlan(vlan: VlanInfo): void {
    this.#vlan = vlan
  }

  /** In CIDR form; the port of a bridge has none. */
  get #ownAddresses(): readonly string[] {
    return this.bridge === null ? this.#addresses.all : []
  }

  /** Automatic attempt to begin with the next time. */
  get addressAttempt(): number {
    return this.#addresses.mode === 'auto' ? this.#addresses.attempt : this.#init.addressAttempt
  }

  get members(): readonly VlanMember[] {
    return this.#members
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
    this.#portClock.stop()
    return this.#tap.close()
  }

  /** Before the TAP is opened and announced: keeps off automatic addresses that members have. */
  avoidAddressesOf(members: readonly VlanMember[]): void {
    this.#addresses.avoid(this.#others(members))
    this.#tap.setAddresses(this.#ownAddresses)
  }

  /** Takes over the members of the VLAN that have a trunk to this node. */
  setMembers(members: readonly VlanMember[]): void {
    const nowMs = this.#clock.monotonicMs()
    this.#members = this.#others(members)
    this.#trunks.update(this.#members, nowMs)
    if (this.bridge !== null) return
    const before = this.#addresses.all[0]
    if (!this.#addresses.settle(this.#members, nowMs)) return
    const now = this.#addresses.all[0]
    this.#logger.warn('another member has this address, moved on', {
      interface: this.interfaceName,
      before,
      now,
    })
    this.#tap.setAddresses(this.#addresses.all)
    this.onChanged?.()
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
      addresses: [...this.#ownAddresses],
      addressAttempt: this.#addresses.attempt,
      hostname: this.#init.hostname,
    }
  }

  /** Tells in the log what guards have kept out; called every few seconds. */
  report(): void {
    this.#guardLog.report(this.path.datapath.guards.drops)
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
      addressConflicts: this.#addresses.conflicts,
      addressMoves: this.#addresses.moves,
      tapFailures: this.#tap.failures,
    }
  }

  drops(): PortDrops {
    const { writeRefused, writeDropped } = this.#tap.totals
    return {
      ...newPortDrops(),
      ...this.path.drops(),
      'tap-refused': writeRefused,
      'tap-full': writeDropped,
    }
  }

  info(): PortInfo {
    const { framesIn, framesOut, bytesIn, bytesOut } = this.counters()
    const { vlan } = this
    return {
      vlanId: this.vlanId,
      ref: vlan.ref,
      name: vlan.name,
      interface: this.interfaceName,
      mac: this.mac,
      mtu: this.mtu,
      addresses: [...this.#ownAddresses],
      addressMode: this.bridge === null ? this.#addresses.mode : 'none',
      state: this.#tap.isUp ? 'up' : 'failed',
      lastError: this.#tap.lastError ?? this.#addresses.conflict,
      members: this.path.datapath.fabric.bridge.members.size,
      fdbEntries: this.path.datapath.fabric.bridge.fdbSize,
      framesIn,
      framesOut,
      bytesIn,
      bytesOut,
      framesDropped: sumOf(this.drops()),
      ...this.#lanInfo(),
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
