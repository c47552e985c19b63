import { encodeNeighborMessage, ND_HOP_LIMIT, PROTOCOL_ICMPV6 } from '@wakunet/ethernet'
import {
  type RouterAdvertisementContent,
  routerAdvertisement,
  type WithdrawnPrefix,
} from './router-advertisement.ts'
import { ALL_NODES, addressEquals, groupMac6, isUnspecified } from './station/address-bytes.ts'
import { packetFrame } from './station/packets.ts'

/** RFC 4861 §6.2.1 and §10. */
const MAX_INTERVAL_MS = 600_000
const MIN_INTERVAL_MS = 200_000
const INITIAL_ADVERTISEMENTS = 3
const INITIAL_INTERVAL_MS = 16_000
const MAX_ANSWER_DELAY_MS = 500
const MIN_BETWEEN_MULTICASTS_MS = 3_000
/** Solicitations that wait for an answer of their own; more are answered with one to everybody. */
export const MAX_WAITING_SOLICITATIONS = 16
/** Prefixes of earlier plans that are still said to be over. */
const MAX_WITHDRAWN = 4

interface WaitingAnswer {
  readonly mac: Uint8Array
  readonly address: Uint8Array
  readonly dueMs: number
}

export interface RouterAdvertiserInit {
  readonly content: RouterAdvertisementContent
  /** Of the station. */
  readonly linkLocal: Uint8Array
  /** In [0, 1). */
  readonly random: () => number
}

/**
 * Says when router advertisements go out: three soon after the start, then every 200 to 600 seconds; to who solicits, after a random
 * moment, to it alone where it has an address (RFC 4861 §6.2.4, §6.2.6).
 */
export class RouterAdvertiser {
  readonly #init: RouterAdvertiserInit
  readonly #send: (frame: Uint8Array) => void
  #content: RouterAdvertisementContent
  #withdrawn: WithdrawnPrefix[] = []
  #initialLeft = INITIAL_ADVERTISEMENTS
  #multicastDueMs: number
  #lastMulticastMs = Number.NEGATIVE_INFINITY
  #waiting: WaitingAnswer[] = []
  #isOpen = true

  /** @param send a whole frame for the TAP */
  constructor(init: RouterAdvertiserInit, send: (frame: Uint8Array) => void, nowMs: number) {
    this.#init = init
    this.#content = init.content
    this.#send = send
    this.#multicastDueMs = nowMs + this.#init.random() * MAX_ANSWER_DELAY_MS
  }

  /** A solicitation that was checked. It is answered within half a second, or with the next advertisement to everybody. */
  solicit(source: Uint8Array, sourceMac: Uint8Array, nowMs: number): void {
    if (!this.#isOpen || this.#waiting.some(({ address }) => addressEquals(address, source))) return
    const dueMs = nowMs + this.#init.random() * MAX_ANSWER_DELAY_MS
    if (isUnspecified(source) || this.#waiting.length === MAX_WAITING_SOLICITATIONS) {
      const allowedMs = Math.max(dueMs, this.#lastMulticastMs + MIN_BETWEEN_MULTICASTS_MS)
      this.#multicastDueMs = Math.min(this.#multicastDueMs, allowedMs)
    } else {
      // Both are views of the frame that was received.
      this.#waiting.push({ mac: sourceMac.slice(), address: source.slice(), dueMs })
    }
  }

  /** What is said from now on. A prefix that is not in it any more is withdrawn; hosts hear of it at once. */
  setContent(content: RouterAdvertisementContent, nowMs: number): void {
    const old = this.#content
    this.#content = content
    this.#withdrawn = this.#withdrawn.filter(({ prefix }) => !addressEquals(prefix, content.prefix))
    if (!addressEquals(old.prefix, content.prefix)) {
      this.#withdrawn = [{ prefix: old.prefix }, ...this.#withdrawn].slice(0, MAX_WITHDRAWN)
    }
    this.#initialLeft = INITIAL_ADVERTISEMENTS
    this.#multicastDueMs = Math.max(nowMs, this.#lastMulticastMs + MIN_BETWEEN_MULTICASTS_MS)
  }

  /** The last advertisement (RFC 4861 §6.2.5): everything that was said is over. Nothing is sent after it. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#waiting = []
    this.#advertise(ALL_NODES, groupMac6(ALL_NODES), true)
  }

  /** When `tick` has something to do. */
  dueMs(): number {
    if (!this.#isOpen) return Number.POSITIVE_INFINITY
    return this.#waiting.reduce((due, waiting) => Math.min(due, waiting.dueMs), this.#multicastDueMs)
  }

  tick(nowMs: number): void {
    if (!this.#isOpen) return
    if (nowMs >= this.#multicastDueMs) this.#multicast(nowMs)
    const due = this.#waiting.filter(({ dueMs }) => dueMs <= nowMs)
    if (due.length === 0) return
    this.#waiting = this.#waiting.filter(({ dueMs }) => dueMs > nowMs)
    for (const { address, mac } of due) this.#advertise(address, mac, false)
  }

  #multicast(nowMs: number): void {
    this.#advertise(ALL_NODES, groupMac6(ALL_NODES), false)
    // Everybody has heard it.
    this.#waiting = []
    this.#lastMulticastMs = nowMs
    const intervalMs = MIN_INTERVAL_MS + this.#init.random() * (MAX_INTERVAL_MS - MIN_INTERVAL_MS)
    if (this.#initialLeft > 0) this.#initialLeft--
    const isInitial = this.#initialLeft > 0
    if (!isInitial) this.#withdrawn = []
    this.#multicastDueMs = nowMs + (isInitial ? Math.min(INITIAL_INTERVAL_MS, intervalMs) : intervalMs)
  }

  #advertise(destination: Uint8Array, destinationMac: Uint8Array, isFinal: boolean): void {
    const message = routerAdvertisement(this.#content, this.#withdrawn, isFinal)
    const source = this.#init.linkLocal
    const body = encodeNeighborMessage(message, source, destination)
    const path = { sourceMac: this.#content.mac, destinationMac, source, destination }
    this.#send(packetFrame(path, PROTOCOL_ICMPV6, body, ND_HOP_LIMIT))
  }
}
