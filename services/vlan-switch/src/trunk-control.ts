import type { Bus, PayloadOf, RequestOf, Subscription, VlanInfo, VlanMember } from '@wakunet/bus'
import {
  type Clock,
  type Logger,
  type NodeId,
  type Timer,
  type VlanId,
  WakunetError,
} from '@wakunet/interface'
import { Backoff } from '@wakunet/service-kit'
import { type Random, randomUnit } from './random.ts'

export interface TrunkControlComponents {
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly random: Random
}

export interface TrunkControlInit {
  /** What is announced, asked anew for every attempt. */
  readonly announcement: () => {
    readonly memberships: RequestOf<'trunk.membership.set'>
    readonly ports: PayloadOf<'switch.ports.changed'>
  }
  /** Called when trunk-peer says who this node is; also when nothing has changed. */
  readonly onNodeId: (nodeId: NodeId) => void
  readonly onMembers: (vlanId: VlanId, members: readonly VlanMember[]) => void
  /** Multiaddrs under which peers reach this node; also when they are the same. */
  readonly onAddresses: (addresses: readonly string[]) => void
  /** The record of a VLAN as trunk-peer has it; also when it is not newer. */
  readonly onVlan: (vlan: VlanInfo) => void
}

const RETRY_INITIAL_MS = 500
const RETRY_MAX_MS = 10_000

/**
 * What the switch has to say to trunk-peer and hears from it. Both start in any order and restart at will:
 * everything is told anew when the bus or trunk-peer comes back, and a failed attempt is tried again. What was
 * heard last stays true while nobody says otherwise, so that traffic goes on without the bus.
 */
export class TrunkControl {
  readonly #components: TrunkControlComponents
  readonly #init: TrunkControlInit
  readonly #backoff: Backoff
  #subscriptions: Subscription[] = []
  #retryTimer: Timer | null = null
  #running: Promise<void> | null = null
  #wanted = false
  #started = false
  /** Records may have changed unheard: the bus or trunk-peer was away. */
  #missedRecords = true

  constructor(components: TrunkControlComponents, init: TrunkControlInit) {
    this.#components = components
    this.#init = init
    this.#backoff = new Backoff({
      initialMs: RETRY_INITIAL_MS,
      maxMs: RETRY_MAX_MS,
      random: () => randomUnit(components.random),
    })
  }

  start(): void {
    const { bus } = this.#components
    this.#started = true
    this.#subscriptions = [
      bus.subscribe('trunk.members.changed', ({ vlanId, members }) =>
        this.#init.onMembers(vlanId as VlanId, members),
      ),
      bus.subscribe('directory.changed', ({ vlan }) => this.#init.onVlan(vlan)),
      bus.subscribe('trunk.addresses.changed', ({ addresses }) => this.#init.onAddresses(addresses)),
      bus.subscribe('trunk.started', () => this.#announceAnew()),
      bus.onConnected(() => this.#announceAnew()),
    ]
    this.#announceAnew()
  }

  stop(): void {
    this.#started = false
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    this.#subscriptions = []
    this.#retryTimer?.cancel()
    this.#retryTimer = null
  }

  /** Asks who this node is. @throws WakunetError as `Bus.request` */
  async askNodeId(): Promise<NodeId> {
    const { nodeId } = await this.#components.bus.request('trunk.status', {})
    return nodeId as NodeId
  }

  /** Members of a VLAN as trunk-peer knows them now. @throws WakunetError as `Bus.request` */
  async askMembers(vlanId: VlanId): Promise<readonly VlanMember[]> {
    const { members } = await this.#components.bus.request('trunk.members.get', { vlanId })
    return members
  }

  #announceAnew(): void {
    this.#missedRecords = true
    this.announce()
  }

  /** Tells trunk-peer what is joined, soon and until it has heard; calls in between make one more round. */
  announce(): void {
    if (!this.#started) return
    this.#wanted = true
    this.#retryTimer?.cancel()
    this.#retryTimer = null
    this.#running ??= this.#run().finally(() => {
      this.#running = null
    })
  }

  async #run(): Promise<void> {
    while (this.#wanted && this.#started) {
      this.#wanted = false
      try {
        await this.#announceOnce()
        this.#backoff.reset()
      } catch (error) {
        this.#retryLater(error)
        return
      }
    }
  }

  async #announceOnce(): Promise<void> {
    const { bus } = this.#components
    this.#init.onNodeId(await this.askNodeId())
    const { memberships, ports } = this.#init.announcement()
    // First: a trunk must never begin to run over a VLAN that it carries.
    bus.publish('switch.ports.changed', ports)
    await bus.request('trunk.membership.set', memberships)
    for (const { vlanId } of memberships.memberships)
      this.#init.onMembers(vlanId as VlanId, await this.askMembers(vlanId as VlanId))
    if (this.#missedRecords) await this.#askRecords(memberships.memberships.map(({ vlanId }) => vlanId))
  }

  async #askRecords(vlanIds: readonly string[]): Promise<void> {
    this.#missedRecords = false
    try {
      for (const vlanId of vlanIds) await this.#askRecord(vlanId)
    } catch (error) {
      this.#missedRecords = true
      throw error
    }
  }

  async #askRecord(vlanId: string): Promise<void> {
    try {
      this.#init.onVlan(
        await this.#components.bus.request('directory.resolve', { vlan: vlanId, timeoutMs: 0 }),
      )
    } catch (error) {
      // A trunk-peer that lost its state knows none of the VLANs that this switch has joined.
      if (!(error instanceof WakunetError) || error.code !== 'ERR_VLAN_NOT_FOUND') throw error
    }
  }

  #retryLater(error: unknown): void {
    if (!this.#started) return
    const delayMs = this.#backoff.next()
    this.#components.logger.debug('trunk-peer was not reached, trying again', { delayMs, error })
    this.#retryTimer = this.#components.clock.setTimeout(() => this.announce(), delayMs)
  }
}
