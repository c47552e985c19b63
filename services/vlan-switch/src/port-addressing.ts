import {
  ADDRESSING_DROPS,
  type AddressingPeer,
  type AddressMode,
  type BindingChange,
  type MemberFacts,
  STATION_DROPS,
  VlanAddressing,
} from '@wakunet/addressing'
import type { Bus, VlanInfo } from '@wakunet/bus'
import { macFromString, readMac } from '@wakunet/ethernet'
import { nodeIdToBytes, vlanIdToBytes } from '@wakunet/identity'
import type { Clock, Logger, NodeId, VlanId } from '@wakunet/interface'
import type { VlanDatapath } from '@wakunet/switching'
import { verifyEd25519 } from './ed25519.ts'
import type { ADDRESSING_COUNTERS, PortCounters, PortDrop, PortDrops } from './port-counters.ts'
import { type Random, randomUint32, randomUnit } from './random.ts'
import type { RecordSealing } from './sealing/record-sealing.ts'

/** A station that was heard with an address this lately has it; a probe is answered within half a second. */
const IN_USE_MS = 2_000
/** Trunk-peer signs within milliseconds, or is away. */
const SIGN_TIMEOUT_MS = 5_000

export interface PortAddressingComponents {
  readonly bus: Pick<Bus, 'request'>
  readonly clock: Clock
  readonly logger: Logger
  readonly random: Random
}

export interface PortAddressingInit {
  readonly vlan: VlanInfo
  readonly nodeId: NodeId
  /** Of the TAP. */
  readonly mac: string
  readonly mtu: number
  readonly mode: AddressMode
  /** CIDR form, for mode `manual`. */
  readonly manual4: string | null
  readonly attempt: number
  /** Addresses that members are known to have, CIDR form: automatic ones keep off them. */
  readonly avoid: readonly string[]
  readonly hostname: string
  readonly bridged: boolean
  readonly datapath: VlanDatapath
  /** Learns the keys that members announce. */
  readonly sealing: RecordSealing
  /** The TAP's own addresses, CIDR form. */
  readonly onAddresses: (cidrs: readonly string[]) => void
  /** Hosts behind the TAP shall ask for their addresses anew. */
  readonly onReaddress: () => void
  /** Something may be due sooner than it was. */
  readonly onWake: () => void
}

/** Counters of a port that come from here. */
type AddressingCounter = (typeof ADDRESSING_COUNTERS)[number]

/** The addresses of one VLAN (`VlanAddressing`), between its datapath and trunk-peer, which signs for this node. */
export class PortAddressing {
  readonly addressing: VlanAddressing<AddressingPeer>
  readonly #components: PortAddressingComponents
  readonly #init: PortAddressingInit
  #closed = false
  /** What members say of their ports is to be told to the datapath. */
  #membersChanged = false

  constructor(components: PortAddressingComponents, init: PortAddressingInit) {
    const { vlan, nodeId, mode, manual4, attempt, avoid, hostname, bridged, mtu } = init
    const { clock, random } = components
    this.#components = components
    this.#init = init
    this.addressing = new VlanAddressing<AddressingPeer>(
      {
        vlanId: vlanIdToBytes(vlan.id as VlanId),
        nodeId: nodeIdToBytes(nodeId),
        vlanName: vlan.name,
        plan: vlan,
        mac: macFromString(init.mac),
        mode,
        manual4,
        attempt,
        avoid,
        hostname,
        bridged,
        mtu,
        sealing: init.sealing.announced,
        hashSeed: randomUint32(random),
        firstSequence: clock.wallMs(),
        random: () => randomUnit(random),
        wallMs: () => clock.wallMs(),
        verify: verifyEd25519,
      },
      {
        toTap: (frame) => init.datapath.toTap(frame),
        toTree: (frame) => init.datapath.sendToTree(frame),
        send: (to, message) => init.datapath.sendControl(to.id, message, clock.monotonicMs()),
        sign: (payload, done) => void this.#sign(payload, done),
        onAddresses: (cidrs) => init.onAddresses(cidrs),
        onBindings: (change) => this.#bind(change),
        onReaddress: () => init.onReaddress(),
        onSealingKey: (member, key, sequence) => init.sealing.learn(member, key, sequence),
        onMembers: () => {
          this.#membersChanged = true
        },
        isInUse: (address, mac, nowMs) => this.#isInUse(address, mac, nowMs),
      },
      clock.monotonicMs(),
    )
  }

  async #sign(
    payload: Uint8Array,
    done: Parameters<ConstructorParameters<typeof VlanAddressing>[1]['sign']>[1],
  ): Promise<void> {
    const { bus, logger } = this.#components
    const request = {
      purpose: 'vlan-member',
      vlanId: this.#init.vlan.id,
      payload: Buffer.from(payload).toString('base64'),
    } as const
    try {
      const { publicKey, signature } = await bus.request('trunk.sign', request, {
        timeoutMs: SIGN_TIMEOUT_MS,
      })
      const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'base64'))
      if (!this.#closed) done({ publicKey: bytesOf(publicKey), signature: bytesOf(signature) })
    } catch (error) {
      logger.debug('the member announcement was not signed, trying again', { error })
      if (!this.#closed) done(null)
    }
    this.#init.onWake()
  }

  #bind({ kind, address, mac, owner }: BindingChange): void {
    const { datapath } = this.#init
    if (kind === 'removed') datapath.unbind(address)
    else datapath.bind(address, mac, owner, this.#components.clock.monotonicMs())
  }

  #isInUse(address: Uint8Array, mac: number, nowMs: number): boolean {
    const { bindings } = this.#init.datapath.guards
    const binding = bindings.find(address, 0, address.length, nowMs)
    if (binding === null || binding.mac === null || binding.mac === mac) return false
    return nowMs - binding.seenMs < IN_USE_MS
  }

  /** Members of the VLAN, or trunks of its tree, have changed. */
  updatePeers(nowMs: number): void {
    const { fabric } = this.#init.datapath
    const open = [...fabric.trunks.all].filter(({ isOpen }) => isOpen)
    this.addressing.setPeers(fabric.bridge.members, open, nowMs)
    this.#membersChanged = true
  }

  dueMs(nowMs: number): number {
    return this.#membersChanged ? nowMs : this.addressing.dueMs(nowMs)
  }

  tick(nowMs: number): void {
    this.addressing.tick(nowMs)
    if (!this.#membersChanged) return
    this.#membersChanged = false
    const { datapath } = this.#init
    const facts = new Map<string, MemberFacts>()
    for (const { id, nodeId } of datapath.fabric.bridge.members.all) {
      const said = this.addressing.memberOf(id)
      if (said !== null) facts.set(nodeId, { ...said, bridged: said.bridged || hasOthers(said) })
    }
    datapath.setMemberFacts(facts)
  }

  counters(): Pick<PortCounters, AddressingCounter> {
    const { stats, stationStats } = this.addressing
    return {
      addressConflicts: stats.conflictsLost,
      addressMoves: stats.addressMoves,
      announcementsOut: stats.announced,
      dhcpOffers: stats.offers,
      dhcpAcks: stats.acks,
      dhcpNaks: stats.naks,
      dhcpDeclines: stats.declined,
      dhcpReleases: stats.released,
      dhcpPoolExhausted: stats.poolExhausted,
      stationArpReplies: stationStats.arp,
      stationNeighbourReplies: stationStats.neighbour,
      stationEchoReplies: stationStats.echo,
      stationRouterAdvertisements: stationStats.routerAdvertisements,
      stationDhcp6Replies: stationStats.dhcp6,
      stationDnsReplies: stationStats.dns,
    }
  }

  drops(): Partial<PortDrops> {
    const { drops, stationDrops } = this.addressing
    return Object.fromEntries([
      ...ADDRESSING_DROPS.map((reason) => [`addressing-${reason}` satisfies PortDrop, drops[reason]]),
      ...STATION_DROPS.map((reason) => [`station-${reason}` satisfies PortDrop, stationDrops[reason]]),
    ])
  }

  /** Before the TAP goes. */
  close(): void {
    this.#closed = true
    this.addressing.close()
  }
}

/** Stations of others are behind a port whose leases are of more than one: a bridge that nobody has told of, or containers. */
function hasOthers({ leases }: MemberFacts): boolean {
  return leases.some(({ mac }) => readMac(mac, 0) !== readMac(leases[0]!.mac, 0))
}
