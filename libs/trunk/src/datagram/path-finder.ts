import type { Clock } from '@wakunet/interface'
import { TokenBucket } from '../control-stream.ts'
import { AddressSet } from './address-set.ts'
import { BASE_DATAGRAM_BYTES } from './mtu-search.ts'
import {
  decodePathMessage,
  encodePathMessage,
  MIN_CHALLENGE_DATAGRAM_BYTES,
  type PathChallenge,
  type PathResponse,
} from './path-message.ts'
import { PathWatch } from './path-watch.ts'
import type { ProbedAddress } from './probed-address.ts'
import { Suspicion } from './suspicion.ts'

/** Addresses that do not answer are challenged after this, twice as long each time. */
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 30_000
const LAST_RETRY_WITH_PATH_MS = 120_000
const RETRY_JITTER = 0.25
/** A path that has just been found is looked at again soon, a few times: it may be the better one. */
const LOOK_AGAIN_MS = 250
const FIRST_LOOKS = 4
const MAX_WARM = 4
const WARM_LOSSES = 3
const WARM_RETRY_MS = 1_000
/** IPv6 counts as less than it is: `rtt * 0.8 - 10 ms`. */
const IPV6_FACTOR = 0.8
const IPV6_BONUS_MS = 10
/** Another path must be better by a quarter and 5 ms, twice in a row. */
const BETTER_FACTOR = 1.25
const BETTER_MS = 5
const BETTER_ANSWERS = 2
const CHALLENGE_BURST = 32
const CHALLENGES_PER_SECOND = 16
const RESPONSE_BURST = 64
const RESPONSES_PER_SECOND = 32

export interface PathFinderInit {
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  /** 8 bytes that nobody can guess. */
  readonly newToken: () => Uint8Array
  /** Seals and sends a path message, padded to a datagram of `datagramBytes`. */
  readonly send: (message: Uint8Array, to: Uint8Array, datagramBytes: number) => void
  /** Largest UDP payload that this host's interfaces take. */
  readonly largestDatagram: (isIpv6: boolean) => number
  /** Records that came from the peer over its datagram path, ever. */
  readonly recordsReceived: () => number
  readonly recordsSent: () => number
  /** Those of them that any path's smallest datagrams could not carry whole. */
  readonly largeRecordsSent: () => number
  /** Where records go from now on, and how large their datagrams may be; null: nowhere. */
  readonly onPath: (path: ProbedAddress | null) => void
  /** The peer sees this node at `address`. */
  readonly onObserved: (address: Uint8Array) => void
  readonly onRoundTrip: (ms: number) => void
}

/** Monotonic counters. */
export interface PathFinderStats {
  challengesSent: number
  challengesAnswered: number
  responsesReceived: number
  /** Answers to no challenge of ours. */
  responsesUnknown: number
  messagesMalformed: number
  /** Challenges over the peer's rate. */
  challengesIgnored: number
  pathsFound: number
  pathsLost: number
  /** Changes of address while a path was in use. */
  pathsMoved: number
  blackHoles: number
  addressesForgotten: number
}

/**
 * Finds the best way for datagrams to one peer and notices when it is gone: `docs/protocols/trunk.md`, addresses. Everything that
 * it hears is authentic; what it does not know it learns by challenges.
 */
export class PathFinder {
  readonly #init: PathFinderInit
  readonly #addresses: AddressSet
  readonly #suspicion = new Suspicion()
  readonly #watch: PathWatch
  readonly #challenges: TokenBucket
  readonly #responses: TokenBucket
  #active: ProbedAddress | null = null
  /** Where the last authentic datagram came from. */
  #lastFrom = new Uint8Array(0)
  #theirReceived: number | null = null
  readonly #counters = {
    challengesSent: 0,
    challengesAnswered: 0,
    responsesReceived: 0,
    responsesUnknown: 0,
    messagesMalformed: 0,
    challengesIgnored: 0,
    pathsFound: 0,
    pathsLost: 0,
    pathsMoved: 0,
    blackHoles: 0,
  }

  constructor(init: PathFinderInit) {
    this.#init = init
    this.#addresses = new AddressSet(init.largestDatagram)
    this.#watch = new PathWatch(init.random)
    this.#challenges = new TokenBucket(CHALLENGE_BURST, CHALLENGES_PER_SECOND, init.clock)
    this.#responses = new TokenBucket(RESPONSE_BURST, RESPONSES_PER_SECOND, init.clock)
  }

  /** Where records go; null where no address answers. */
  get active(): ProbedAddress | null {
    return this.#active
  }

  /** How many addresses of the peer are known. */
  get addresses(): number {
    return this.#addresses.size
  }

  get stats(): PathFinderStats {
    return { ...this.#counters, addressesForgotten: this.#addresses.forgotten }
  }

  /** Time since the path in use last proved that it works, in milliseconds; infinite where there is none. */
  get unconfirmedMs(): number {
    return this.#active === null
      ? Number.POSITIVE_INFINITY
      : this.#init.clock.monotonicMs() - this.#watch.confirmedAtMs
  }

  /** Replaces what the peer has told; addresses that answer stay. All that do not are tried again. */
  setTold(told: readonly Uint8Array[]): void {
    this.#addresses.setTold(told, this.#init.clock.monotonicMs())
    this.retry()
  }

  /** An authentic datagram came from there. The bytes are copied. */
  seen(from: Uint8Array): void {
    if (equal(from, this.#lastFrom)) return
    this.#lastFrom = from.slice()
    if (this.#active !== null && equal(from, this.#active.packed)) return
    const now = this.#init.clock.monotonicMs()
    const address = this.#addresses.know(from, now)
    if (this.#active === null || address === null || !this.#suspicion.raise(now)) return
    // The peer may have moved: both addresses are asked.
    this.#watch.doubt()
    address.retry(now)
    this.#tickSuspicion(this.#active, now)
  }

  /** Something has changed on this host or at the peer: addresses that do not answer are tried at once. */
  retry(): void {
    const now = this.#init.clock.monotonicMs()
    for (const address of this.#addresses.all()) if (!address.usable) address.retry(now)
  }

  /** An authentic message about paths. */
  receive(bytes: Uint8Array, from: Uint8Array): void {
    const message = decodePathMessage(bytes)
    if (message === null) {
      this.#counters.messagesMalformed++
      return
    }
    this.seen(from)
    this.#heardReceived(message.received)
    if (message.type === 'challenge') this.#answer(message, from)
    else this.#answered(message)
  }

  /** Does what is due. */
  tick(): void {
    const now = this.#init.clock.monotonicMs()
    this.#watch.used(now, this.#init.recordsSent(), this.#init.largeRecordsSent())
    if (this.#active !== null) this.#tickActive(this.#active, now)
    let warm = 0
    for (const address of this.#addresses.all()) {
      if (address === this.#active) continue
      address.expire(now)
      if (address.usable && ++warm > MAX_WARM) this.#cool(address, now)
      else if (address.nextAtMs <= now) this.#tickOther(address, now)
    }
    if (this.#active !== null) this.#tickSuspicion(this.#active, now)
  }

  #tickActive(active: ProbedAddress, now: number): void {
    for (const { full, datagramBytes } of active.expire(now)) {
      if (full) this.#fullLost(active, datagramBytes, now)
      else active.mtu.lost(datagramBytes, now)
    }
    const verdict = this.#watch.tick(now, {
      outstanding: active.hasOutstanding,
      rttMs: active.rttMs ?? 0,
      large: active.mtu.bytes > BASE_DATAGRAM_BYTES,
    })
    if (verdict === 'dead') {
      this.#lose(active, now)
      return
    }
    if (verdict === 'challenge') this.#challenge(active, MIN_CHALLENGE_DATAGRAM_BYTES, now)
    if (verdict === 'challenge-full') this.#challenge(active, active.mtu.bytes, now, true)
    const size = active.isProbingMtu ? null : active.mtu.next(now)
    if (size !== null) this.#challenge(active, size, now)
  }

  #tickOther(address: ProbedAddress, now: number): void {
    if (address.usable && address.attempts >= WARM_LOSSES) address.forget()
    if (!address.usable && !this.#challenges.take()) return
    this.#challenge(address, MIN_CHALLENGE_DATAGRAM_BYTES, now)
    const lastMs = this.#active === null ? LAST_RETRY_MS : LAST_RETRY_WITH_PATH_MS
    const retryMs = Math.min(lastMs, FIRST_RETRY_MS * 2 ** Math.min(20, address.attempts++))
    address.nextAtMs = now + this.#jitter(address.usable ? WARM_RETRY_MS : retryMs, RETRY_JITTER)
  }

  /** There are enough others. */
  #cool(address: ProbedAddress, now: number): void {
    address.forget()
    address.nextAtMs = now + this.#jitter(LAST_RETRY_WITH_PATH_MS, RETRY_JITTER)
  }

  #challenge(address: ProbedAddress, datagramBytes: number, now: number, full = false): void {
    const { newToken, send, recordsReceived } = this.#init
    const token = newToken()
    address.sent(tokenText(token), { sentAtMs: now, datagramBytes, full, lost: false })
    this.#counters.challengesSent++
    const message = encodePathMessage({ type: 'challenge', token, received: recordsReceived() })
    send(message, address.packed, datagramBytes)
  }

  #answer({ token }: PathChallenge, from: Uint8Array): void {
    if (!this.#responses.take()) {
      this.#counters.challengesIgnored++
      return
    }
    this.#counters.challengesAnswered++
    const received = this.#init.recordsReceived()
    const response = encodePathMessage({ type: 'response', token, received, observed: from })
    this.#init.send(response, from, 0)
  }

  #answered({ token, observed }: PathResponse): void {
    const now = this.#init.clock.monotonicMs()
    const text = tokenText(token)
    for (const address of this.#addresses.all()) {
      const challenge = address.answered(text, now)
      if (challenge === null) continue
      this.#counters.responsesReceived++
      this.#init.onObserved(observed)
      if (address === this.#active) {
        this.#init.onRoundTrip(now - challenge.sentAtMs)
        this.#suspicion.answered(challenge.sentAtMs)
      }
      this.#learn(address, challenge.datagramBytes, now)
      return
    }
    this.#counters.responsesUnknown++
  }

  /** What an answer says of the path that the challenge took. */
  #learn(address: ProbedAddress, datagramBytes: number, now: number): void {
    const grew = datagramBytes >= BASE_DATAGRAM_BYTES && address.mtu.passed(datagramBytes, now)
    if (address === this.#active) {
      this.#watch.confirmed(now)
      if (grew) this.#init.onPath(address)
      return
    }
    if (!address.usable) {
      // It is there. Now whether records would fit.
      this.#challenge(address, BASE_DATAGRAM_BYTES, now)
      return
    }
    address.attempts = 0
    address.nextAtMs = now + (address.samples < FIRST_LOOKS ? LOOK_AGAIN_MS : this.#watch.keepAliveMs())
    if (this.#active === null) {
      this.#counters.pathsFound++
      this.#activate(address, now)
    } else this.#compare(address, this.#active, now)
  }

  #compare(other: ProbedAddress, active: ProbedAddress, now: number): void {
    const isBetter = scoreOf(other) * BETTER_FACTOR + BETTER_MS <= scoreOf(active)
    other.better = isBetter ? other.better + 1 : 0
    if (isBetter && other.better < BETTER_ANSWERS) other.nextAtMs = now + LOOK_AGAIN_MS
    if (other.better >= BETTER_ANSWERS) this.#move(active, other, now)
  }

  #tickSuspicion(active: ProbedAddress, now: number): void {
    const due = this.#suspicion.tick(now, active.rttMs ?? 0)
    if (due === 'ask') this.#challenge(active, MIN_CHALLENGE_DATAGRAM_BYTES, now)
    if (due !== 'leave') return
    for (const address of this.#addresses.all()) {
      const answered = (address.answeredAtMs ?? Number.NEGATIVE_INFINITY) >= this.#suspicion.sinceMs
      if (address === active || !address.usable || !answered) continue
      this.#move(active, address, now)
      return
    }
  }

  #move(from: ProbedAddress, to: ProbedAddress, now: number): void {
    this.#counters.pathsMoved++
    from.nextAtMs = now + this.#watch.keepAliveMs()
    this.#activate(to, now)
  }

  #activate(address: ProbedAddress, now: number): void {
    this.#active = address
    address.better = 0
    this.#suspicion.clear()
    this.#watch.begin(now)
    this.#init.onPath(address)
  }

  #lose(active: ProbedAddress, now: number): void {
    this.#counters.pathsLost++
    this.#active = null
    active.forget()
    for (const address of this.#addresses.all()) address.retry(now)
    this.#init.onPath(null)
  }

  #fullLost(active: ProbedAddress, datagramBytes: number, now: number): void {
    const lostSize = datagramBytes === active.mtu.bytes
    if (!lostSize || !this.#watch.answersLately(now) || !active.mtu.fullLost()) return
    this.#counters.blackHoles++
    this.#init.onPath(active)
  }

  /** The peer has more of our records than before: they take the path in use. */
  #heardReceived(received: number): void {
    const before = this.#theirReceived
    this.#theirReceived = received
    if (before === null || this.#active === null || ((received - before) | 0) <= 0) return
    this.#watch.confirmed(this.#init.clock.monotonicMs())
  }

  #jitter(ms: number, part: number): number {
    return ms * (1 + part * (2 * this.#init.random() - 1))
  }
}

function scoreOf({ leastRttMs, isIpv6 }: ProbedAddress): number {
  return isIpv6 ? leastRttMs * IPV6_FACTOR - IPV6_BONUS_MS : leastRttMs
}

const tokenText = (token: Uint8Array): string => Buffer.from(token).toString('hex')
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
