import { ID_BYTES } from '@wakunet/interface'
import { compareBytes } from '../control/bytes.ts'
import { TokenBucket } from '../control/token-bucket.ts'
import { createDropCounters, type DropCounters } from '../drops.ts'
import { DEFAULT_BRIDGE_PRIORITY } from '../spanning-tree/vector.ts'
import { decodeLanFrame, encodeLanHello, isLanFrame, type LanHello } from './lan-frame.ts'

/** Every member that bridges a LAN says hello there so often. */
export const LAN_HELLO_MS = 250
/** Who was not heard for so long is not there any more. */
export const LAN_HOLD_MS = 1_000
/** Who could not say hello for so long does not forward: shorter than what the others wait. */
export const LAN_LEASE_MS = 900
/** Members that bridge one LAN; more are not heard. */
export const MAX_LAN_PEERS = 64
/** Hellos that are sent when something changes, and a second after that. */
const SEND_RATE = { burst: 16, perSecond: 16 } as const
/** Hellos that are read: everybody's, and as many again. */
const RECEIVE_RATE = { burst: 512, perSecond: 512 } as const

/**
 * Why a hello is not believed. Closed, so that it can label a counter.
 *
 * - `malformed`: does not decode
 * - `own`: this node's, come back: the LAN has a loop of its own, or another way to itself
 * - `flood`: more than anybody needs; this node does not forward meanwhile
 * - `full`: from more members than one LAN may have; the same
 */
export const LAN_DROPS = ['malformed', 'own', 'flood', 'full'] as const
export type LanDrop = (typeof LAN_DROPS)[number]

export interface LanElectionInit {
  /** 16 bytes each. */
  readonly vlanId: Uint8Array
  readonly nodeId: Uint8Array
  /** Source of hellos, six bytes: no interface's address, or its bridge would take them for its own. */
  readonly helloMac: Uint8Array
  /** As the VLAN's owner granted it. Default 32,768. */
  readonly priority?: number
  /** Whether records of a node are taken: it is a member that trunks lead to. */
  readonly isMember: (nodeId: Uint8Array) => boolean
  /** Whether trunks lead to no member at all, so that there is nothing to join the LAN with. */
  readonly isAlone: () => boolean
}

export interface LanElectionOutput {
  /** A frame for the LAN, which goes out even while nothing else does. */
  readonly send: (frame: Uint8Array) => void
  /** Also told when this node goes on forwarding and the LAN has grown by that of another one: its stations are here now. */
  readonly onChange: (isForwarding: boolean, nowMs: number) => void
}

/** Monotonic counters. */
export interface LanStats {
  hellosSent: number
  hellosReceived: number
  /** Began to forward. */
  takeovers: number
  /** Stopped for another member. */
  yields: number
  /** Stopped because this process was away for too long. */
  lapses: number
}

interface Peer {
  readonly hello: LanHello
  readonly heardMs: number
  /** Since when it forwards beside this node, `Infinity` for not at all. */
  readonly besideMs: number
}

/**
 * Which of the members that bridge one LAN passes frames between the LAN and the VLAN: exactly one for every LAN. They
 * hear each other over the LAN itself, by frames that go wherever a looping frame would; `docs/protocols/vlan-control.md`,
 * "A LAN behind a TAP", says why this is no part of the LAN's own spanning tree.
 *
 * Who forwards goes on; of two that forward, and of those that wait, the one with the lower (priority, node id) wins. A hello counts
 * only if trunks lead to its sender, or if the sender says that they lead from it to here: else the VLAN is no way between the two, and there
 * is no loop to be afraid of. A member without any trunk leaves the LAN to whoever else is there.
 */
export class LanElection {
  readonly stats: LanStats = { hellosSent: 0, hellosReceived: 0, takeovers: 0, yields: 0, lapses: 0 }
  readonly drops: DropCounters<LanDrop> = createDropCounters(LAN_DROPS)
  readonly #init: LanElectionInit
  readonly #output: LanElectionOutput
  readonly #peers = new Map<string, Peer>()
  readonly #sendBucket: TokenBucket
  readonly #receiveBucket: TokenBucket
  #priority: number
  #isForwarding = false
  #wasAlone: boolean
  /** Not before that. */
  #readyMs: number
  /** When the LAN can be heard. */
  #startMs: number
  /** When the last hello went out, and when the next is due. */
  #saidMs: number
  /** When it was told last that stations are here now, and when it is to be told again. */
  #toldMs = Number.NEGATIVE_INFINITY
  #tellMs = Number.POSITIVE_INFINITY
  /** When it was decided last who forwards. */
  #settledMs: number
  #helloMs: number

  constructor(init: LanElectionInit, output: LanElectionOutput, nowMs: number) {
    this.#init = init
    this.#output = output
    this.#wasAlone = init.isAlone()
    this.#priority = init.priority ?? DEFAULT_BRIDGE_PRIORITY
    this.#sendBucket = new TokenBucket(SEND_RATE.burst, SEND_RATE.perSecond, nowMs)
    this.#receiveBucket = new TokenBucket(RECEIVE_RATE.burst, RECEIVE_RATE.perSecond, nowMs)
    this.#readyMs = nowMs + LAN_HOLD_MS
    this.#startMs = nowMs
    this.#saidMs = nowMs
    this.#settledMs = nowMs
    this.#helloMs = nowMs
  }

  /** Whether frames pass between the LAN and the VLAN here. To be asked before each batch: the right to forward runs out. */
  isForwarding(nowMs: number): boolean {
    if (this.#isForwarding) this.#checkLease(nowMs)
    return this.#isForwarding
  }

  /** A process that was away has not heard what was said meanwhile: it listens anew. */
  #checkLease(nowMs: number): void {
    if (nowMs < this.#saidMs + LAN_LEASE_MS) return
    this.#listen(nowMs)
    if (!this.#isForwarding) return
    this.stats.lapses++
    this.#stop(nowMs)
  }

  /** Node id of the member that forwards, as far as it was heard; null for nobody. */
  forwarder(nowMs: number): Uint8Array | null {
    if (this.#isForwarding) return this.#init.nodeId
    let best: LanHello | null = null
    for (const { hello, heardMs } of this.#peers.values())
      if (hello.isForwarding && nowMs < heardMs + LAN_HOLD_MS && (best === null || isBetter(hello, best)))
        best = hello
    return best?.nodeId ?? null
  }

  /** Members that were heard on the LAN lately. */
  neighbours(nowMs: number): Uint8Array[] {
    return [...this.#peers.values()]
      .filter(({ heardMs }) => nowMs < heardMs + LAN_HOLD_MS)
      .map(({ hello }) => hello.nodeId)
  }

  /** Whether a frame is between the switches of this VLAN: it is for `receive`, and goes nowhere else. */
  isOwnFrame(bytes: Uint8Array, at: number, length: number): boolean {
    return isLanFrame(bytes, at, length, this.#init.vlanId)
  }

  /** Such a frame came from the LAN. */
  receive(bytes: Uint8Array, at: number, length: number, nowMs: number): void {
    const hello = decodeLanFrame(bytes, at, length)
    if (hello === 'station') return
    if (hello === null) this.drops.malformed++
    else if (compareBytes(hello.nodeId, 0, this.#init.nodeId, 0, ID_BYTES) === 0) this.drops.own++
    else if (!this.#receiveBucket.take(nowMs)) this.#refuse('flood', nowMs)
    else this.#hear(hello, nowMs)
  }

  /** What is not heard may be what matters: better nobody forwards than two. */
  #refuse(reason: LanDrop, nowMs: number): void {
    this.drops[reason]++
    if (this.#isForwarding) {
      this.stats.yields++
      this.#stop(nowMs)
      this.#say(nowMs)
    }
    this.#listen(nowMs)
  }

  #hear(hello: LanHello, nowMs: number): void {
    const key = keyOf(hello.nodeId)
    const before = this.#peers.get(key)
    if (before === undefined && !this.#hasRoom(hello, nowMs)) {
      this.#refuse('full', nowMs)
      return
    }
    this.stats.hellosReceived++
    const wasBeside = before !== undefined && this.#isBeside(before, nowMs)
    if (hello.isLeaving) this.#peers.delete(key)
    else this.#peers.set(key, this.#peerOf(hello, before, nowMs))
    const isNew = before === undefined || nowMs >= before.heardMs + LAN_HOLD_MS
    this.#settle(nowMs)
    // Who was not heard here before may have stopped unheard: where frames went one way only for a moment.
    if ((wasBeside || isNew) && this.#isForwarding && !hello.isForwarding) this.#tell(nowMs)
    // Whoever has just come, or forwards beside this node, is told at once.
    if ((isNew && !hello.isLeaving) || (this.#isForwarding && hello.isForwarding)) this.#say(nowMs)
  }

  /** Once a second at the most, however many there are. */
  #tell(nowMs: number): void {
    this.#tellMs = Math.max(nowMs, this.#toldMs + LAN_HOLD_MS)
    if (this.#tellMs <= nowMs) this.#tellNow(nowMs)
  }

  #tellNow(nowMs: number): void {
    this.#tellMs = Number.POSITIVE_INFINITY
    this.#toldMs = nowMs
    this.#output.onChange(true, nowMs)
  }

  #peerOf(hello: LanHello, before: Peer | undefined, nowMs: number): Peer {
    const peer = { hello, heardMs: nowMs, besideMs: Number.POSITIVE_INFINITY }
    return this.#isBeside(peer, nowMs)
      ? { ...peer, besideMs: Math.min(before?.besideMs ?? nowMs, nowMs) }
      : peer
  }

  /** Whether it forwards as this node does. */
  #isBeside(peer: Peer, nowMs: number): boolean {
    return this.#isForwarding && peer.hello.isForwarding && this.#counts(peer, nowMs)
  }

  /** A full table forgets who is gone, or a stranger for a member. */
  #hasRoom(hello: LanHello, nowMs: number): boolean {
    if (this.#peers.size < MAX_LAN_PEERS) return true
    const { isMember } = this.#init
    const isNewMember = isMember(hello.nodeId)
    for (const [key, peer] of this.#peers)
      if (nowMs >= peer.heardMs + LAN_HOLD_MS || (isNewMember && !isMember(peer.hello.nodeId)))
        return this.#peers.delete(key)
    return false
  }

  /** Members have come or gone. Who begins to count, and forwards, is told at once that he does. */
  updateMembers(nowMs: number): void {
    // Not all members are known as soon as one is.
    if (this.#wasAlone && !this.#isForwarding) this.#listen(nowMs)
    this.#wasAlone = this.#init.isAlone()
    this.#settle(nowMs)
    if (this.#isForwarding && this.#some((peer) => peer.hello.isForwarding, nowMs)) this.#say(nowMs)
  }

  #settle(nowMs: number): void {
    this.#settledMs = nowMs
    this.#checkLease(nowMs)
    const rival = this.#some((peer) => this.#isRival(peer, nowMs), nowMs)
    if (this.#isForwarding && rival) {
      this.stats.yields++
      this.#stop(nowMs)
      this.#say(nowMs)
    } else if (!this.#isForwarding && !rival && nowMs >= this.#readyMs) {
      this.stats.takeovers++
      this.#isForwarding = true
      // Said before the first frame passes.
      this.#say(nowMs, true)
      this.#tellNow(nowMs)
    }
  }

  #stop(nowMs: number): void {
    this.#isForwarding = false
    this.#tellMs = Number.POSITIVE_INFINITY
    this.#listen(nowMs)
    this.#output.onChange(false, nowMs)
  }

  /** Does not begin to forward before everybody had the time to speak. */
  #listen(nowMs: number): void {
    this.#readyMs = Math.max(nowMs, this.#startMs) + LAN_HOLD_MS
  }

  /** Whether something is true of one of those that count. */
  #some(is: (peer: Peer) => boolean, nowMs: number): boolean {
    for (const peer of this.#peers.values()) if (this.#counts(peer, nowMs) && is(peer)) return true
    return false
  }

  #counts({ hello, heardMs }: Peer, nowMs: number): boolean {
    if (nowMs >= heardMs + LAN_HOLD_MS) return false
    if (this.#init.isAlone() || this.#init.isMember(hello.nodeId)) return true
    return hello.counted.some((id) => keyOf(id) === this.#key)
  }

  get #key(): string {
    return keyOf(this.#init.nodeId)
  }

  #isRival({ hello, besideMs }: Peer, nowMs: number): boolean {
    const isBest = isBetter({ priority: this.#priority, nodeId: this.#init.nodeId }, hello)
    if (!this.#isForwarding) return hello.isForwarding || !isBest
    if (this.#init.isAlone() && hello.isForwarding) return true
    // Only the owner's word makes a change that nobody needs.
    if (!hello.isForwarding) return hello.isReady && hello.priority < this.#priority
    // One that goes on all the same does not hear this node: where frames go one way only, a loop can still close.
    return !isBest || nowMs >= besideMs + LAN_HOLD_MS
  }

  /** The VLAN's owner granted another priority. */
  setPriority(priority: number, nowMs: number): void {
    this.#priority = priority
    this.#settle(nowMs)
  }

  /**
   * The TAP is new: whatever was known about its LAN does not count.
   * @param delayMs how long nothing may be heard yet, because the LAN's own spanning tree has to make up its mind
   */
  restart(nowMs: number, delayMs = 0): void {
    this.#peers.clear()
    if (this.#isForwarding) this.#stop(nowMs)
    this.#startMs = nowMs + delayMs
    this.#readyMs = this.#startMs + LAN_HOLD_MS
    this.#helloMs = nowMs
  }

  /** Leaves the LAN: another member need not wait. */
  leave(nowMs: number): void {
    if (this.#isForwarding) this.#stop(nowMs)
    this.#send(nowMs, true)
  }

  // --- clock -------------------------------------------------------------------------------------------------

  /** When `tick` has something to do. */
  nextTickMs(): number {
    let next = Math.min(this.#helloMs, this.#tellMs)
    if (this.#isForwarding) return next
    if (this.#readyMs > this.#settledMs) next = Math.min(next, this.#readyMs)
    for (const { heardMs } of this.#peers.values()) next = Math.min(next, heardMs + LAN_HOLD_MS)
    return next
  }

  tick(nowMs: number): void {
    for (const [key, { heardMs }] of this.#peers) if (nowMs >= heardMs + LAN_HOLD_MS) this.#peers.delete(key)
    this.#settle(nowMs)
    if (this.#tellMs <= nowMs) this.#tellNow(nowMs)
    if (this.#helloMs <= nowMs) this.#say(nowMs, true)
  }

  #say(nowMs: number, isDue = false): void {
    if (isDue || this.#sendBucket.take(nowMs)) this.#send(nowMs, false)
  }

  #send(nowMs: number, isLeaving: boolean): void {
    this.stats.hellosSent++
    this.#saidMs = nowMs
    this.#helloMs = nowMs + LAN_HELLO_MS
    const { vlanId, nodeId, helloMac } = this.#init
    const joined = [...this.#peers.values()].filter((peer) => this.#init.isMember(peer.hello.nodeId))
    const hello: LanHello = {
      vlanId,
      nodeId,
      priority: this.#priority,
      isForwarding: this.#isForwarding && !isLeaving,
      isReady: nowMs >= this.#readyMs && !isLeaving,
      isLeaving,
      counted: joined.map((peer) => peer.hello.nodeId),
    }
    this.#output.send(encodeLanHello(hello, helloMac))
  }
}

type Rank = Pick<LanHello, 'priority' | 'nodeId'>

function isBetter(a: Rank, b: Rank): boolean {
  return (a.priority - b.priority || compareBytes(a.nodeId, 0, b.nodeId, 0, ID_BYTES)) < 0
}

function keyOf(id: Uint8Array): string {
  let text = ''
  for (let i = 0; i < ID_BYTES; i++) text += String.fromCharCode(id[i]!)
  return text
}
