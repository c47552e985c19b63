import type { Connection, Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { type ReplyOf, type RequestOf, SHORTCUT_REFUSALS, type ShortcutRefusal } from '@wakunet/bus'
import type { Clock, Logger, NodeId, VlanId } from '@wakunet/interface'
import { TokenBucket } from '@wakunet/trunk'
import { nodeIdOfPeer } from './node-key.ts'
import { outboundConnection } from './outbound.ts'
import type { PeerBook } from './peer-book.ts'
import type { Trunk, TrunkEnd } from './trunk.ts'
import type { TrunkChoice } from './trunk-choice.ts'
import type { TrunkUsage, Use } from './trunk-usage.ts'
import type { Trunks } from './trunks.ts'

const DIAL_TIMEOUT_MS = 5_000
const MAX_PARALLEL_DIALS = 4
/** Dials for shortcuts: a burst, then one every two seconds. */
const DIAL_BURST = 8
const DIALS_PER_SECOND = 0.5
/** A member that could not be reached is left alone for so long, twice as long each time. */
const FIRST_PAUSE_MS = 15_000
const LAST_PAUSE_MS = 600_000
const MAX_FAILURES_KEPT = 512
/** A shortcut over which nothing went for this long is closed. */
const IDLE_MS = 60_000
/** A connection that has no trunk by then gets none: hello and frames stream have 5 s each. */
const COMES_UP_WITHIN_MS = 15_000

type Request = RequestOf<'trunk.shortcut'>
type Reply = ReplyOf<'trunk.shortcut'>

export interface ShortcutsInit {
  readonly self: NodeId
  readonly host: Libp2p
  readonly trunks: Trunks
  readonly book: PeerBook
  readonly usage: TrunkUsage
  readonly clock: Clock
  readonly logger: Logger
  readonly isJoined: (vlan: VlanId) => boolean
  /** Those of the claimed addresses that may be dialled. */
  readonly dialable: (claimed: readonly string[]) => string[]
  readonly choice: TrunkChoice
  /** True where the trunk may be needed although nobody says what for. */
  readonly mayMatter: (nodeId: NodeId) => boolean
}

/** Monotonic counters. */
export interface ShortcutStats {
  asked: number
  dialled: number
  opened: number
  failed: number
  /** Another node answered at a member's address. */
  wrongNode: number
  /** Trunks closed to make room for a shortcut. */
  gaveWay: number
  closedIdle: number
}

/**
 * Direct trunks to members of a VLAN, opened when a switch asks for one and closed when they are of no use any more. What
 * members say of their addresses is a claim: few of them are tried, seldom, and who answers is checked.
 */
export class Shortcuts {
  readonly #init: ShortcutsInit
  readonly #bucket: TokenBucket
  /** Peers whose trunk was opened here, and when the connection stood. */
  readonly #ours = new Map<NodeId, number>()
  readonly #dialling = new Set<NodeId>()
  readonly #failures = new Map<NodeId, { count: number; untilMs: number }>()
  #stopping = new AbortController()
  readonly stats: ShortcutStats = {
    asked: 0,
    dialled: 0,
    opened: 0,
    failed: 0,
    wrongNode: 0,
    gaveWay: 0,
    closedIdle: 0,
  }
  readonly refusals = Object.fromEntries(SHORTCUT_REFUSALS.map((reason) => [reason, 0])) as Record<
    ShortcutRefusal,
    number
  >

  constructor(init: ShortcutsInit) {
    this.#init = init
    this.#bucket = new TokenBucket(DIAL_BURST, DIALS_PER_SECOND, init.clock)
  }

  /** Trunks that were opened as shortcuts and are up. */
  get size(): number {
    return this.#ours.size
  }

  stop(): void {
    this.#stopping.abort(new Error('stopping'))
  }

  isShortcut(nodeId: NodeId): boolean {
    return this.#ours.has(nodeId)
  }

  /**
   * Dials a member unless there is a reason not to.
   * @param onFailure called where nothing answered at its addresses
   */
  request(request: Request, onFailure: () => void = () => {}): Reply {
    this.stats.asked++
    const nodeId = request.nodeId as NodeId
    if (this.#init.trunks.get(nodeId) !== undefined) return { outcome: 'up', reason: null }
    if (this.#dialling.has(nodeId)) return { outcome: 'dialling', reason: null }
    const addresses = this.#init.dialable(request.addresses)
    const reason = this.#refusal(request, nodeId, addresses)
    if (reason !== null) {
      this.refusals[reason]++
      return { outcome: 'refused', reason }
    }
    void this.#dial(request, nodeId, addresses, onFailure)
    return { outcome: 'dialling', reason: null }
  }

  /** A trunk has ended. One that the peer did not want is not asked for again soon. */
  ended(trunk: Trunk, reason: TrunkEnd): void {
    if (!this.#ours.delete(trunk.nodeId)) return
    if (trunk.upAtMs === 0 || (reason.remote && reason.code === 'limit')) this.#failed(trunk.nodeId)
  }

  /** Closes shortcuts that nobody uses. Call it every few seconds. */
  tick(): void {
    const { trunks, usage, clock } = this.#init
    const now = clock.monotonicMs()
    for (const [nodeId, connectedAtMs] of this.#ours) {
      const trunk = trunks.get(nodeId)
      if (trunk === undefined) {
        if (now - connectedAtMs > COMES_UP_WITHIN_MS) this.#ours.delete(nodeId)
        continue
      }
      if (this.#init.mayMatter(nodeId) || now - this.#usefulAtMs(trunk, usage.of(nodeId)) < IDLE_MS) continue
      this.stats.closedIdle++
      this.#ours.delete(nodeId)
      trunk.dismiss('no frames for a minute')
    }
  }

  #refusal(request: Request, nodeId: NodeId, addresses: readonly string[]): ShortcutRefusal | null {
    const { self, clock, isJoined, trunks } = this.#init
    if (nodeId === self) return 'self'
    if (!isJoined(request.vlanId as VlanId)) return 'notJoined'
    if (addresses.length === 0) return 'noAddress'
    if (this.#dialling.size >= MAX_PARALLEL_DIALS) return 'busy'
    if ((this.#failures.get(nodeId)?.untilMs ?? 0) > clock.monotonicMs()) return 'failedLately'
    if (trunks.full && this.#leastUseful(request.bytesPerSecond ?? 0) === null) return 'full'
    return this.#bucket.take() ? null : 'rate'
  }

  async #dial(
    request: Request,
    nodeId: NodeId,
    addresses: readonly string[],
    onFailure: () => void,
  ): Promise<void> {
    const { host, book, logger } = this.#init
    this.#dialling.add(nodeId)
    this.stats.dialled++
    try {
      const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)])
      const targets = addresses.map((address) => withPeerId(address, request.peerId))
      const { peerId = null } = request
      const dial = () => outboundConnection(host, peerId, targets, signal)
      const connection = await (peerId === null ? dial() : book.dialNow(peerId, dial))
      this.adopt(connection, nodeId, request.bytesPerSecond)
    } catch (error) {
      logger.debug('shortcut failed', { nodeId, error })
      this.#failed(nodeId)
      if (!this.#stopping.signal.aborted) onFailure()
    } finally {
      this.#dialling.delete(nodeId)
    }
  }

  /** Opens a trunk over a connection that was dialled for one, if need be in place of another. @throws where it may not be */
  adopt(connection: Connection, nodeId: NodeId, bytesPerSecond = 0): void {
    const { trunks, book, clock, logger } = this.#init
    if (nodeIdOfPeer(connection.remotePeer) !== nodeId) {
      this.stats.wrongNode++
      // It may be a peer whose trunk runs over this very connection.
      if (!trunks.isInUse(connection)) connection.abort(new Error('another node than the member'))
      throw new Error('another node answered')
    }
    if (trunks.full && trunks.get(nodeId) === undefined) {
      const victim = this.#leastUseful(bytesPerSecond)
      if (victim === null) {
        connection.abort(new Error('no room'))
        throw new Error('all trunks are in use')
      }
      logger.info('trunk gives way to a shortcut', {
        peer: victim.peerId,
        to: connection.remotePeer.toString(),
      })
      this.stats.gaveWay++
      this.#ours.delete(victim.nodeId)
      victim.close('limit', 'a trunk that is used more takes its place')
    }
    const peer = book.learn(connection.remotePeer.toString(), null, 'vlan', clock.monotonicMs())
    if (peer === null) throw new Error('the peer book is full')
    this.#failures.delete(nodeId)
    this.#ours.set(nodeId, clock.monotonicMs())
    this.stats.opened++
    trunks.connected(connection, peer)
  }

  #leastUseful(bytesPerSecond: number): Trunk | null {
    const { trunks, choice, clock } = this.#init
    return choice.leastUseful(trunks.up(), clock.monotonicMs(), bytesPerSecond)
  }

  #usefulAtMs(trunk: Trunk, use: Use | undefined): number {
    return Math.max(trunk.upAtMs, use?.usefulAtMs ?? 0)
  }

  #failed(nodeId: NodeId): void {
    this.stats.failed++
    const now = this.#init.clock.monotonicMs()
    const count = (this.#failures.get(nodeId)?.count ?? 0) + 1
    const pauseMs = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (count - 1))
    this.#failures.delete(nodeId)
    this.#failures.set(nodeId, { count, untilMs: now + pauseMs })
    // The oldest goes first: a Map keeps the order in which entries were set.
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= MAX_FAILURES_KEPT) break
      this.#failures.delete(oldest)
    }
  }
}

function withPeerId(address: string, peerId: string | undefined) {
  const parsed = multiaddr(address)
  return peerId === undefined || address.includes('/p2p/') ? parsed : parsed.encapsulate(`/p2p/${peerId}`)
}
