import { TokenBucket } from '../control/token-bucket.ts'
import type { TreeVector } from './vector.ts'

/**
 * - `trunk`: a point-to-point link to one neighbour, with the numbered handshake of `docs/protocols/vlan-control.md`
 * - `lan`: a segment with any number of bridges, where ports begin to forward by the forward delay
 */
export type TreePortKind = 'trunk' | 'lan'

export type TreePortRole = 'disabled' | 'root' | 'designated' | 'alternate' | 'backup'
export type TreePortState = 'discarding' | 'learning' | 'forwarding'

export interface TreePortInit {
  readonly kind: TreePortKind
  /** 1 to 65,535. Default `DEFAULT_PATH_COST`. */
  readonly cost?: number
  /** Node id of the neighbour of a trunk, 16 bytes: a BPDU of anybody else is refused. */
  readonly neighbour?: Uint8Array
  /** LAN: whether only hosts are believed to be there until a BPDU comes. Default false. */
  readonly edge?: boolean
  /** LAN: whether silence makes it an edge port (again), 802.1D-2004 §17.25. Default true. */
  readonly autoEdge?: boolean
  /** The port never leads to the root. Default false. */
  readonly rootGuard?: boolean
  /** A BPDU switches the port off until it is added anew. Default false. */
  readonly bpduGuard?: boolean
}

/** BPDUs that a port sends at once, and a second after that (TxHoldCount, 802.1D-2004 §17.13.12). */
const SEND_BURST = 32
const SENDS_PER_SECOND = 16
/** BPDUs that are read; the rest is a flood. */
const RECEIVE_BURST = 64
const RECEIVES_PER_SECOND = 32

/** A port of the spanning tree, as `SpanningTree` alone changes it. */
export class TreePort {
  readonly id: number
  readonly kind: TreePortKind
  readonly neighbour: Uint8Array | null
  readonly autoEdge: boolean
  readonly bpduGuard: boolean
  readonly sendBucket: TokenBucket
  readonly receiveBucket: TokenBucket
  cost: number
  rootGuard: boolean
  role: TreePortRole = 'designated'
  state: TreePortState = 'discarding'
  /** Only hosts are there (operEdge). */
  edge: boolean

  /** What the other end has said as a designated port, or null. */
  heard: TreeVector | null = null
  heardAge = 0
  heardMaxAge = 0
  heardUntilMs = 0
  /** Number of the neighbour's promise; 0 for none yet. */
  heardNumber = 0
  /** The other end said that it forwards. */
  neighbourForwards = false
  /** When the last BPDU came. */
  heardAtMs: number

  /** Number of the port's own promise, and the vector that its node stays as good as. */
  number = 0
  promised: TreeVector
  /** The neighbour agreed to `number`. */
  agreed = false
  /** When something new is to be sent, if the rate allows; `Infinity` for nothing. */
  dueMs = 0
  /** Hellos since the last change, and when the next is due. */
  hellos = 0
  nextHelloMs = 0
  /** BPDUs have the topology change flag until then. */
  topologyChangeUntilMs = 0
  /** The neighbour's topology changes are not news until then. */
  topologyHeardUntilMs = 0
  /** LAN: when the port takes the next step to forwarding. */
  forwardDelayUntilMs = 0

  constructor(id: number, init: TreePortInit, cost: number, promised: TreeVector, nowMs: number) {
    this.id = id
    this.kind = init.kind
    this.cost = cost
    this.neighbour = init.neighbour ?? null
    this.edge = init.kind === 'lan' && (init.edge ?? false)
    this.autoEdge = init.kind === 'lan' && (init.autoEdge ?? true)
    this.rootGuard = init.rootGuard ?? false
    this.bpduGuard = init.bpduGuard ?? false
    this.promised = promised
    this.heardAtMs = nowMs
    this.sendBucket = new TokenBucket(SEND_BURST, SENDS_PER_SECOND, nowMs)
    this.receiveBucket = new TokenBucket(RECEIVE_BURST, RECEIVES_PER_SECOND, nowMs)
  }

  /**
   * Frames are sent there. A designated port may forward towards an alternate port, which drops everything: that is
   * said by the neighbour and spares the trunk. A root port's neighbour is not waited for.
   */
  get isOpen(): boolean {
    if (this.state !== 'forwarding') return false
    return this.kind === 'lan' || this.role === 'root' || this.neighbourForwards
  }

  /** A trunk's port that waits for an agreement. */
  get isProposing(): boolean {
    return this.kind === 'trunk' && this.role === 'designated' && !this.agreed
  }
}
