import type { DatapathNetwork } from './datapath-network.ts'

type Deliver = (frame: Uint8Array) => void

/** Time of a frame through a cable. */
const CABLE_MS = 0.1

/** A bridge that learns, floods and knows no spanning tree: the worst that a LAN can have. */
class SimBridge {
  readonly #ports: Deliver[] = []
  readonly #learned = new Map<string, number>()

  /** @returns takes what comes in by the new port */
  addPort(deliver: Deliver): Deliver {
    const port = this.#ports.push(deliver) - 1
    return (frame) => this.#receive(frame, port)
  }

  #receive(frame: Uint8Array, from: number): void {
    this.#learned.set(macOf(frame, 6), from)
    const known = (frame[0]! & 1) === 1 ? undefined : this.#learned.get(macOf(frame, 0))
    for (const [port, deliver] of this.#ports.entries())
      if (port !== from && (known === undefined || port === known)) deliver(frame)
  }
}

function macOf(frame: Uint8Array, at: number): string {
  return Buffer.from(frame.subarray(at, at + 6)).toString('hex')
}

/** Two bridges with a cable between them that can be cut; TAPs of members and stations are behind either. */
export class SimLan {
  isCut = false
  /** Frames that crossed any cable so far. */
  crossings = 0
  readonly #network: DatapathNetwork
  readonly #bridges = [new SimBridge(), new SimBridge()] as const
  readonly #taps = new Map<number, Deliver>()

  constructor(network: DatapathNetwork) {
    this.#network = network
    const [one, other] = this.#bridges
    const toOther: Deliver = other.addPort((frame) => this.#carry(frame, toOne, true))
    const toOne: Deliver = one.addPort((frame) => this.#carry(frame, toOther, true))
    network.onTap = (n, frame) => {
      const deliver = this.#taps.get(n)
      if (deliver !== undefined) this.#carry(frame, deliver)
    }
  }

  #carry(frame: Uint8Array, deliver: Deliver, isBetween = false): void {
    this.#network.later(CABLE_MS, () => {
      if (isBetween && this.isCut) return
      this.crossings++
      deliver(frame)
    })
  }

  /** The TAP of a member becomes a port of a bridge. */
  plugTap(n: number, bridge: 0 | 1): void {
    const into = this.#bridges[bridge].addPort((frame) =>
      this.#carry(frame, (arrived) => this.#network.fromTap(n, arrived.slice())),
    )
    this.#taps.set(n, into)
  }

  /**
   * A station on the LAN.
   * @param answer what it says to a frame that it hears
   * @returns what it has heard, and a way to send
   */
  plugStation(
    bridge: 0 | 1,
    answer: (frame: Uint8Array) => Uint8Array | null = () => null,
  ): { heard: Uint8Array[]; send: Deliver } {
    const heard: Uint8Array[] = []
    const send: Deliver = (frame) => this.#carry(frame, into)
    const hear: Deliver = (frame) => {
      heard.push(frame)
      const reply = answer(frame)
      if (reply !== null) send(reply)
    }
    const into = this.#bridges[bridge].addPort((frame) => this.#carry(frame, hear))
    return { heard, send }
  }
}
