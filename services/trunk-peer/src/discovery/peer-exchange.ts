import type { Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { vlanIdFromBytes, vlanIdToBytes } from '@wakunet/identity'
import type { Clock, Logger, VlanId } from '@wakunet/interface'
import {
  type ControlMessage,
  EXCHANGE_CAPABILITY,
  MAX_EXCHANGED_PEERS,
  MAX_EXCHANGED_VLANS,
  TokenBucket,
  type WireExchangedPeer,
} from '@wakunet/trunk'
import type { Memberships } from '../memberships.ts'
import type { Trunk } from '../trunk.ts'
import type { PeerMemory } from './peer-memory.ts'
import { openSignedAddresses } from './signed-addresses.ts'

/** By then identify has told what the peer has signed, and memberships have come. */
const FIRST_ASKED_AFTER_MS = 1_000
const ASKED_EVERY_MS = 300_000
const REQUEST_BURST = 4
const REQUESTS_PER_SECOND = 1 / 60
/** Peers that answered longer ago are not told of. */
const FRESH_MS = 24 * 3_600_000
/** Signatures to check, over all peers: they cost about 0.2 ms each. */
const CHECK_BURST = 256
const CHECKS_PER_SECOND = 16

export interface PeerExchangeInit {
  readonly self: string
  readonly host: Libp2p
  readonly peers: PeerMemory
  readonly memberships: Memberships
  readonly dialable: (claimed: readonly string[]) => string[]
  readonly clock: Clock
  readonly logger: Logger
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** Monotonic counters. */
export interface PeerExchangeStats {
  asked: number
  answered: number
  /** Peers told of by others whose signatures hold. */
  learned: number
  /** Signatures that do not hold. */
  forged: number
  /** Requests over their rate, and answers to nothing that was asked. */
  ignored: number
}

/** Peers tell each other of peers: what these have signed of their addresses, and in which of the asking side's VLANs they are. */
export class PeerExchange {
  readonly #init: PeerExchangeInit
  readonly #asked = new WeakMap<Trunk, { atMs: number; open: boolean }>()
  readonly #buckets = new WeakMap<Trunk, TokenBucket>()
  readonly #checks: TokenBucket
  readonly stats: PeerExchangeStats = { asked: 0, answered: 0, learned: 0, forged: 0, ignored: 0 }

  constructor(init: PeerExchangeInit) {
    this.#init = init
    this.#checks = new TokenBucket(CHECK_BURST, CHECKS_PER_SECOND, init.clock)
  }

  /** Asks who is due. Call it about once a second. */
  tick(trunks: Iterable<Trunk>): void {
    const now = this.#init.clock.monotonicMs()
    for (const trunk of trunks) {
      if (!trunk.has(EXCHANGE_CAPABILITY) || now - trunk.upAtMs < FIRST_ASKED_AFTER_MS) continue
      const asked = this.#asked.get(trunk)
      if (asked !== undefined && now - asked.atMs < ASKED_EVERY_MS) continue
      this.#asked.set(trunk, { atMs: now, open: true })
      this.stats.asked++
      trunk.sendControl({ type: 'peers-request' })
      void this.learnSigned(trunk)
    }
  }

  receiveRequest(trunk: Trunk): void {
    const { clock } = this.#init
    const bucket = this.#buckets.get(trunk) ?? new TokenBucket(REQUEST_BURST, REQUESTS_PER_SECOND, clock)
    this.#buckets.set(trunk, bucket)
    if (!bucket.take()) {
      this.stats.ignored++
      return
    }
    this.stats.answered++
    trunk.sendControl(this.sampleFor(trunk))
  }

  /** Taken from a trunk that was asked, and once from one that does not come up. */
  async receive(trunk: Trunk, told: readonly WireExchangedPeer[]): Promise<void> {
    const asked = this.#asked.get(trunk)
    if (trunk.up ? asked?.open !== true : asked !== undefined) {
      this.stats.ignored++
      return
    }
    this.#asked.set(trunk, { atMs: asked?.atMs ?? this.#init.clock.monotonicMs(), open: false })
    for (const peer of told) await this.#learn(peer)
  }

  /** Some of the peers that this node knows, for the peer of a trunk. */
  sampleFor(trunk: Trunk): Extract<ControlMessage, { type: 'peers' }> {
    const { peers, memberships, clock, random } = this.#init
    const vlans = new Set(memberships.vlansOfPeer(trunk.nodeId))
    const sample = peers.store.sample(clock.wallMs(), {
      vlans,
      except: trunk.peerId,
      count: MAX_EXCHANGED_PEERS,
      freshMs: FRESH_MS,
      random,
    })
    return {
      type: 'peers',
      peers: sample.map(({ peer, shared }) => ({
        record: peer.signed ?? new Uint8Array(0),
        vlans: shared.slice(0, MAX_EXCHANGED_VLANS).map((vlan) => vlanIdToBytes(vlan)),
      })),
    }
  }

  /** Keeps what the peer of a trunk has signed of itself, as identify got it. */
  async learnSigned(trunk: Trunk): Promise<void> {
    const { host, peers, dialable, logger } = this.#init
    try {
      const { peerRecordEnvelope } = await host.peerStore.get(peerIdFromString(trunk.peerId))
      const signed = peerRecordEnvelope === undefined ? null : await openSignedAddresses(peerRecordEnvelope)
      if (signed === null || signed.peerId !== trunk.peerId) return
      const { addresses, ...proof } = signed
      peers.learn({ peerId: trunk.peerId, source: 'inbound', addresses: dialable(addresses), signed: proof })
    } catch (error) {
      logger.debug('identify has told nothing yet', { peer: trunk.peerId, error })
    }
  }

  async #learn({ record, vlans }: WireExchangedPeer): Promise<void> {
    const { self, peers, memberships, dialable } = this.#init
    if (!this.#checks.take()) {
      this.stats.ignored++
      return
    }
    const signed = await openSignedAddresses(record)
    if (signed === null) {
      this.stats.forged++
      return
    }
    if (signed.peerId === self) return
    const ours = memberships.ourVlans()
    const shared = vlans.map((vlan) => vlanIdFromBytes(vlan)).filter((vlan: VlanId) => ours.has(vlan))
    const addresses = dialable(signed.addresses)
    if (addresses.length === 0) return
    this.stats.learned++
    peers.learn({ peerId: signed.peerId, source: 'exchange', addresses, signed, vlans: shared })
  }
}
