import type { Bus, PortInfo, ReplyOf, RequestOf, VlanInfo, VlanMember } from '@wakunet/bus'
import { nodeIdToBytes, vlanIdToBytes } from '@wakunet/identity'
import {
  type Clock,
  type LaneClient,
  type Logger,
  type NodeId,
  type Startable,
  type Timer,
  type VlanId,
  WakunetError,
} from '@wakunet/interface'
import { formatMac, RelayBudget } from '@wakunet/switching'
import { BusApi } from './bus-api.ts'
import type { VlanSwitchConfig } from './config.ts'
import { type HostNetwork, overlapOf, subnetOverlap } from './host-networks.ts'
import { type JoinRequest, openJoinedPort, planJoin } from './join.ts'
import { type JoinedVlan, JoinedVlans } from './joined-vlans.ts'
import {
  addCounters,
  newPortCounters,
  newPortDrops,
  type PortCounters,
  type PortDrops,
} from './port-counters.ts'
import type { Random } from './random.ts'
import { RecordReceiver } from './record-receiver.ts'
import { SerialQueue } from './serial-queue.ts'
import type { OpenTap } from './tap-keeper.ts'
import { treeInfo } from './tree-info.ts'
import { TrunkControl } from './trunk-control.ts'
import { type BusyPair, TrunkUsage } from './trunk-usage.ts'
import { VlanPort, type VlanPortInit } from './vlan-port.ts'
import { findVlan, notJoined } from './vlan-ref.ts'

export interface VlanSwitchComponents {
  readonly bus: Bus
  /** Attached under `init.lane`; started and stopped by whoever made it. */
  readonly lane: LaneClient
  readonly clock: Clock
  readonly logger: Logger
  readonly random: Random
  readonly openTap: OpenTap
  /** Networks of the host, which no VLAN may overlap unasked; absent: none. */
  readonly hostNetworks?: () => readonly HostNetwork[]
}

export interface VlanSwitchInit {
  readonly config: VlanSwitchConfig
  /** Directory of the list of joined VLANs; null keeps it in memory. */
  readonly stateDir: string | null
  /** Name of the host, for members to see. At most 64 characters. */
  readonly hostname: string
}

export interface VlanSwitchStatus {
  readonly started: boolean
  readonly nodeId: NodeId | null
  readonly busConnected: boolean
  readonly laneConnected: boolean
  readonly portsUp: number
  readonly portsFailed: number
}

const REPORT_MS = 10_000
/** How often it is looked what trunks are used for; a change of a tree is told this long after it. */
const USAGE_MS = 2_000
const USAGE_DELAY_MS = 20
const MAX_FDB_SHOWN = 4_096

/** The switch of a host: one port for each joined VLAN, behind the bus contract. */
export class VlanSwitch implements Startable {
  readonly receiver = new RecordReceiver()
  readonly #components: VlanSwitchComponents
  readonly #init: VlanSwitchInit
  readonly #bootNonce: Uint8Array
  readonly #joinedVlans: JoinedVlans
  readonly #control: TrunkControl
  readonly #api: BusApi
  /** Joining, leaving and a change of identity happen one after another. */
  readonly #changes = new SerialQueue()
  readonly #ports = new Map<VlanId, VlanPort>()
  readonly #pastCounters = newPortCounters()
  readonly #pastDrops = newPortDrops()
  #nodeId: NodeId | null = null
  /** Multiaddrs under which members can reach this node. */
  #trunkAddresses: readonly string[] = []
  readonly #usage: TrunkUsage
  /** What is passed on for others in all VLANs together. */
  readonly #relay: RelayBudget
  #reportTimer: Timer | null = null
  #usageTimer: Timer | null = null
  /** Set while a change of a tree waits to be told. */
  #usageSoonTimer: Timer | null = null
  #started = false
  /** Ends whatever a change waits for when the switch stops. */
  #stopping = new AbortController()

  constructor(components: VlanSwitchComponents, init: VlanSwitchInit) {
    this.#components = components
    this.#init = init
    this.#bootNonce = components.random(8)
    this.#usage = new TrunkUsage(components.clock)
    this.#relay = new RelayBudget(init.config.relay, components.clock.monotonicMs())
    this.#joinedVlans = new JoinedVlans(init.stateDir, components.clock)
    this.#control = new TrunkControl(
      { ...components, logger: components.logger.child('trunk-control') },
      {
        announcement: () => this.#announcement(),
        onNodeId: (nodeId) => this.#learnNodeId(nodeId),
        onMembers: (vlanId, members) => this.#ports.get(vlanId)?.setMembers(members),
        onVlan: (vlan) => this.#renewVlan(vlan),
        onAddresses: (addresses) => this.#learnTrunkAddresses(addresses),
      },
    )
    this.#api = new BusApi(components.bus, this)
  }

  get status(): VlanSwitchStatus {
    const portsUp = [...this.#ports.values()].filter((port) => port.isUp).length
    return {
      started: this.#started,
      nodeId: this.#nodeId,
      busConnected: this.#components.bus.connected,
      laneConnected: this.#components.lane.connected,
      portsUp,
      portsFailed: this.#ports.size - portsUp,
    }
  }

  /** @throws WakunetError `ERR_STATE_DAMAGED`, `ERR_SYSTEM_CALL` */
  async start(): Promise<void> {
    if (this.#started) return
    this.#started = true
    this.#stopping = new AbortController()
    try {
      const state = await this.#joinedVlans.load()
      this.#nodeId = state.nodeId as NodeId | null
      if (this.#nodeId !== null) await this.#rejoin(this.#nodeId, state.joined)
    } catch (error) {
      this.#started = false
      await this.#removeAllPorts()
      throw error
    }
    const { lane, clock } = this.#components
    lane.onMessage = (message) => this.receiver.receive(message)
    this.#reportTimer = clock.setInterval(() => this.#report(), REPORT_MS)
    this.#usageTimer = clock.setInterval(() => this.#tellUsage(), USAGE_MS)
    this.#api.start()
    this.#control.start()
  }

  async stop(): Promise<void> {
    if (!this.#started) return
    this.#started = false
    this.#stopping.abort(new WakunetError('ERR_NOT_STARTED', 'vlan-switch was stopped meanwhile'))
    this.#api.stop()
    this.#control.stop()
    for (const timer of [this.#reportTimer, this.#usageTimer, this.#usageSoonTimer]) timer?.cancel()
    this.#reportTimer = null
    this.#usageTimer = null
    this.#usageSoonTimer = null
    await this.#changes.idle()
    this.#components.lane.onMessage = null
    await this.#removeAllPorts()
  }

  /** @throws WakunetError for wrong input, or where trunk-peer or the kernel cannot do it */
  join(request: RequestOf<'switch.join'>): Promise<PortInfo> {
    return this.#changes.run(async () => {
      const { signal } = this.#stopping
      const nodeId = await this.#requireNodeId()
      const limits = { maxVlans: this.#init.config.maxVlans, signal }
      const plan = await planJoin(this.#components.bus, request, this.#vlans(), limits)
      if (request.allowOverlap !== true) this.#assertNoOverlap(plan)
      const members = await this.#control.askMembers(plan.vlan.id as VlanId)
      const port = await this.#openPort(nodeId, plan, members, signal)
      try {
        this.#addPort(port)
        await this.#save()
      } catch (error) {
        await this.#removePort(port)
        throw error
      }
      port.setMembers(members)
      this.#control.announce()
      this.#components.logger.info('joined', { vlan: port.vlan.name, id: port.vlanId })
      return port.info()
    })
  }

  /** An interface without addresses of its own takes none away. */
  #assertNoOverlap({ vlan, addressMode }: JoinRequest): void {
    if (addressMode === 'none') return
    const own = [...this.#ports.values()].map(({ interfaceName }) => interfaceName)
    const overlap = overlapOf(vlan, this.#components.hostNetworks?.() ?? [], own)
    if (overlap !== null) throw subnetOverlap(vlan, overlap)
  }

  #openPort(
    nodeId: NodeId,
    plan: JoinRequest,
    members: readonly VlanMember[],
    signal: AbortSignal,
  ): Promise<VlanPort> {
    return openJoinedPort(plan, [...this.#ports.values()], signal, (interfaceName) =>
      this.#createPort({
        ...this.#portInit(nodeId),
        vlan: plan.vlan,
        interfaceName,
        mtu: plan.mtu,
        addressMode: plan.addressMode,
        manualAddress4: plan.address4,
        addressAttempt: 0,
        takenAddresses: members.filter((one) => one.nodeId !== nodeId).flatMap(({ addresses }) => addresses),
        bridge: plan.bridge,
      }),
    )
  }

  /** @throws WakunetError `ERR_VLAN_NOT_JOINED`, `ERR_VLAN_NAME_AMBIGUOUS`, `ERR_SYSTEM_CALL` */
  leave(text: string): Promise<ReplyOf<'switch.leave'>> {
    return this.#changes.run(async () => {
      const port = this.#requirePort(text)
      await this.#removePort(port)
      await this.#save()
      this.#control.announce()
      this.#components.logger.info('left', { vlan: port.vlan.name, id: port.vlanId })
      return { vlanId: port.vlanId, interface: port.interfaceName }
    })
  }

  list(): PortInfo[] {
    return [...this.#ports.values()].map((port) => port.info())
  }

  /** @throws WakunetError `ERR_VLAN_NOT_JOINED`, `ERR_VLAN_NAME_AMBIGUOUS` */
  show(text: string): ReplyOf<'switch.show'> {
    const port = this.#requirePort(text)
    const entries = port.path.datapath.fabric.bridge.fdbEntries(
      this.#components.clock.monotonicMs(),
      MAX_FDB_SHOWN,
    )
    return {
      port: port.info(),
      members: port.knownMembers(),
      fdb: [...entries].map(({ mac, member, ageMs }) => ({
        mac: formatMac(mac),
        nodeId: member?.nodeId ?? null,
        ageMs,
      })),
      tree: treeInfo(port.path.datapath.fabric),
      drops: port.drops(),
    }
  }

  /** Which of these nodes no way leads to in a VLAN; all of them in one that is not joined. */
  reach(vlanId: VlanId, nodeIds: readonly string[]): ReplyOf<'switch.reach'> {
    const port = this.#ports.get(vlanId)
    const unreached = nodeIds.filter((nodeId) => !port?.reaches(nodeIdToBytes(nodeId as NodeId)))
    return { unreached }
  }

  /** Of all ports, those that were left included. */
  get counters(): PortCounters {
    const sum = { ...this.#pastCounters }
    for (const port of this.#ports.values()) addCounters(sum, port.counters())
    return sum
  }

  /** Of all ports, those that were left included. */
  get drops(): PortDrops {
    const sum = { ...this.#pastDrops }
    for (const port of this.#ports.values()) addCounters(sum, port.drops())
    return sum
  }

  /** What the tables of all ports hold now. */
  get tables(): { members: number; fdbEntries: number; ownLeases: number; knownLeases: number } {
    const ports = [...this.#ports.values()]
    return {
      members: ports.reduce((sum, port) => sum + port.path.datapath.fabric.bridge.members.size, 0),
      fdbEntries: ports.reduce((sum, port) => sum + port.path.datapath.fabric.bridge.fdbSize, 0),
      ownLeases: ports.reduce((sum, port) => sum + port.leases.own, 0),
      knownLeases: ports.reduce((sum, port) => sum + port.leases.known, 0),
    }
  }

  #vlans(): VlanInfo[] {
    return [...this.#ports.values()].map((port) => port.vlan)
  }

  #requirePort(text: string): VlanPort {
    const vlan = findVlan(text, this.#vlans())
    const port = vlan === null ? undefined : this.#ports.get(vlan.id as VlanId)
    if (port === undefined) throw notJoined(text, this.#vlans())
    return port
  }

  async #requireNodeId(): Promise<NodeId> {
    if (!this.#started) throw new WakunetError('ERR_NOT_STARTED', 'vlan-switch is not started')
    this.#nodeId ??= await this.#control.askNodeId()
    return this.#nodeId
  }

  /** The identity of the node comes from trunk-peer; with another one every MAC and address is another. */
  #learnNodeId(nodeId: NodeId): void {
    if (nodeId === this.#nodeId) return
    const before = this.#nodeId
    this.#nodeId = nodeId
    if (this.#ports.size === 0) return
    this.#components.logger.warn('this node has another identity, rebuilding all interfaces', {
      before,
      nodeId,
    })
    const rebuilt = this.#changes.run(async () => {
      const joined = this.#joined()
      await this.#removeAllPorts()
      await this.#rejoin(nodeId, joined)
      this.#control.announce()
      await this.#save()
    })
    rebuilt.catch((error) => this.#components.logger.error('rebuilding failed', { error }))
  }

  async #rejoin(nodeId: NodeId, joined: readonly JoinedVlan[]): Promise<void> {
    for (const { vlan, mtu, address4, addressAttempt, addressMode, bridge, ...entry } of joined) {
      const port = this.#createPort({
        ...this.#portInit(nodeId),
        vlan,
        mtu,
        addressAttempt,
        bridge: bridge ?? null,
        addressMode: addressMode ?? (bridge !== undefined ? 'none' : address4 === null ? 'auto' : 'manual'),
        manualAddress4: address4,
        takenAddresses: [],
        interfaceName: entry.interface,
      })
      this.#addPort(port)
      await port.openOrRetry()
    }
  }

  #portInit(nodeId: NodeId): Pick<VlanPortInit, 'nodeId' | 'hostname' | 'config' | 'relay'> {
    const { config, hostname } = this.#init
    const shown = (config.hostname === '' ? hostname : config.hostname).slice(0, 64)
    return { nodeId, hostname: shown, config, relay: this.#relay }
  }

  #createPort(init: VlanPortInit): VlanPort {
    const { logger } = this.#components
    return new VlanPort({ ...this.#components, logger: logger.child('port') }, init)
  }

  #learnTrunkAddresses(addresses: readonly string[]): void {
    this.#trunkAddresses = addresses
    for (const port of this.#ports.values()) port.setTrunkAddresses(addresses)
  }

  #addPort(port: VlanPort): void {
    this.#ports.set(port.vlanId, port)
    port.setTrunkAddresses(this.#trunkAddresses)
    this.receiver.add(port.vlanId, vlanIdToBytes(port.vlanId), port.path)
    port.onPeers = () => {
      this.#usageSoonTimer ??= this.#components.clock.setTimeout(() => {
        this.#usageSoonTimer = null
        this.#tellUsage()
      }, USAGE_DELAY_MS)
    }
    port.onChanged = () => {
      this.#control.announce()
      this.#saveSoon()
    }
  }

  /** A newer record of a joined VLAN. Its subnet stays: every address of the port is of it. */
  #renewVlan(vlan: VlanInfo): void {
    const port = this.#ports.get(vlan.id as VlanId)
    if (port === undefined || vlan.sequence <= port.vlan.sequence) return
    const { logger } = this.#components
    const { name, id, sequence } = vlan
    if (vlan.subnet4 !== port.vlan.subnet4 || vlan.subnet6 !== port.vlan.subnet6) {
      logger.warn('the newer record of the VLAN has another subnet: leave the VLAN and join it again', {
        vlan: name,
        id,
        sequence,
      })
      return
    }
    port.setVlan(vlan)
    logger.info('the VLAN has a newer record', { vlan: name, id, sequence })
    this.#saveSoon()
  }

  #saveSoon(): void {
    const saved = this.#changes.run(() => this.#save())
    saved.catch((error) => this.#components.logger.error('the joined VLANs were not saved', { error }))
  }

  async #removePort(port: VlanPort): Promise<void> {
    port.onChanged = null
    port.onPeers = null
    this.receiver.remove(port.vlanId)
    await port.close()
    this.#ports.delete(port.vlanId)
    addCounters(this.#pastCounters, port.counters())
    addCounters(this.#pastDrops, port.drops())
  }

  async #removeAllPorts(): Promise<void> {
    for (const port of [...this.#ports.values()]) await this.#removePort(port)
  }

  #joined(): JoinedVlan[] {
    return [...this.#ports.values()].map((port) => ({
      vlan: port.vlan,
      interface: port.interfaceName,
      mtu: port.mtu,
      address4: port.manualAddress4,
      addressMode: port.addressMode,
      addressAttempt: port.addressAttempt,
      ...(port.bridge !== null && { bridge: port.bridge }),
    }))
  }

  #save(): Promise<void> {
    return this.#joinedVlans.save({ nodeId: this.#nodeId, joined: this.#joined() })
  }

  #announcement(): ReturnType<ConstructorParameters<typeof TrunkControl>[1]['announcement']> {
    const ports = [...this.#ports.values()]
    const lane = this.#components.lane.name
    return {
      memberships: { lane, memberships: ports.map((port) => port.membership()) },
      ports: {
        lane,
        bootNonce: Buffer.from(this.#bootNonce).toString('hex'),
        subnets: ports.flatMap(({ vlan }) => [vlan.subnet4, vlan.subnet6]),
      },
    }
  }

  /** Tells trunk-peer which trunks matter: those that the trees and the traffic of this node need. */
  #tellUsage(): void {
    if (!this.#started) return
    const { bus, lane } = this.#components
    if (!bus.connected) return
    const { used, busy } = this.#usage.look([...this.#ports.values()])
    if (used !== null) bus.publish('switch.trunks.used', { lane: lane.name, trunks: used })
    for (const pair of busy) void this.#askForTrunk(pair)
  }

  /** A pair that has much to do with each other over other members gets a trunk of its own, if trunk-peer has one to spare. */
  async #askForTrunk({ vlanId, nodeId, addresses, publicKey, bytesPerSecond }: BusyPair): Promise<void> {
    const { bus, logger } = this.#components
    try {
      const request = { vlanId, nodeId, addresses: [...addresses], publicKey, bytesPerSecond }
      const { outcome, reason } = await bus.request('trunk.shortcut', request)
      logger.debug('asked for a direct trunk', { vlanId, nodeId, outcome, reason })
    } catch (error) {
      logger.debug('no direct trunk was asked for', { vlanId, nodeId, error })
    }
  }

  #report(): void {
    for (const port of this.#ports.values()) port.report()
  }
}
