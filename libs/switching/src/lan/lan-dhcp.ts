import { DHCP_DISCOVER, encodeDhcpv4ClientFrame } from '@wakunet/ethernet'

/** After it began to serve a LAN the switch answers no DHCP for so long, and asks who else does. */
export const DHCP_LISTEN_MS = 2_500
/** The second question: the first may have been lost. */
const SECOND_PROBE_MS = 1_000
export const DHCP_PROBE_MS = 300_000
/** A server of the LAN that was not heard for so long is not there any more: three questions without an answer. */
export const DHCP_QUIET_MS = 1_000_000

export interface LanDhcpWatchInit {
  /** Who asks, six bytes. */
  readonly mac: Uint8Array
  /** In [0, 1). */
  readonly random: () => number
  readonly send: (frame: Uint8Array) => void
}

/**
 * Whether the switch answers DHCP on a LAN that it bridges: where the LAN has a server of its own, a second one would hand out
 * addresses of another network and refuse the right ones (RFC 2131 §4.3.2). So it asks first, and again every five minutes.
 */
export class LanDhcpWatch {
  readonly #init: LanDhcpWatchInit
  /** The switch itself may serve from then on; `Infinity` while it does not serve the LAN at all. */
  #mayServeMs = Number.POSITIVE_INFINITY
  #probeMs = Number.POSITIVE_INFINITY
  #isSecond = false

  constructor(init: LanDhcpWatchInit) {
    this.#init = init
  }

  /** The LAN is served by this member from now on. */
  begin(nowMs: number): void {
    this.#mayServeMs = nowMs + DHCP_LISTEN_MS
    this.#probeMs = nowMs
    this.#isSecond = false
  }

  /** By another one. */
  end(): void {
    this.#mayServeMs = Number.POSITIVE_INFINITY
    this.#probeMs = Number.POSITIVE_INFINITY
  }

  /** A message of a DHCP server came from the LAN. */
  heard(nowMs: number): void {
    if (this.#probeMs !== Number.POSITIVE_INFINITY) this.#mayServeMs = nowMs + DHCP_QUIET_MS
  }

  mayServe(nowMs: number): boolean {
    return nowMs >= this.#mayServeMs
  }

  nextTickMs(): number {
    return this.#probeMs
  }

  tick(nowMs: number): void {
    if (nowMs < this.#probeMs) return
    this.#probeMs = nowMs + (this.#isSecond ? DHCP_PROBE_MS : SECOND_PROBE_MS)
    this.#isSecond = true
    const { mac, random, send } = this.#init
    const transactionId = Math.floor(random() * 2 ** 32)
    // The answer is to go to everybody, or nobody would hear it.
    const options = { messageType: DHCP_DISCOVER }
    send(encodeDhcpv4ClientFrame({ clientMac: mac, transactionId, broadcast: true, options }))
  }
}
