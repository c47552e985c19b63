import type { Libp2p } from '@libp2p/interface'
import type { FoundVlan, ReplyOf, RequestOf } from '@wakunet/bus'
import { DirectoryExchange, fold, type Listing, ListingStore, skeletonOf } from '@wakunet/directory'
import { formatVlanRef } from '@wakunet/identity'
import type { Clock, Logger, NodeId, Timer, VlanId } from '@wakunet/interface'
import type { Directory, NamedVlan } from '../directory.ts'
import type { Dht } from '../discovery/dht.ts'
import type { Trunk } from '../trunk.ts'
import { DirectoryPeers } from './directory-peers.ts'
import { HashTableRecords } from './hash-table-records.ts'
import { ListingsFile } from './listings-file.ts'

const TICK_MS = 10_000
/** A publication is signed anew when less than this is left, up to two hours earlier by chance. */
const REFRESH_MS = 2 * 86_400_000
const REFRESH_JITTER_MS = 2 * 3_600_000
const SAVE_MS = 60_000
/** Listings of one name that are told apart for a person. */
const MAX_NAMED = 16

export interface VlanDirectoryInit {
  readonly clock: Clock
  readonly logger: Logger
  /** Where it is saved; null keeps it in memory. */
  readonly path: string | null
  /** The VLANs that are stored here. */
  readonly stored: Directory
  readonly isJoined: (vlan: VlanId) => boolean
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** What there is once the host runs. */
export interface VlanDirectoryParts {
  readonly host: Libp2p
  readonly dht: () => Dht
  readonly trunks: () => Iterable<Trunk>
  readonly trunkOf: (peer: NodeId) => Trunk | undefined
}

/** The directory of published VLANs of one node (docs/protocols/directory.md): store, exchange with peers, disk, hash table. */
export class VlanDirectory {
  readonly store: ListingStore
  readonly exchange: DirectoryExchange
  readonly #init: VlanDirectoryInit
  readonly #file: ListingsFile
  #running: { peers: DirectoryPeers; table: HashTableRecords; timer: Timer } | null = null
  #savedAtMs = 0
  #reconciling = false
  /** How much earlier than it must this node signs its publications anew. */
  readonly #earlyMs: number
  publicationsSigned = 0

  constructor(init: VlanDirectoryInit) {
    this.#init = init
    const { clock, stored, random } = init
    this.#earlyMs = random() * REFRESH_JITTER_MS
    this.store = new ListingStore({ isPinned: (id) => init.isJoined(id) || stored.isOwned(id) })
    this.exchange = new DirectoryExchange({
      clock,
      store: this.store,
      random,
      send: (peer, message) => this.#running?.peers.send(peer, message) ?? false,
      cutOff: (peer, why) => this.#running?.peers.cutOff(peer, why),
      onTaken: (listing) => this.#taken(listing),
    })
    this.#file = new ListingsFile({ ...init, store: this.store })
  }

  /** Null while it is not started. */
  get peers(): DirectoryPeers | null {
    return this.#running?.peers ?? null
  }

  get table(): HashTableRecords | null {
    return this.#running?.table ?? null
  }

  async start(parts: VlanDirectoryParts): Promise<void> {
    const { clock, logger, random } = this.#init
    this.exchange.restore(await this.#file.load())
    const peers = new DirectoryPeers({
      ...parts,
      clock,
      logger,
      onUp: (source) => this.exchange.up(source),
      onDown: (peer) => this.exchange.down(peer),
      onMessage: (peer, message) => this.exchange.receive(peer, message),
    })
    const table = new HashTableRecords({
      clock,
      logger,
      random,
      dht: parts.dht,
      records: () => this.#ownOrJoined(),
      newest: (id) => this.#init.stored.recordOf(id),
    })
    this.#running = { peers, table, timer: clock.setInterval(() => this.#tick(), TICK_MS) }
    this.exchange.start()
    await peers.start()
    await this.reconcile()
  }

  async stop(): Promise<void> {
    const running = this.#running
    if (running === null) return
    this.#running = null
    running.timer.cancel()
    running.peers.stop()
    this.exchange.stop()
    await this.#file.save()
  }

  trunkUp(trunk: Trunk): void {
    this.#running?.peers.trunkUp(trunk)
  }

  /** The record of a VLAN that is published and was heard of. */
  record(id: VlanId): Uint8Array | null {
    const listing = this.store.get(id)
    if (listing === undefined || listing.vlan === null) return null
    return listing.untilMs > this.#init.clock.wallMs() ? listing.encoded : null
  }

  /** Published VLANs whose name is the name, or may be taken for it. */
  async byName(name: string, timeoutMs: number): Promise<NamedVlan[]> {
    const skeleton = skeletonOf(name)
    const alike = (listings: Iterable<Listing>) =>
      [...listings].filter(({ vlan }) => vlan?.skeleton === skeleton)
    let found = alike(this.store.all())
    // Peers are asked even so: another of this name may be known to them alone.
    if (timeoutMs > 0) {
      const answered = alike(
        await this.exchange.search(fold(name).slice(0, 128), 64, Math.min(timeoutMs, 2_000)),
      )
      found = [...new Map([...found, ...answered].map((listing) => [listing.id, listing])).values()]
    }
    return found
      .slice(0, MAX_NAMED)
      .map(({ id, vlan, encoded }) => ({ id, ref: formatVlanRef(id), name: vlan?.name ?? '', encoded }))
  }

  async search({
    query,
    limit,
    timeoutMs,
  }: RequestOf<'directory.search'>): Promise<ReplyOf<'directory.search'>> {
    const found = await this.exchange.search(query, limit, timeoutMs)
    const skeletons = this.#skeletons(found)
    return {
      vlans: found.flatMap((listing) => this.#found(listing, skeletons)),
      listed: [...this.store.all()].filter(({ vlan }) => vlan !== null).length,
    }
  }

  /**
   * Makes the directory say what the stored records say: own publications are there and signed anew in time, what is not published any more is
   * taken back, and newer records of joined VLANs are told.
   */
  async reconcile(): Promise<void> {
    if (this.#reconciling) return
    this.#reconciling = true
    try {
      for (const { id } of [...this.#init.stored.all()]) await this.#reconcileOne(id)
    } catch (error) {
      this.#init.logger.warn('a publication was not signed anew', { error })
    } finally {
      this.#reconciling = false
    }
    this.#running?.table.tick()
  }

  async #reconcileOne(id: VlanId): Promise<void> {
    const { stored, clock } = this.#init
    const vlan = stored.get(id)
    if (vlan === undefined) return
    const { record, privateKey, encoded } = vlan
    const listing = this.store.get(id)
    const until = record.publishedUntilMs
    if (until === undefined) {
      if (privateKey === null || listing === undefined || listing.vlan === null) return
      const withdrawal = stored.signWithdrawal(id, listing.untilMs)
      if (withdrawal !== null) this.exchange.publish(withdrawal)
      return
    }
    if (privateKey !== null && until - clock.wallMs() < REFRESH_MS + this.#earlyMs) {
      this.publicationsSigned++
      await stored.setPublished(id, true)
      return
    }
    if ((listing?.sequence ?? 0) < record.sequence && until > clock.wallMs()) this.exchange.publish(encoded)
  }

  #taken(listing: Listing): void {
    const { stored, logger } = this.#init
    const { id, vlan, sequence, encoded } = listing
    if (vlan === null || stored.get(id) === undefined || stored.sequenceOf(id) >= sequence) return
    stored
      .renew(id, encoded)
      .catch((error) => logger.error('a newer record was not stored', { vlan: id, error }))
  }

  #tick(): void {
    void this.reconcile()
    const now = this.#init.clock.monotonicMs()
    if (now - this.#savedAtMs < SAVE_MS) return
    this.#savedAtMs = now
    void this.#file.save()
  }

  #ownOrJoined(): { id: VlanId; encoded: Uint8Array }[] {
    const { stored, clock, isJoined } = this.#init
    return [...stored.all()].filter(
      ({ id, record, privateKey }) =>
        (record.publishedUntilMs ?? 0) > clock.wallMs() && (privateKey !== null || isJoined(id)),
    )
  }

  /** How many VLANs, published or stored here, have each skeleton. */
  #skeletons(found: readonly Listing[]): ReadonlyMap<string, number> {
    const names = new Map<VlanId, string>()
    for (const { id, info } of this.#init.stored.all()) names.set(id, skeletonOf(info.name))
    for (const { id, vlan } of [...this.store.all(), ...found])
      if (vlan !== null) names.set(id, vlan.skeleton)
    const counts = new Map<string, number>()
    for (const skeleton of names.values()) counts.set(skeleton, (counts.get(skeleton) ?? 0) + 1)
    return counts
  }

  #found({ id, vlan, sequence, untilMs }: Listing, skeletons: ReadonlyMap<string, number>): FoundVlan[] {
    if (vlan === null) return []
    const { name, description, policy, subnet4, icon, skeleton } = vlan
    return [
      {
        id,
        ref: formatVlanRef(id),
        name,
        description,
        policy: policy as FoundVlan['policy'],
        subnet4,
        sequence,
        icon,
        publishedUntilMs: untilMs,
        known: this.#init.stored.get(id) !== undefined,
        alike: (skeletons.get(skeleton) ?? 0) > 1,
      },
    ]
  }
}
