import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { DIRECTORY_PROTOCOL, type DirectoryMessage, type ListingSource } from '@wakunet/directory'
import type { Clock, Logger, NodeId, Timer } from '@wakunet/interface'
import { nodeIdOfPeer } from '../node-key.ts'
import type { Trunk } from '../trunk.ts'
import { DirectoryStream } from './directory-stream.ts'
import { peerNetwork } from './peer-network.ts'

const OPEN_TIMEOUT_MS = 5_000
/** A stream that ended while a trunk stands is opened again after this time: its connection may have given way to another. */
const REOPEN_MS = 1_000
/** One that could not be opened. */
const RETRY_MS = 30_000
/** How long a peer that broke the rules stays out. */
const CUT_OFF_MS = 60_000
const TICK_MS = 1_000
/** The other side opens the stream a moment before its trunk stands here. */
const TRUNK_GRACE_MS = 5_000
/** Of one connection; one is in use, another may replace it. */
const MAX_STREAMS = 2

export interface DirectoryPeersInit {
  readonly host: Libp2p
  readonly clock: Clock
  readonly logger: Logger
  /** Trunks over which frames can pass. */
  readonly trunks: () => Iterable<Trunk>
  readonly trunkOf: (peer: NodeId) => Trunk | undefined
  readonly onUp: (source: ListingSource) => void
  readonly onDown: (peer: string) => void
  readonly onMessage: (peer: string, message: DirectoryMessage) => void
}

interface OpenStream {
  readonly stream: DirectoryStream
  readonly sinceMs: number
}

/** One stream of the directory with each peer that has a trunk and speaks the protocol. */
export class DirectoryPeers {
  readonly #init: DirectoryPeersInit
  readonly #streams = new Map<NodeId, OpenStream>()
  /** Monotonic time before which no stream is opened to the peer; infinite where it does not know the protocol. */
  readonly #notBefore = new Map<NodeId, number>()
  /** Monotonic time until which the peer is left out. */
  readonly #cutOff = new Map<NodeId, number>()
  readonly #opening = new Set<NodeId>()
  #timer: Timer | null = null
  malformed = 0

  constructor(init: DirectoryPeersInit) {
    this.#init = init
  }

  async start(): Promise<void> {
    const options = {
      maxInboundStreams: MAX_STREAMS,
      maxOutboundStreams: MAX_STREAMS,
      runOnLimitedConnection: true,
    }
    await this.#init.host.handle(
      DIRECTORY_PROTOCOL,
      (stream, connection) => this.#accept(stream, connection),
      options,
    )
    this.#timer ??= this.#init.clock.setInterval(() => this.#tick(), TICK_MS)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
    for (const { stream } of [...this.#streams.values()]) stream.end(new Error('the node is stopping'))
    this.#streams.clear()
  }

  /** A trunk stands: the side that dialled it opens the stream. */
  trunkUp(trunk: Trunk): void {
    this.#notBefore.delete(trunk.nodeId)
    this.#open(trunk)
  }

  send(peer: string, message: DirectoryMessage): boolean {
    return this.#streams.get(peer as NodeId)?.stream.send(message) ?? false
  }

  cutOff(peer: string, why: string): void {
    const { clock, logger } = this.#init
    logger.warn('a peer abuses the directory and is left out for a while', { node: peer, why })
    this.#cutOff.set(peer as NodeId, clock.monotonicMs() + CUT_OFF_MS)
    this.#streams.get(peer as NodeId)?.stream.end(new Error(why))
  }

  #open(trunk: Trunk): void {
    const { nodeId } = trunk
    const now = this.#init.clock.monotonicMs()
    if (!trunk.initiator || this.#streams.has(nodeId) || this.#opening.has(nodeId)) return
    if (now < (this.#notBefore.get(nodeId) ?? 0) || this.#isCutOff(nodeId)) return
    const connection = this.#init.host
      .getConnections(peerIdFromString(trunk.peerId))
      .find((one) => trunk.runsOver(one))
    if (connection === undefined) return
    this.#opening.add(nodeId)
    this.#notBefore.set(nodeId, now + RETRY_MS)
    connection
      .newStream(DIRECTORY_PROTOCOL, {
        signal: AbortSignal.timeout(OPEN_TIMEOUT_MS),
        runOnLimitedConnection: true,
      })
      .finally(() => this.#opening.delete(nodeId))
      .then(
        (stream) => this.#attach(stream, connection, nodeId),
        (error: unknown) => {
          const isUnknown = error instanceof Error && error.name === 'UnsupportedProtocolError'
          if (isUnknown) this.#notBefore.set(nodeId, Number.POSITIVE_INFINITY)
          this.#init.logger.debug('no directory with the peer', { node: nodeId, error })
        },
      )
  }

  #accept(stream: Stream, connection: Connection): void {
    const nodeId = nodeIdOfPeer(connection.remotePeer)
    if (this.#isCutOff(nodeId)) {
      stream.abort(new Error('not now'))
      return
    }
    this.#attach(stream, connection, nodeId)
  }

  #attach(stream: Stream, connection: Connection, nodeId: NodeId): void {
    if (this.#timer === null) {
      stream.abort(new Error('the node is stopping'))
      return
    }
    this.#streams.get(nodeId)?.stream.end(new Error('a newer stream takes its place'))
    const { onUp, onDown, onMessage, clock, logger } = this.#init
    const opened = new DirectoryStream({
      stream,
      onMessage: (message) => onMessage(nodeId, message),
      onMalformed: (error) => {
        this.malformed++
        this.#cutOff.set(nodeId, clock.monotonicMs() + CUT_OFF_MS)
        logger.warn('a peer broke the protocol of the directory', { node: nodeId, error })
      },
      onClose: () => {
        if (this.#streams.get(nodeId)?.stream !== opened) return
        this.#streams.delete(nodeId)
        this.#notBefore.set(nodeId, clock.monotonicMs() + REOPEN_MS)
        onDown(nodeId)
      },
    })
    this.#streams.set(nodeId, { stream: opened, sinceMs: clock.monotonicMs() })
    onUp({ peer: nodeId, network: peerNetwork(connection.remoteAddr.toString()) })
  }

  /** Opens what is missing, and ends streams of peers that have no trunk. */
  #tick(): void {
    const now = this.#init.clock.monotonicMs()
    for (const trunk of this.#init.trunks()) this.#open(trunk)
    for (const [nodeId, { stream, sinceMs }] of [...this.#streams])
      if (now - sinceMs > TRUNK_GRACE_MS && this.#init.trunkOf(nodeId) === undefined)
        stream.end(new Error('no trunk stands with the peer'))
    for (const [nodeId, untilMs] of this.#cutOff) if (untilMs <= now) this.#cutOff.delete(nodeId)
    for (const [nodeId, untilMs] of this.#notBefore)
      if (untilMs <= now || this.#init.trunkOf(nodeId) === undefined) this.#notBefore.delete(nodeId)
  }

  #isCutOff(nodeId: NodeId): boolean {
    return this.#init.clock.monotonicMs() < (this.#cutOff.get(nodeId) ?? 0)
  }
}
