import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { nodeIdToBytes } from '@wakunet/identity'
import { type Clock, type Logger, type NodeId, type Startable, WakunetError } from '@wakunet/interface'
import {
  candidateList,
  cipherList,
  type DatagramAddress,
  DatagramChannel,
  type DatagramControl,
  DatagramPath,
  DatagramSocket,
  type Hello,
  hasAesInHardware,
  type WireCandidate,
} from '@wakunet/trunk'
import type { TrunkPeerConfig } from '../config.ts'
import type { OverlayGate } from '../overlay-gate.ts'
import { isLocalHost, mayReachHost } from '../peer-addresses.ts'
import { type DatagramListen, datagramListen } from './datagram-listen.ts'
import { type HostAddresses, hostAddresses } from './host-addresses.ts'
import { ReflexiveAddresses } from './reflexive-addresses.ts'

const PATH_COUNTERS = [
  'pathsFound',
  'pathsLost',
  'pathsMoved',
  'blackHoles',
  'challengesSent',
  'challengesAnswered',
  'challengesIgnored',
  'responsesReceived',
  'responsesUnknown',
  'messagesMalformed',
  'addressesForgotten',
  'datagramsSent',
  'datagramsReceived',
  'datagramsDropped',
  'replayed',
  'notAuthentic',
  'malformed',
] as const satisfies readonly (keyof DatagramPath['stats'])[]
type PathTotals = Record<(typeof PATH_COUNTERS)[number], number>

/** Monotonic counters. */
export type DatagramTotals = PathTotals & { readonly unknownIndex: number; readonly tooShort: number }

export interface DatagramPortInit {
  readonly self: NodeId
  readonly config: Pick<TrunkPeerConfig, 'datagram' | 'listen' | 'announce'>
  readonly gate: OverlayGate
  readonly clock: Clock
  readonly logger: Logger
}

/** The trunk that a datagram path is for. */
export interface DatagramLink {
  readonly peer: NodeId
  readonly connection: Connection
  readonly initiator: boolean
  readonly ourHello: Hello
  readonly theirHello: Hello
  readonly maxRecordBytes: number
  readonly send: (message: DatagramControl) => void
  readonly onRecord: (record: Uint8Array, freeBytes: number) => void
  readonly onUsable: (usable: boolean) => void
  readonly onRoundTrip: (ms: number) => void
}

/** The UDP port of this node, and what it tells peers to reach it. */
export class DatagramPort implements Startable {
  readonly #init: DatagramPortInit
  readonly #paths = new Set<DatagramPath>()
  readonly #ended: PathTotals = Object.fromEntries(PATH_COUNTERS.map((name) => [name, 0])) as PathTotals
  readonly #reflexive = new ReflexiveAddresses()
  #socket: DatagramSocket | null = null
  #listen: DatagramListen | null = null
  #addresses: HostAddresses = { hosts: [], largestDatagram4: 0, largestDatagram6: 0 }

  constructor(init: DatagramPortInit) {
    this.#init = init
  }

  /** Null where the datagram path is switched off, or this host cannot have a UDP port. */
  get port(): number | null {
    return this.#socket?.port ?? null
  }

  /** As what peers on the internet see this node's datagrams, one entry for each. */
  get seenByPublicPeers(): DatagramAddress[] {
    return this.#reflexive.all(this.#init.clock.monotonicMs()).filter(({ host }) => !isLocalHost(host))
  }

  /** IP addresses of this host. */
  get ownHosts(): readonly string[] {
    return this.#addresses.hosts
  }

  /** Counters of all paths, also of those that have ended. */
  get totals(): DatagramTotals {
    const totals = { ...this.#ended }
    for (const path of this.#paths) addTo(totals, path.stats)
    const { unknownIndex = 0, tooShort = 0 } = this.#socket?.stats ?? {}
    return { ...totals, unknownIndex, tooShort }
  }

  /** @throws WakunetError `ERR_PORT_TAKEN`, `ERR_ADDRESS_INVALID`, `ERR_MISSING_PRIVILEGE` for what the configuration asks for */
  async start(): Promise<void> {
    const { config, logger } = this.#init
    const listen = config.datagram.enabled ? datagramListen(config.datagram, config.listen) : null
    if (listen === null || this.#socket !== null) return
    this.#socket = await this.#open(listen)
    if (this.#socket === null) return
    this.#listen = listen
    this.#look()
    logger.info('datagram port open', { port: this.#socket.port })
  }

  async stop(): Promise<void> {
    const socket = this.#socket
    this.#socket = null
    for (const path of [...this.#paths]) this.close(path)
    await socket?.stop()
  }

  /** A datagram path for a trunk; null where there is no port. Who gets it closes it with `close`. */
  open(link: DatagramLink): DatagramPath | null {
    const socket = this.#socket
    if (socket === null) return null
    const { clock } = this.#init
    const path = new DatagramPath({
      initiator: link.initiator,
      identity: this.#identity(link),
      ciphers: cipherList(this.#init.config.datagram.cipher, hasAesInHardware),
      port: socket.port,
      connectionHost: hostOfConnection(link.connection),
      clock,
      openChannel: (events) =>
        new DatagramChannel({ socket, maxRecordBytes: link.maxRecordBytes, ...events }),
      newIndex: () => socket.unusedIndex(),
      newToken: () => randomBytes(8),
      random: Math.random,
      largestDatagram: (isIpv6) => this.#addresses[isIpv6 ? 'largestDatagram6' : 'largestDatagram4'],
      allowed: (host) => this.#mayReach(host),
      send: link.send,
      onRecord: link.onRecord,
      onUsable: link.onUsable,
      onObserved: (address) => this.#observed(link.peer, address),
      onRoundTrip: link.onRoundTrip,
    })
    this.#paths.add(path)
    path.setOwnCandidates(this.candidates())
    return path
  }

  /** The trunk has ended. */
  close(path: DatagramPath): void {
    if (this.#paths.delete(path)) addTo(this.#ended, path.stats)
    path.close()
  }

  /** Addresses of this host have changed, or the VLANs that it has joined. */
  refresh(): void {
    if (this.#socket === null) return
    const before = this.#addresses.hosts.join(' ')
    this.#look()
    if (this.#addresses.hosts.join(' ') !== before) this.#reflexive.clear()
    for (const path of this.#paths) path.reconsider()
    this.#tell()
  }

  /** What peers are told. */
  candidates(): WireCandidate[] {
    const { config, gate, clock } = this.#init
    const { port } = this
    if (port === null) return []
    const host = this.#addresses.hosts.map((address): DatagramAddress => ({ host: address, port }))
    const known = new Set(this.#addresses.hosts)
    const reflexive = this.#reflexive
      .list(clock.monotonicMs())
      .filter((address) => !gate.isOverlayHost(address.host) && !known.has(address.host))
    return candidateList({ configured: configuredAddresses(config.announce, port), host, reflexive })
  }

  async #open(listen: DatagramListen): Promise<DatagramSocket | null> {
    const { logger } = this.#init
    const socketOn = (port: number): DatagramSocket =>
      new DatagramSocket({
        ...listen,
        port,
        onError: (error) => logger.error('the datagram port failed; trunks use their streams', { error }),
      })
    const socket = socketOn(listen.port)
    try {
      await socket.start()
      return socket
    } catch (error) {
      if (listen.wanted) throw adviceFor(error)
      logger.warn('the UDP port of trunks is not to be had; another one is used', {
        port: listen.port,
        error,
      })
    }
    const other = socketOn(0)
    try {
      await other.start()
      return other
    } catch (error) {
      logger.error('no UDP port can be opened; trunks use their streams', { error })
      return null
    }
  }

  #look(): void {
    const { host4, host6 } = this.#listen!
    const { gate } = this.#init
    this.#addresses = hostAddresses({ host4, host6, isOverlay: (host) => gate.isOverlayHost(host) })
  }

  #tell(): void {
    const candidates = this.candidates()
    for (const path of this.#paths) path.setOwnCandidates(candidates)
  }

  #observed(peer: NodeId, address: Uint8Array): void {
    if (this.#reflexive.observed(peer, address, this.#init.clock.monotonicMs())) this.#tell()
  }

  #mayReach(host: string): boolean {
    return !this.#init.gate.isOverlayHost(host) && mayReachHost(host, this.#addresses.hosts)
  }

  #identity({ peer, initiator, ourHello, theirHello }: DatagramLink) {
    const [us, them] = [nodeIdToBytes(this.#init.self), nodeIdToBytes(peer)]
    return initiator
      ? { initiatorId: us, responderId: them, initiatorHello: ourHello, responderHello: theirHello }
      : { initiatorId: them, responderId: us, initiatorHello: theirHello, responderHello: ourHello }
  }
}

function addTo(totals: PathTotals, stats: DatagramPath['stats']): void {
  for (const name of PATH_COUNTERS) totals[name] += stats[name]
}

/** The IP address at the other end; null for a relayed connection, whose address is the relay's. */
function hostOfConnection({ remoteAddr }: Connection): string | null {
  const text = remoteAddr.toString()
  const host = text.includes('/p2p-circuit') ? '' : (text.split('/')[2] ?? '')
  return isIP(host) === 0 ? null : host
}

/** IP addresses of `trunk.announce`: TCP ones stand for the same UDP port of this node. */
function configuredAddresses(announce: readonly string[], port: number): DatagramAddress[] {
  return announce.flatMap((text) => {
    const [ip, transport] = multiaddr(text).getComponents()
    const host = ip?.value ?? ''
    if (isIP(host) === 0) return []
    return [{ host, port: transport?.name === 'udp' ? Number(transport.value) : port }]
  })
}

function adviceFor(error: unknown): unknown {
  if (!(error instanceof WakunetError)) return error
  const advice =
    error.code === 'ERR_PORT_TAKEN'
      ? " See who has it with 'ss -lunp', stop that program, or give another port"
      : ' Check the address'
  return new WakunetError(
    error.code,
    `cannot open the datagram port: ${error.message}${advice} (trunk.datagram.listen).`,
    {
      cause: error,
    },
  )
}
