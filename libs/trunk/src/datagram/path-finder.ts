import type { Clock } from '@wakunet/interface'
import { TokenBucket } from '../control-stream.ts'
import { FailureDetector } from '../failure-detector.ts'
import { BASE_DATAGRAM_BYTES } from './mtu-search.ts'
import {
  decodePathMessage,
  encodePathMessage,
  MIN_CHALLENGE_DATAGRAM_BYTES,
  type PathChallenge,
  type PathResponse,
} from './path-message.ts'
import { ProbedAddress } from './probed-address.ts'

/** Addresses kept of one peer: those that it told, those that the connection says, and those seen. */
export const MAX_ADDRESSES = 24
/** The owner ticks this often. */
export const PATH_TICK_MS = 50
/** The path in use is challenged after this time without proof that it works, and given up five such times later. */
const PROBE_INTERVAL_MS = 150
const EXTRA_INTERVALS = 3
const PATIENCE_MS = 100
/** A path over which nothing was sent for this long is merely kept alive. */
const IDLE_AFTER_MS = 2_000
/** Less than what any NAT forgets a UDP mapping after (RFC 4787 REQ-5: 2 minutes; many have 30 s). */
const KEEP_ALIVE_MS = 15_000
const KEEP_ALIVE_JITTER = 0.2
const FULL_SIZE_EVERY_MS = 300
/** Addresses that do not answer are challenged after this, twice as long each time. */
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 30_000
const LAST_RETRY_WITH_PATH_MS = 120_000
const RETRY_JITTER = 0.25
/** A path that has just been found is looked at again soon: it may be the better one. */
const SECOND_LOOK_MS = 250
const MAX_WARM = 4
const WARM_LOSSES = 3
const WARM_RETRY_MS = 1_000
/** IPv6 counts as less than it is: `rtt * 0.8 - 5 ms`. */
const IPV6_FACTOR = 0.8
const IPV6_BONUS_MS = 5
/** Another path must be better by a quarter and 5 ms, twice in a row. */
const BETTER_FACTOR = 1.25
const BETTER_MS = 5
const BETTER_ANSWERS = 2
/** After a datagram from elsewhere the path in use must answer within this, or gives way. */
const SUSPECT_MS = 300
const SUSPECT_ASK_MS = 100
const SUSPECT_FOR_MS = 5_000

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
  readonly #addresses = new Map<string, ProbedAddress>()
  readonly #detector = new FailureDetector({
    intervalMs: PROBE_INTERVAL_MS,
    tickMs: PATH_TICK_MS,
    extraIntervals: EXTRA_INTERVALS,
  })
  readonly #challenges: TokenBucket
  readonly #responses: TokenBucket
  #active: ProbedAddress | null = null
  /** Where the last authentic datagram came from. */
  #lastFrom = new Uint8Array(0)
  #confirmedAtMs = 0
  #suspectAtMs = Number.NEGATIVE_INFINITY
  #suspectAskedAtMs = 0
  #keepAliveAtMs = 0
  /** A keep-alive, or a question because of a suspicion, waits for its answer. */
  #asking = false
  #fullAtMs = 0
  #sent = 0
  #sentAtMs = Number.NEGATIVE_INFINITY
  #theirReceived: number | null = null
  readonly stats: PathFinderStats = {
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
    addressesForgotten: 0,
  }

  constructor(init: PathFinderInit) {
    this.#init = init
    this.#challenges = new TokenBucket(CHALLENGE_BURST, CHALLENGES_PER_SECOND, init.clock)
    this.#responses = new TokenBucket(RESPONSE_BURST, RESPONSES_PER_SECOND, init.clock)
  }

  /** Where records go; null where no address answers. */
  get active(): ProbedAddress | null {
    return this.#active
  }

  get addresses(): number {
    return this.#addresses.size
  }

  /** Time since the path in use last proved that it works, in milliseconds; infinite where there is none. */
  get unconfirmedMs(): number {
    return this.#active === null
      ? Number.POSITIVE_INFINITY
      : this.#init.clock.monotonicMs() - this.#confirmedAtMs
  }

  /** Replaces what the peer has told; addresses that answer stay. All that do not are tried again. */
  setTold(told: readonly Uint8Array[]): void {
    for (const address of this.#addresses.values()) address.told = false
    for (const packed of told) this.#know(packed, true)
    for (const [key, address] of this.#addresses)
      if (!address.told && !address.usable) this.#addresses.delete(key)
    this.retry()
  }

  /** An authentic datagram came from there. The bytes are copied. */
  seen(from: Uint8Array): void {
    if (equal(from, this.#lastFrom)) return
    this.#lastFrom = from.slice()
    if (this.#active !== null && equal(from, this.#active.packed)) return
    const address = this.#know(from, false)
    const now = this.#init.clock.monotonicMs()
    if (this.#active === null || address === null || now - this.#suspectAtMs < SUSPECT_MS) return
    // The peer may have moved: both addresses are asked.
    this.#suspectAtMs = now
    this.#asking = true
    address.retry(now)
    this.#askSuspect(this.#active, now)
  }

  /** Something has changed on this host or at the peer: addresses that do not answer are tried at once. */
  retry(): void {
    const now = this.#init.clock.monotonicMs()
    for (const address of this.#addresses.values()) if (!address.usable) address.retry(now)
  }

  /** An authentic message about paths. */
  receive(bytes: Uint8Array, from: Uint8Array): void {
    const message = decodePathMessage(bytes)
    if (message === null) {
      this.stats.messagesMalformed++
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
    const sent = this.#init.recordsSent()
    if (sent !== this.#sent) this.#sentAtMs = now
    this.#sent = sent
    if (this.#active !== null) this.#tickActive(this.#active, now)
    let warm = 0
    for (const address of this.#addresses.values()) {
      if (address === this.#active) continue
      address.expire(now)
      if (address.usable && ++warm > MAX_WARM) this.#cool(address, now)
      else if (address.nextAtMs <= now) this.#tickOther(address, now)
    }
    if (this.#active !== null) this.#tickSuspect(this.#active, now)
  }

  #tickActive(active: ProbedAddress, now: number): void {
    for (const { full, datagramBytes } of active.expire(now)) {
      if (full) this.#fullLost(active, datagramBytes)
      else active.mtu.lost(datagramBytes, now)
    }
    if (now - this.#sentAtMs < IDLE_AFTER_MS || this.#asking) this.#watch(active, now)
    else this.#keepAlive(active, now)
    if (this.#active !== active || active.isProbingMtu) return
    const size = active.mtu.next(now)
    if (size !== null) this.#challenge(active, size, now)
  }

  #watch(active: ProbedAddress, now: number): void {
    const verdict = this.#detector.tick(now, {
      heardAgeMs: now - this.#confirmedAtMs,
      outstanding: active.hasOutstanding,
      patienceMs: PATIENCE_MS + 3 * (active.rttMs ?? 0),
    })
    if (verdict === 'dead') {
      this.#lose(active, now)
      return
    }
    const isFullDue = active.mtu.bytes > BASE_DATAGRAM_BYTES && now - this.#fullAtMs >= FULL_SIZE_EVERY_MS
    if (isFullDue && !this.#asking) {
      this.#fullAtMs = now
      this.#challenge(active, active.mtu.bytes, now, true)
    }
    if (verdict === 'probe') this.#challenge(active, MIN_CHALLENGE_DATAGRAM_BYTES, now)
  }

  #keepAlive(active: ProbedAddress, now: number): void {
    this.#detector.reset()
    if (now < this.#keepAliveAtMs) return
    this.#asking = true
    this.#challenge(active, MIN_CHALLENGE_DATAGRAM_BYTES, now)
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
    this.stats.challengesSent++
    const message = encodePathMessage({ type: 'challenge', token, received: recordsReceived() })
    send(message, address.packed, datagramBytes)
  }

  #answer({ token }: PathChallenge, from: Uint8Array): void {
    if (!this.#responses.take()) {
      this.stats.challengesIgnored++
      return
    }
    this.stats.challengesAnswered++
    const received = this.#init.recordsReceived()
    const response = encodePathMessage({ type: 'response', token, received, observed: from })
    this.#init.send(response, from, 0)
  }

  #answered({ token, observed }: PathResponse): void {
    const now = this.#init.clock.monotonicMs()
    const text = tokenText(token)
    for (const address of this.#addresses.values()) {
      const challenge = address.answered(text, now)
      if (challenge === null) continue
      this.stats.responsesReceived++
      this.#init.onObserved(observed)
      if (address === this.#active) {
        this.#init.onRoundTrip(now - challenge.sentAtMs)
        if (challenge.sentAtMs >= this.#suspectAtMs) this.#suspectAtMs = Number.NEGATIVE_INFINITY
      }
      this.#learn(address, challenge.datagramBytes, now)
      return
    }
    this.stats.responsesUnknown++
  }

  /** What an answer says of the path that the challenge took. */
  #learn(address: ProbedAddress, datagramBytes: number, now: number): void {
    const wasUsable = address.usable
    const grew = datagramBytes >= BASE_DATAGRAM_BYTES && address.mtu.passed(datagramBytes, now)
    if (address === this.#active) {
      this.#confirmed(now)
      if (grew) this.#init.onPath(address)
      return
    }
    if (!address.usable) {
      // It is there. Now whether records would fit.
      this.#challenge(address, BASE_DATAGRAM_BYTES, now)
      return
    }
    address.attempts = 0
    address.nextAtMs = now + (wasUsable ? this.#jitter(KEEP_ALIVE_MS, KEEP_ALIVE_JITTER) : SECOND_LOOK_MS)
    if (this.#active === null) {
      this.stats.pathsFound++
      this.#activate(address, now)
    } else this.#compare(address, this.#active, now)
  }

  #compare(other: ProbedAddress, active: ProbedAddress, now: number): void {
    const isBetter = scoreOf(other) * BETTER_FACTOR + BETTER_MS <= scoreOf(active)
    other.better = isBetter ? other.better + 1 : 0
    if (isBetter && other.better < BETTER_ANSWERS) other.nextAtMs = now + SECOND_LOOK_MS
    if (other.better >= BETTER_ANSWERS) this.#move(active, other, now)
  }

  /** The peer was seen elsewhere: where the path in use does not answer any more, the other takes over. */
  #tickSuspect(active: ProbedAddress, now: number): void {
    const ageMs = now - this.#suspectAtMs
    if (ageMs >= SUSPECT_FOR_MS) return
    if (ageMs < SUSPECT_MS + 2 * (active.rttMs ?? 0)) {
      if (now - this.#suspectAskedAtMs >= SUSPECT_ASK_MS) this.#askSuspect(active, now)
      return
    }
    for (const address of this.#addresses.values()) {
      const answered = (address.answeredAtMs ?? Number.NEGATIVE_INFINITY) >= this.#suspectAtMs
      if (address === active || !address.usable || !answered) continue
      this.#move(active, address, now)
      return
    }
  }

  #askSuspect(active: ProbedAddress, now: number): void {
    this.#suspectAskedAtMs = now
    this.#challenge(active, MIN_CHALLENGE_DATAGRAM_BYTES, now)
  }

  #move(from: ProbedAddress, to: ProbedAddress, now: number): void {
    this.stats.pathsMoved++
    from.nextAtMs = now + this.#jitter(KEEP_ALIVE_MS, KEEP_ALIVE_JITTER)
    this.#activate(to, now)
  }

  #activate(address: ProbedAddress, now: number): void {
    this.#active = address
    address.better = 0
    this.#suspectAtMs = Number.NEGATIVE_INFINITY
    this.#detector.reset()
    this.#confirmed(now)
    this.#init.onPath(address)
  }

  #lose(active: ProbedAddress, now: number): void {
    this.stats.pathsLost++
    this.#active = null
    this.#asking = false
    active.forget()
    for (const address of this.#addresses.values()) address.retry(now)
    this.#init.onPath(null)
  }

  #fullLost(active: ProbedAddress, datagramBytes: number): void {
    const lostSize = datagramBytes === active.mtu.bytes
    const otherwiseAnswers = this.unconfirmedMs < 2 * FULL_SIZE_EVERY_MS
    if (!lostSize || !otherwiseAnswers || !active.mtu.fullLost()) return
    this.stats.blackHoles++
    this.#init.onPath(active)
  }

  #confirmed(now: number): void {
    this.#confirmedAtMs = now
    this.#asking = false
    this.#keepAliveAtMs = now + this.#jitter(KEEP_ALIVE_MS, KEEP_ALIVE_JITTER)
  }

  /** The peer has more of our records than before: they take the path in use. */
  #heardReceived(received: number): void {
    const before = this.#theirReceived
    this.#theirReceived = received
    if (before === null || this.#active === null || ((received - before) | 0) <= 0) return
    this.#confirmed(this.#init.clock.monotonicMs())
  }

  /** @returns null where there is no room: the oldest that does not answer has gone, if there is one */
  #know(packed: Uint8Array, told: boolean): ProbedAddress | null {
    const key = keyOf(packed)
    const known = this.#addresses.get(key)
    if (known !== undefined) {
      known.told ||= told
      return known
    }
    if (this.#addresses.size >= MAX_ADDRESSES && !this.#forgetOldest()) return null
    const { clock, largestDatagram } = this.#init
    const address = new ProbedAddress(packed, {
      told,
      largestDatagram: largestDatagram(packed[0] === 10),
      nowMs: clock.monotonicMs(),
    })
    this.#addresses.set(key, address)
    return address
  }

  #forgetOldest(): boolean {
    for (const [key, address] of this.#addresses) {
      if (address.usable) continue
      this.stats.addressesForgotten++
      return this.#addresses.delete(key)
    }
    return false
  }

  #jitter(ms: number, part: number): number {
    return ms * (1 + part * (2 * this.#init.random() - 1))
  }
}

function scoreOf({ rttMs, isIpv6 }: ProbedAddress): number {
  const rtt = rttMs ?? Number.POSITIVE_INFINITY
  return isIpv6 ? rtt * IPV6_FACTOR - IPV6_BONUS_MS : rtt
}

const keyOf = (packed: Uint8Array): string => Buffer.from(packed).toString('latin1')
const tokenText = (token: Uint8Array): string => Buffer.from(token).toString('hex')
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
