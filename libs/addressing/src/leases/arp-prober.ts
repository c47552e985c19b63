import {
  ARP_REQUEST,
  ETHERTYPE_ARP,
  encodeArp,
  encodeEthernet,
  MIN_PAYLOAD_BYTES,
  readMac,
} from '@wakunet/ethernet'
import { fromUint32 } from './address-order.ts'

/** A probe and one more, and the answer is waited for so long in all. Shorter than in RFC 5227 §1.1: clients wait for it. */
export const PROBE_MS = 500
const PROBE_INTERVAL_MS = 250
/** Probes at a time. */
export const MAX_PROBES = 64

export interface ArpProberInit {
  /** Source of probes on the TAP's side: the station's, which answers come back to. */
  readonly stationMac: Uint8Array
  /** Source of probes to the tree: that of the own TAP. */
  readonly tapMac: Uint8Array
  readonly toTap: (frame: Uint8Array) => void
  readonly toTree: (frame: Uint8Array) => void
  /** Whether another station than `mac` was heard with the address lately, on any side. */
  readonly isInUse: (address: Uint8Array, mac: number, nowMs: number) => boolean
}

/** What a probe is to find out. */
export interface ArpProbe {
  /** Unsigned 32-bit integer. */
  readonly address: number
  /** The station that may have it, 48-bit integer. */
  readonly mac: number
  /** Ask on the TAP's side alone. */
  readonly tapOnly: boolean
  /** Called once: whether the station itself answered, and whether another one did. */
  readonly done: (heard: { readonly self: boolean; readonly other: boolean }, nowMs: number) => void
}

interface Running extends ArpProbe {
  self: boolean
  other: boolean
  againMs: number
  readonly endMs: number
}

/** Asks whether somebody has an address (RFC 5227 §2.1.1). */
export class ArpProber {
  readonly #init: ArpProberInit
  readonly #running = new Map<number, Running>()

  constructor(init: ArpProberInit) {
    this.#init = init
  }

  /** @returns false where there are too many, or one for this address */
  start(probe: ArpProbe, nowMs: number): boolean {
    if (this.#running.size >= MAX_PROBES || this.#running.has(probe.address)) return false
    this.#running.set(probe.address, {
      ...probe,
      self: false,
      other: false,
      againMs: nowMs + PROBE_INTERVAL_MS,
      endMs: nowMs + PROBE_MS,
    })
    this.#send(probe)
    return true
  }

  get size(): number {
    return this.#running.size
  }

  isProbing(address: number): boolean {
    return this.#running.has(address)
  }

  #send({ address, tapOnly }: ArpProbe): void {
    const { stationMac, tapMac, toTap, toTree } = this.#init
    toTap(probeFrame(stationMac, address))
    if (!tapOnly) toTree(probeFrame(tapMac, address))
  }

  /** A station was heard with an address on the TAP's side. */
  hear(address: number, mac: number): void {
    const probe = this.#running.get(address)
    if (probe === undefined) return
    if (mac === probe.mac) probe.self = true
    else probe.other = true
  }

  /**
   * Another member's switch asks for an address (RFC 5227 §2.1.1): of two that ask at once the one with the lower MAC address may
   * go on, so that one of them has it and not both.
   * @param mac of the TAP of that member, 48-bit integer
   */
  hearProbe(address: number, mac: number): void {
    const probe = this.#running.get(address)
    if (probe !== undefined && !probe.tapOnly && mac < readMac(this.#init.tapMac, 0)) probe.other = true
  }

  get dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY
    for (const { againMs, endMs } of this.#running.values()) dueMs = Math.min(dueMs, againMs, endMs)
    return dueMs
  }

  tick(nowMs: number): void {
    for (const probe of [...this.#running.values()]) {
      if (nowMs >= probe.endMs || probe.other) this.#end(probe, nowMs)
      else if (nowMs >= probe.againMs) {
        probe.againMs = Number.POSITIVE_INFINITY
        this.#send(probe)
      }
    }
  }

  #end(probe: Running, nowMs: number): void {
    this.#running.delete(probe.address)
    const inUse = !probe.tapOnly && this.#init.isInUse(fromUint32(probe.address), probe.mac, nowMs)
    probe.done({ self: probe.self, other: probe.other || inUse }, nowMs)
  }
}

/** Without a sender, so that nobody learns anything from it (RFC 5227 §1.1). */
function probeFrame(mac: Uint8Array, address: number): Uint8Array {
  return requestFrame(mac, new Uint8Array(4), fromUint32(address))
}

/** Says that a station has an address, to whoever asked (RFC 5227 §2.3). */
export function defenceFrame(mac: Uint8Array, address: Uint8Array): Uint8Array {
  return requestFrame(mac, address, address)
}

function requestFrame(mac: Uint8Array, senderAddress: Uint8Array, targetAddress: Uint8Array): Uint8Array {
  const payload = new Uint8Array(MIN_PAYLOAD_BYTES)
  payload.set(
    encodeArp({
      operation: ARP_REQUEST,
      senderMac: mac,
      senderAddress,
      targetMac: new Uint8Array(6),
      targetAddress,
    }),
  )
  return encodeEthernet({
    destination: new Uint8Array(6).fill(0xff),
    source: mac,
    tags: [],
    etherType: ETHERTYPE_ARP,
    payload,
  })
}
