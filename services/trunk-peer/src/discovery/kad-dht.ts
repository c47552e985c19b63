import type { PeerId } from '@libp2p/interface'
import {
  type KadDHT,
  type KadDHTComponents,
  kadDHT,
  type QueryEvent,
  type SingleKadDHT,
} from '@libp2p/kad-dht'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Clock, VlanId } from '@wakunet/interface'
import type { Dht, DhtMode, DhtOptions, FoundPeer, ProviderOptions } from './dht.ts'
import { VLAN_NAMESPACE, vlanProviderKey } from './vlan-keys.ts'
import { newestRecord, sequenceOrNull, type VlanRecordRules, vlanOfKey } from './vlan-record-rules.ts'

export const KAD_PROTOCOL = '/wakunet/kad/1'

const DEFAULT_TIMEOUT_MS = 10_000
const MAX_FOUND = 64
const MAX_ADDRESSES = 8
/** Records of one query that are compared; peers next to the key give one each. */
const MAX_RECORDS = 32
/** A provider that does not tell again is forgotten; who provides tells every half an hour. */
const PROVIDER_VALIDITY_MS = 2 * 3_600_000
const PROVIDE_BEFORE_END_MS = 1.5 * 3_600_000
const PROVIDE_CHECK_MS = 600_000
/** Messages of one connection that may be under way, each way: the connection has 16 streams, and a trunk needs its own. */
const MAX_STREAMS = 6
const MESSAGE_TIMEOUT_MS = 5_000
/** Peers of answers that wait to be tried for the routing table; the rest is forgotten. */
const MAX_WAITING_PEERS = 256

export interface KadInit {
  /** This node: it finds others, not itself. */
  readonly self: PeerId
  readonly mode: 'client' | 'server'
  readonly rules: VlanRecordRules
  readonly clock: Clock
  /** Those of a peer's addresses that may be dialled, and told to others. */
  readonly dialable: (claimed: readonly string[]) => string[]
}

/** Monotonic counters. */
export interface KadStats {
  queries: number
  /** Queries that ran out of time. */
  timedOut: number
  /** Records that peers wanted kept, or gave as answers, and that do not hold. */
  recordsRefused: number
}

/** libp2p's Kademlia under our protocol name, with our records alone, bounded (`docs/protocols/discovery.md`). */
export class KadDht implements Dht {
  readonly #init: KadInit
  readonly #encoder = new TextEncoder()
  #kad: SingleKadDHT | null = null
  readonly stats: KadStats = { queries: 0, timedOut: 0, recordsRefused: 0 }

  constructor(init: KadInit) {
    this.#init = init
  }

  /** What libp2p is to run as a service. */
  readonly service = (components: KadDHTComponents): KadDHT => {
    const { mode, clock, rules } = this.#init
    const kad = kadDHT({
      protocol: KAD_PROTOCOL,
      clientMode: mode === 'client',
      // Without libp2p's own `pk`: nobody here asks for public keys, and anybody could fill the store with them.
      validators: { [VLAN_NAMESPACE]: (key, value) => this.#validate(key, value), pk: refuse },
      selectors: {
        [VLAN_NAMESPACE]: (key, records) => newestRecord(rules, vlanOfKey(key), records, clock.wallMs()),
      },
      peerInfoMapper: (peer) => ({ ...peer, multiaddrs: this.#dialable(peer.multiaddrs) }),
      alpha: 4,
      disjointPaths: 4,
      maxInboundStreams: MAX_STREAMS,
      maxOutboundStreams: MAX_STREAMS,
      incomingMessageTimeout: MESSAGE_TIMEOUT_MS,
      routingTableUpdateMaxQueueSize: MAX_WAITING_PEERS,
      routingTableUpdateQueueConcurrency: 4,
      reprovide: {
        validity: PROVIDER_VALIDITY_MS,
        threshold: PROVIDE_BEFORE_END_MS,
        interval: PROVIDE_CHECK_MS,
        concurrency: 2,
        maxQueueSize: 1_024,
      },
    })(components) as KadDHT & SingleKadDHT
    this.#kad = kad
    return kad
  }

  get mode(): DhtMode {
    return this.#kad?.getMode() ?? this.#init.mode
  }

  get size(): number {
    return this.#kad?.routingTable.size ?? 0
  }

  async setMode(mode: 'client' | 'server'): Promise<void> {
    if (this.#kad !== null && this.#kad.getMode() !== mode) await this.#kad.setMode(mode)
  }

  async put(key: string, value: Uint8Array, options: DhtOptions = {}): Promise<number> {
    const bytes = this.#encoder.encode(key)
    this.#validate(bytes, value)
    return this.#run(options, (kad, signal) => kad.put(bytes, value, { signal }), countOf('PUT_VALUE'), 0)
  }

  async get(key: string, options: DhtOptions = {}): Promise<Uint8Array | null> {
    const bytes = this.#encoder.encode(key)
    const vlan = vlanOfKey(bytes)
    // libp2p tells its own choice last and not at all where it could not correct a peer: what peers gave is taken as it comes.
    const records = await this.#run<Uint8Array[]>(
      options,
      (kad, signal) => kad.get(bytes, { signal }),
      (found, event) => {
        const value =
          event.name === 'VALUE'
            ? event.value
            : event.name === 'PEER_RESPONSE'
              ? event.record?.value
              : undefined
        return value === undefined || found.length >= MAX_RECORDS ? found : [...found, value]
      },
      [],
    )
    const { rules, clock } = this.#init
    const now = clock.wallMs()
    const good = records.filter((record) => sequenceOrNull(rules, vlan, record, now) !== null)
    this.stats.recordsRefused += records.length - good.length
    const newest = good[newestRecord(rules, vlan, good, now)]
    // Not a view of a message's memory.
    return newest === undefined ? null : Uint8Array.from(newest)
  }

  provide(vlan: VlanId, { blind, ...options }: ProviderOptions = {}): Promise<number> {
    const key = vlanProviderKey(vlan, blind)
    return this.#run(options, (kad, signal) => kad.provide(key, { signal }), countOf('ADD_PROVIDER'), 0)
  }

  async unprovide(vlan: VlanId, { blind }: ProviderOptions = {}): Promise<void> {
    await this.#kad?.cancelReprovide(vlanProviderKey(vlan, blind))
  }

  async findProviders(vlan: VlanId, { blind, ...options }: ProviderOptions = {}): Promise<FoundPeer[]> {
    const key = vlanProviderKey(vlan, blind)
    const found = await this.#run<Map<string, FoundPeer>>(
      options,
      (kad, signal) => kad.findProviders(key, { signal }),
      (peers, event) => {
        if (event.name === 'PROVIDER')
          for (const { id, multiaddrs } of event.providers) {
            if (id.equals(this.#init.self)) continue
            if (peers.size >= MAX_FOUND && !peers.has(id.toString())) continue
            const addresses = multiaddrs.slice(0, MAX_ADDRESSES).map(String)
            if (addresses.length > 0) peers.set(id.toString(), { peerId: id.toString(), addresses })
          }
        return peers
      },
      new Map(),
    )
    return [...found.values()]
  }

  /** Runs a query to its end or until its time is over; errors of the network end it as well. */
  async #run<T>(
    { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: DhtOptions,
    query: (kad: SingleKadDHT, signal: AbortSignal) => AsyncIterable<QueryEvent>,
    fold: (sum: T, event: QueryEvent) => T,
    begin: T,
  ): Promise<T> {
    const kad = this.#kad
    if (kad === null) return begin
    this.stats.queries++
    const timeout = AbortSignal.timeout(timeoutMs)
    let sum = begin
    try {
      for await (const event of query(
        kad,
        signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      ))
        sum = fold(sum, event)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      if (timeout.aborted) this.stats.timedOut++
    }
    return sum
  }

  /** @throws Error where the record does not hold */
  #validate(key: Uint8Array, value: Uint8Array): void {
    try {
      this.#init.rules.sequenceOf(vlanOfKey(key), value, this.#init.clock.wallMs())
    } catch (error) {
      this.stats.recordsRefused++
      throw error
    }
  }

  #dialable(addresses: readonly Multiaddr[]): Multiaddr[] {
    return this.#init
      .dialable(addresses.slice(0, 2 * MAX_ADDRESSES).map(String))
      .map((text) => multiaddr(text))
  }
}

function refuse(): never {
  throw new Error('public keys are not kept')
}

const countOf =
  (messageName: 'PUT_VALUE' | 'ADD_PROVIDER') =>
  (sum: number, event: QueryEvent): number =>
    event.name === 'PEER_RESPONSE' && event.messageName === messageName ? sum + 1 : sum
