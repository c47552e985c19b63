import type { Connection, Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock, Logger, Timer } from '@wakunet/interface'
import { outboundConnection } from './outbound.ts'
import type { KnownPeer, PeerBook } from './peer-book.ts'

const MAX_PARALLEL_DIALS = 8
const DIAL_TIMEOUT_MS = 8_000
/**
 * A peer that was up a moment ago gets less: a connection that began while its cable was cut tries again after 1, 3 and 7 s
 * (RFC 6298 §5.7), and a new one right away.
 */
const QUICK_DIAL_TIMEOUT_MS = 1_500
const QUICK_ATTEMPTS = 5
const TICK_MS = 100

export interface DialerInit {
  readonly host: Libp2p
  readonly book: PeerBook
  readonly clock: Clock
  readonly logger: Logger
  /** False while no further trunk to this peer fits. */
  readonly mayDial: (peer: KnownPeer) => boolean
  readonly onFailed: (peer: KnownPeer) => void
  /** A connection stands; where this side dialled it, the receiver opens the trunk. */
  readonly onConnection: (connection: Connection, peer: KnownPeer) => void
}

/** Dials the peers of the book when their time has come; bounded in parallel, never twice at once. */
export class Dialer {
  readonly #init: DialerInit
  #timer: Timer | null = null
  #stopping = new AbortController()
  #network = new AbortController()
  #dialling = 0

  constructor(init: DialerInit) {
    this.#init = init
  }

  start(): void {
    if (this.#timer !== null) return
    this.#stopping = new AbortController()
    this.#timer = this.#init.clock.setInterval(() => this.#tick(), TICK_MS)
    this.#tick()
  }

  /** Dials under way began in another network: they begin anew. */
  networkChanged(): void {
    this.#network.abort(new Error('the network of this host has changed'))
    this.#network = new AbortController()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#stopping.abort(new Error('stopping'))
  }

  #tick(): void {
    const { book, clock, mayDial } = this.#init
    const now = clock.monotonicMs()
    book.reviveRefused(now)
    for (const peer of book.due(now)) {
      if (this.#dialling >= MAX_PARALLEL_DIALS) return
      if (mayDial(peer)) this.#dial(peer)
    }
  }

  #dial(peer: KnownPeer): void {
    const { book, clock, host, logger, onFailed } = this.#init
    book.connecting(peer)
    this.#dialling++
    const signal = AbortSignal.any([
      this.#stopping.signal,
      this.#network.signal,
      AbortSignal.timeout(timeoutMs(peer)),
    ])
    outboundConnection(host, peer.peerId, target(peer), signal)
      .then(
        (connection) => this.#connected(connection, peer),
        (error: unknown) => {
          const text = reason(error)
          logger.debug('dial failed', { peer: peer.peerId ?? peer.addresses[0], error: text })
          book.failed(peer, text, clock.monotonicMs())
          onFailed(peer)
        },
      )
      .finally(() => {
        this.#dialling--
      })
  }

  #connected(connection: Connection, peer: KnownPeer): void {
    const { book, clock, host, onConnection } = this.#init
    const remote = connection.remotePeer.toString()
    if (connection.remotePeer.equals(host.peerId)) {
      book.forgetAnonymous(peer)
      connection.abort(new Error('dialled ourselves'))
      return
    }
    const known = peer.peerId === null ? book.identify(peer, remote, clock.monotonicMs()) : peer
    if (known !== null) onConnection(connection, known)
  }
}

/** Names and several addresses take their time, and so does a first contact. */
function timeoutMs(peer: KnownPeer): number {
  const quick = peer.lastUpAtMs !== null && peer.failures > 0 && peer.failures <= QUICK_ATTEMPTS
  return quick ? QUICK_DIAL_TIMEOUT_MS * Math.min(4, peer.addresses.length) : DIAL_TIMEOUT_MS
}

/** All addresses of the peer, each bound to its peer id where that is known. */
function target(peer: KnownPeer) {
  return peer.addresses.map((address) => {
    const parsed = multiaddr(address)
    return peer.peerId === null || parsed.toString().includes('/p2p/')
      ? parsed
      : parsed.encapsulate(`/p2p/${peerIdFromString(peer.peerId)}`)
  })
}

/** One line that says why a dial failed, of all addresses tried. */
function reason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return [...new Set(error.errors.map(reason))].slice(0, 3).join('; ')
  }
  return error instanceof Error ? error.message : String(error)
}
