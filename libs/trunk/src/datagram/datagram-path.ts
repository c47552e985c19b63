import type { Clock } from '@wakunet/interface'
import type { AeadAlgorithm } from '@wakunet/netio'
import type { DatagramControl, WireCandidate } from '../control-message.ts'
import { addressText, type DatagramAddress, packAddress } from './candidates.ts'
import { KeyExchange, type KeyUser } from './key-exchange.ts'
import { BASE_DATAGRAM_BYTES } from './mtu-search.ts'
import { PathFinder, type PathFinderStats } from './path-finder.ts'
import { newKeyShare, type TrunkIdentity } from './path-keys.ts'

/** What the datagram path needs of its data plane; `DatagramChannel` is it. */
export interface RecordChannel extends KeyUser {
  /** Where records go from now on, and the largest UDP payload on the way. */
  setPath(to: Uint8Array, datagramBytes: number): void
  send(record: Uint8Array): boolean
  sendMessage(payload: Uint8Array, to: Uint8Array, padToDatagramBytes?: number): boolean
  close(): void
  readonly stats: RecordChannelStats
}

/** Monotonic counters of the data plane that the path reads and passes on. */
export interface RecordChannelStats {
  readonly recordsSent: number
  readonly bytesSent: number
  readonly recordsReceived: number
  readonly bytesReceived: number
  readonly recordsDropped: number
  readonly datagramsSent: number
  /** Authentic and new ones alone. */
  readonly datagramsReceived: number
  readonly datagramsDropped: number
  readonly replayed: number
  readonly notAuthentic: number
  readonly malformed: number
  /** Datagrams sealed with the key in use. */
  readonly sendCounter: number
}

/** What the data plane tells. Bytes are valid during the call. */
export interface RecordChannelEvents {
  onRecord(record: Uint8Array, freeBytes: number): void
  onMessage(payload: Uint8Array, from: Uint8Array): void
  onAuthenticated(from: Uint8Array): void
}

/** Why records do not go by datagram. */
export type DatagramTrouble =
  /** Keys are being agreed on, or the first challenges are under way. */
  | 'negotiating'
  /** No cipher in common. */
  | 'cipher'
  /** The peer has told no address that this node may send to. */
  | 'no-address'
  /** No address of the peer answers. */
  | 'no-answer'
  /** A path that worked does not answer any more. */
  | 'lost'
  /** The peer did not renew its keys in time. */
  | 'keys'

/** For people. */
export interface DatagramPathInfo {
  /** Where records go; null where they do not go by datagram. */
  readonly address: string | null
  readonly rttMs: number | null
  readonly datagramBytes: number
  readonly cipher: AeadAlgorithm | null
  readonly trouble: DatagramTrouble | null
}

export interface DatagramPathInit {
  readonly initiator: boolean
  readonly identity: TrunkIdentity
  readonly ciphers: readonly AeadAlgorithm[]
  /** UDP port of this node. */
  readonly port: number
  /** Where the trunk's connection comes from; null where that says nothing, as over a relay. */
  readonly connectionHost: string | null
  readonly clock: Clock
  readonly openChannel: (events: RecordChannelEvents) => RecordChannel
  readonly newIndex: () => number
  readonly newToken: () => Uint8Array
  readonly random: () => number
  readonly largestDatagram: (isIpv6: boolean) => number
  /** Those of a peer's addresses to which this node may send. */
  readonly allowed: (host: string) => boolean
  readonly send: (message: DatagramControl) => void
  readonly onRecord: (record: Uint8Array, freeBytes: number) => void
  /** Records can go by datagram now, or cannot any more. */
  readonly onUsable: (usable: boolean) => void
  /** The peer sees this node at this address. */
  readonly onObserved: (address: Uint8Array) => void
  readonly onRoundTrip: (ms: number) => void
}

/** How long nothing may answer before that is the reason. */
const NEGOTIATION_MS = 5_000

/** The datagram path of one trunk: keys, addresses and records (`docs/protocols/trunk.md`). */
export class DatagramPath {
  readonly #init: DatagramPathInit
  readonly #channel: RecordChannel
  readonly #keys: KeyExchange
  readonly #finder: PathFinder
  readonly #startedAtMs: number
  #told: readonly DatagramAddress[] = []
  #toldSequence = -1
  #ownSequence = 0
  #own = ''
  #usable = false
  #wasUsable = false
  #recordsSent = 0
  #largeRecordsSent = 0
  /** Datagrams that had come when the present keys came into use. */
  #receivedBefore = 0
  #closed = false

  constructor(init: DatagramPathInit) {
    this.#init = init
    this.#startedAtMs = init.clock.monotonicMs()
    this.#channel = init.openChannel({
      onRecord: (record, freeBytes) => init.onRecord(record, freeBytes),
      onMessage: (payload, from) => this.#finder.receive(payload, from),
      onAuthenticated: (from) => this.#finder.seen(from),
    })
    const { newIndex, newToken, random, largestDatagram, onObserved, onRoundTrip, clock } = init
    this.#finder = new PathFinder({
      clock,
      random,
      newToken,
      largestDatagram,
      onObserved,
      onRoundTrip,
      send: (message, to, datagramBytes) => {
        if (this.#keys.generation === null) return
        this.#channel.sendMessage(message, to, datagramBytes)
      },
      recordsReceived: () => this.#channel.stats.recordsReceived,
      recordsSent: () => this.#recordsSent,
      largeRecordsSent: () => this.#largeRecordsSent,
      onPath: (path) => {
        if (path !== null) this.#channel.setPath(path.packed, path.mtu.bytes)
        this.#update()
      },
    })
    const { initiator, identity, ciphers, port, send } = init
    const user: KeyUser = {
      addKeys: (generation, keys) => this.#channel.addKeys(generation, keys),
      useKeys: (generation) => {
        this.#channel.useKeys(generation)
        this.#receivedBefore = this.#channel.stats.datagramsReceived
      },
      dropKeys: (generation) => this.#channel.dropKeys(generation),
    }
    this.#keys = new KeyExchange({
      initiator,
      identity,
      ciphers,
      port,
      user,
      send,
      newShare: newKeyShare,
      newIndex,
      random,
    })
    this.#keys.start(this.#startedAtMs)
  }

  /** True where records can go by datagram. */
  get usable(): boolean {
    return this.#usable
  }

  /** Time since the path in use last proved that it works, in milliseconds; infinite where there is none. */
  get unconfirmedMs(): number {
    return this.#finder.unconfirmedMs
  }

  /** Smoothed; null where there is no path. */
  get rttMs(): number | null {
    return this.#finder.active?.rttMs ?? null
  }

  /** How often the path in use has become another one. */
  get moves(): number {
    return this.#finder.stats.pathsMoved
  }

  get stats(): PathFinderStats & RecordChannelStats {
    return { ...this.#finder.stats, ...this.#channel.stats }
  }

  get info(): DatagramPathInfo {
    const active = this.#usable ? this.#finder.active : null
    return {
      address: active === null ? null : addressText(active.packed),
      rttMs: active?.rttMs ?? null,
      datagramBytes: active?.mtu.bytes ?? 0,
      cipher: this.#keys.cipher,
      trouble: this.#trouble(),
    }
  }

  /** Sends one record; it may be reused as soon as the call returns. @returns false where there is no path */
  sendRecord(record: Uint8Array): boolean {
    if (!this.#usable) return false
    this.#recordsSent++
    if (record.length > BASE_DATAGRAM_BYTES) this.#largeRecordsSent++
    return this.#channel.send(record)
  }

  /** Tells the peer where this node may get datagrams, unless it knows. */
  setOwnCandidates(candidates: readonly WireCandidate[]): void {
    const text = JSON.stringify(candidates)
    if (text === this.#own || this.#closed) return
    this.#own = text
    const sequence = ++this.#ownSequence
    this.#init.send({ type: 'datagram-candidates', sequence, candidates: [...candidates] })
    this.#finder.retry()
  }

  /** @throws WakunetError `ERR_DECODE` for what breaks the protocol: the trunk is closed */
  receive(message: DatagramControl): void {
    if (this.#closed) return
    if (message.type !== 'datagram-candidates') {
      const port = this.#keys.theirPort
      this.#keys.receive(message, this.#init.clock.monotonicMs())
      if (this.#keys.theirPort !== port) this.#tell()
      else this.#finder.retry()
      this.#update()
    } else if (message.sequence > this.#toldSequence) {
      this.#toldSequence = message.sequence
      this.#told = message.candidates
      this.#tell()
    }
  }

  /** What may be sent to changed: a VLAN was joined, or this host has other addresses. */
  reconsider(): void {
    this.#tell()
  }

  /** Does what is due. Call it every `PATH_TICK_MS`. */
  tick(): void {
    if (this.#closed) return
    const { sendCounter, datagramsReceived } = this.#channel.stats
    const datagrams = Math.max(sendCounter, datagramsReceived - this.#receivedBefore)
    this.#keys.tick(this.#init.clock.monotonicMs(), datagrams)
    if (this.#keys.generation !== null) this.#finder.tick()
    this.#update()
  }

  /** Wipes the keys. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#keys.close()
    this.#channel.close()
    this.#update()
  }

  #tell(): void {
    const { theirPort } = this.#keys
    const { connectionHost, allowed } = this.#init
    const addresses = this.#told.filter(({ host }) => allowed(host))
    // Where its connection comes from it may be sent to, whatever network that is.
    if (connectionHost !== null && theirPort > 0) addresses.unshift({ host: connectionHost, port: theirPort })
    const packed = addresses.map(packAddress).filter((address) => address !== null)
    this.#finder.setTold(packed)
  }

  #update(): void {
    const usable = !this.#closed && this.#keys.generation !== null && this.#finder.active !== null
    if (usable === this.#usable) return
    this.#usable = usable
    this.#wasUsable ||= usable
    this.#init.onUsable(usable)
  }

  #trouble(): DatagramTrouble | null {
    if (this.#usable) return null
    if (this.#keys.refused) return 'cipher'
    if (this.#keys.generation === null) return this.#wasUsable ? 'keys' : 'negotiating'
    if (this.#wasUsable) return 'lost'
    if (this.#init.clock.monotonicMs() - this.#startedAtMs < NEGOTIATION_MS) return 'negotiating'
    return this.#finder.addresses === 0 ? 'no-address' : 'no-answer'
  }
}
