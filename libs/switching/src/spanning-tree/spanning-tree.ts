import { ID_BYTES } from '@wakunet/interface'
import { type ControlBpdu, MAX_MAX_AGE, MIN_MAX_AGE } from '../control/bpdu.ts'
import { compareBytes } from '../control/bytes.ts'
import { isOlder } from '../control/serial.ts'
import { HELLO_MS, helloIntervalMs } from './hello.ts'
import { clampCost } from './path-cost.ts'
import { TreePort, type TreePortInit, type TreePortRole, type TreePortState } from './port.ts'
import { selectRootPort } from './root-port.ts'
import { StaleRoots } from './stale-roots.ts'
import {
  newTreeStats,
  type SpanningTreeInit,
  type TreeAction,
  type TreePortInfo,
  type TreeStats,
} from './types.ts'
import {
  bridgeIdOf,
  compareBridgeIds,
  compareNodeVectors,
  compareVectors,
  DEFAULT_BRIDGE_PRIORITY,
  nodeIdOf,
  priorityOf,
  sharedVectorOf,
  type TreeVector,
  vectorOf,
} from './vector.ts'

/** Good news waits so long for better news: while a root is found, most of it is outdated at once. */
const GOOD_NEWS_MS = 10
/** Counts bridges, as the message age does (802.1D-2004 table 17-1 has seconds). */
const DEFAULT_MAX_AGE = 40
const DEFAULT_FORWARD_DELAY_MS = 15_000
/** Silence that makes an edge port (Migrate Time, 802.1D-2004 table 17-1). */
const EDGE_DELAY_MS = 3_000
const TOPOLOGY_CHANGE_MS = 2 * HELLO_MS + 500
const MISSED_HELLOS = 3
/** Most ports: trunks and the TAP. */
export const MAX_TREE_PORTS = 4096

/**
 * Rapid spanning tree of one VLAN (IEEE 802.1D-2004 clause 17): the port information, role selection, role transition,
 * topology change and transmit machines of all ports, run to their end by every call.
 *
 * `docs/protocols/vlan-control.md` says where it is stricter than the standard, and why trunks never forward in a
 * loop, not even for a moment.
 */
export class SpanningTree {
  readonly stats: TreeStats = newTreeStats()
  readonly #nodeId: Uint8Array
  readonly #ownMaxAge: number
  readonly #forwardDelayMs: number
  readonly #isGranted: (priority: number, nodeId: Uint8Array) => boolean
  readonly #trunkTopologyChanges: boolean
  readonly #ports = new Map<number, TreePort>()
  readonly #stale = new StaleRoots()
  #bridgeId: Uint8Array
  #number: number
  /** What this node believes: its designated priority vector without a port. */
  #vector: TreeVector
  #rootPort: TreePort | null = null
  #messageAge = 0
  #maxAge: number
  #actions: TreeAction[] = []
  #revision = 0
  /** When the machines ran last. */
  #settledMs = 0
  /** When they have to run again; null where that has to be found out. */
  #nextMs: number | null = null

  constructor(init: SpanningTreeInit) {
    const maxAge = init.maxAge ?? DEFAULT_MAX_AGE
    if (maxAge < MIN_MAX_AGE || maxAge > MAX_MAX_AGE)
      throw new RangeError(`max age is ${MIN_MAX_AGE} to ${MAX_MAX_AGE}, not ${maxAge}`)
    this.#nodeId = init.nodeId
    this.#ownMaxAge = maxAge
    this.#maxAge = maxAge
    this.#forwardDelayMs = init.forwardDelayMs ?? DEFAULT_FORWARD_DELAY_MS
    this.#isGranted = init.isGranted ?? (() => false)
    this.#trunkTopologyChanges = init.trunkTopologyChanges ?? true
    this.#number = init.firstNumber >>> 0
    this.#bridgeId = bridgeIdOf(init.priority ?? DEFAULT_BRIDGE_PRIORITY, init.nodeId)
    this.#vector = this.#selfVector()
  }

  get bridgeId(): Uint8Array {
    return this.#bridgeId
  }

  get rootId(): Uint8Array {
    return this.#vector.rootId
  }

  get rootPathCost(): number {
    return this.#vector.cost
  }

  /** Id of the root port, or null where this node is the root. */
  get rootPort(): number | null {
    return this.#rootPort?.id ?? null
  }

  /** Grows with every change of a port's role or state. */
  get revision(): number {
    return this.#revision
  }

  get portCount(): number {
    return this.#ports.size
  }

  isForwarding(portId: number): boolean {
    return this.#ports.get(portId)?.state === 'forwarding'
  }

  /** Whether to send frames there: this end forwards, and the other end is not known to drop them. */
  isOpen(portId: number): boolean {
    return this.#ports.get(portId)?.isOpen ?? false
  }

  port(portId: number): TreePortInfo | null {
    const port = this.#ports.get(portId)
    if (port === undefined) return null
    const { id, role, state, edge, cost } = port
    return { id, role, state, edge, cost }
  }

  /** Adds a port, or replaces it: the link was made anew. @throws RangeError over `MAX_TREE_PORTS` */
  addPort(portId: number, init: TreePortInit, nowMs: number): TreeAction[] {
    if (this.#ports.size >= MAX_TREE_PORTS && !this.#ports.has(portId))
      throw new RangeError(`at most ${MAX_TREE_PORTS} ports`)
    this.#dropPort(portId)
    const port = new TreePort(portId, init, clampCost(init.cost), this.#vector, nowMs)
    port.number = this.#nextNumber()
    port.forwardDelayUntilMs = nowMs + this.#forwardDelayMs
    this.#ports.set(portId, port)
    return this.#settle(nowMs)
  }

  removePort(portId: number, nowMs: number): TreeAction[] {
    this.#dropPort(portId)
    return this.#settle(nowMs)
  }

  /** Other stations are behind a port now, as if it had just begun to forward (802.1D-2004 §17.31). */
  changeTopology(portId: number, nowMs: number): TreeAction[] {
    const port = this.#ports.get(portId)
    if (port === undefined) return []
    // News of its own, even while the last change is still being told.
    for (const other of this.#ports.values()) other.topologyChangeUntilMs = 0
    this.#changeTopology(port, nowMs)
    return this.#settle(nowMs)
  }

  #dropPort(portId: number): void {
    const port = this.#ports.get(portId)
    if (port === undefined) return
    this.#ports.delete(portId)
    this.#revision++
    if (this.#rootPort === port) this.#rootPort = null
  }

  setCost(portId: number, cost: number, nowMs: number): TreeAction[] {
    const port = this.#ports.get(portId)
    if (port === undefined || port.cost === clampCost(cost)) return []
    port.cost = clampCost(cost)
    return this.#settle(nowMs)
  }

  setRootGuard(portId: number, rootGuard: boolean, nowMs: number): TreeAction[] {
    const port = this.#ports.get(portId)
    if (port === undefined) return []
    port.rootGuard = rootGuard
    return this.#settle(nowMs)
  }

  /** The VLAN's owner granted this node another priority. */
  setPriority(priority: number, nowMs: number): TreeAction[] {
    this.#bridgeId = bridgeIdOf(priority, this.#nodeId)
    return this.#settle(nowMs)
  }

  /** When `tick` has something to do next; `Infinity` for never. */
  nextTickMs(): number {
    this.#nextMs ??= this.#findNextMs(this.#settledMs)
    return this.#nextMs
  }

  #findNextMs(nowMs: number): number {
    let next = this.#stale.nextEndMs(this.#settledMs)
    for (const port of this.#ports.values()) {
      if (port.role === 'disabled') continue
      if (port.dueMs !== Number.POSITIVE_INFINITY)
        next = Math.min(next, Math.max(port.dueMs, port.sendBucket.readyMs(nowMs)))
      else if (this.#hasHello(port, Math.max(nowMs, port.nextHelloMs)))
        next = Math.min(next, port.nextHelloMs)
      if (port.heard !== null) next = Math.min(next, port.heardUntilMs)
      if (port.kind === 'lan') next = Math.min(next, this.#nextLanStepMs(port))
    }
    return next
  }

  /**
   * Designated ports keep saying what they are; so does the root port of a trunk, because the other end sends frames only to
   * who forwards them. On a LAN it speaks only while there is a topology change to tell.
   */
  #hasHello(port: TreePort, nowMs: number): boolean {
    if (port.role === 'designated') return true
    return port.role === 'root' && (port.kind === 'trunk' || port.topologyChangeUntilMs > nowMs)
  }

  #nextLanStepMs(port: TreePort): number {
    if (port.role !== 'designated' || port.state === 'forwarding') return Number.POSITIVE_INFINITY
    const edge = port.autoEdge ? port.heardAtMs + EDGE_DELAY_MS : Number.POSITIVE_INFINITY
    return Math.min(edge, port.forwardDelayUntilMs)
  }

  /** Runs every timer that is due. */
  tick(nowMs: number): TreeAction[] {
    let isQuiet = this.#stale.nextEndMs(this.#settledMs) > nowMs
    for (const port of this.#ports.values()) {
      if (port.heard !== null && port.heardUntilMs <= nowMs) {
        port.heard = null
        isQuiet = false
      }
      if (port.nextHelloMs <= nowMs && this.#hasHello(port, nowMs)) port.dueMs = 0
      if (port.kind === 'lan' && port.state !== 'forwarding') {
        this.#stepLan(port, nowMs)
        isQuiet = false
      }
    }
    if (!isQuiet) return this.#settle(nowMs)
    // Nothing but hellos: what they say is what it was.
    this.#nextMs = null
    return this.#sendDue(nowMs)
  }

  /** A LAN port begins to forward by time, or because nobody else is there (802.1D-2004 §17.25, §17.29.2). */
  #stepLan(port: TreePort, nowMs: number): void {
    if (port.role !== 'designated' || port.state === 'forwarding') return
    if (port.autoEdge && nowMs - port.heardAtMs >= EDGE_DELAY_MS) {
      port.edge = true
    } else if (port.forwardDelayUntilMs <= nowMs) {
      port.forwardDelayUntilMs = nowMs + this.#forwardDelayMs
      this.#setState(port, port.state === 'discarding' ? 'learning' : 'forwarding', nowMs)
    }
  }

  /** A BPDU came. Those of one port may be lost, delayed, repeated or out of order. */
  receive(portId: number, bpdu: ControlBpdu, nowMs: number): TreeAction[] {
    this.stats.bpdusReceived++
    const port = this.#ports.get(portId)
    if (port === undefined || port.role === 'disabled') {
      this.stats.bpdusNoPort++
      return []
    }
    if (!this.#admit(port, bpdu, nowMs)) return []
    port.heardAtMs = nowMs
    port.edge = false
    if (port.bpduGuard) {
      this.stats.bpduGuarded++
      port.role = 'disabled'
      port.heard = null
      port.state = 'discarding'
      this.#tell(port)
      return this.#settle(nowMs)
    }
    if (bpdu.topologyChange && port.topologyHeardUntilMs <= nowMs) {
      // One flush a second is enough for anybody, and a flood of topology changes gets no more.
      port.topologyHeardUntilMs = nowMs + HELLO_MS
      this.#changeTopology(port, nowMs)
    }
    if (port.kind === 'lan') this.#hearLan(port, bpdu, nowMs)
    else if (this.#isRepeated(port, bpdu)) {
      this.#hearTrunk(port, bpdu, nowMs)
      return this.#answer(port, nowMs)
    } else this.#hearTrunk(port, bpdu, nowMs)
    return this.#settle(nowMs)
  }

  /** Whether a trunk's BPDU says nothing that roles and states follow from but what it has said before. */
  #isRepeated(port: TreePort, bpdu: ControlBpdu): boolean {
    if (this.#actions.length > 0 || port.neighbourForwards !== bpdu.forwarding) return false
    const { heard } = port
    if (bpdu.role !== 'designated')
      return (
        heard === null && (port.role !== 'designated' || port.agreed || bpdu.agreedNumber !== port.number)
      )
    return (
      heard !== null &&
      bpdu.messageAge === port.heardAge &&
      bpdu.maxAge === port.heardMaxAge &&
      compareVectors(vectorOf(bpdu), heard) === 0
    )
  }

  /** Says what a port has to say, where nothing else has changed. */
  #answer(port: TreePort, nowMs: number): TreeAction[] {
    this.#nextMs = null
    if (port.dueMs <= nowMs && port.sendBucket.take(nowMs)) this.#send(port, nowMs)
    return this.#takeActions()
  }

  #takeActions(): TreeAction[] {
    const actions = this.#actions
    this.#actions = []
    return actions
  }

  #admit(port: TreePort, bpdu: ControlBpdu, nowMs: number): boolean {
    if (!port.receiveBucket.take(nowMs)) {
      this.stats.bpdusFlooded++
      return false
    }
    if (port.neighbour !== null && compareBytes(bpdu.bridgeId, 2, port.neighbour, 0, ID_BYTES) !== 0) {
      this.stats.bpdusForeign++
      return false
    }
    // Real bridges on a LAN have their own priorities; root guard is what keeps them off.
    if (port.kind === 'trunk' && !(this.#granted(bpdu.bridgeId) && this.#granted(bpdu.rootId))) {
      this.stats.bpdusNotGranted++
      return false
    }
    if (port.kind === 'trunk' && isOlder(bpdu.number, port.heardNumber)) {
      this.stats.bpdusStale++
      return false
    }
    return true
  }

  #granted(bridgeId: Uint8Array): boolean {
    const priority = priorityOf(bridgeId)
    return priority === DEFAULT_BRIDGE_PRIORITY || this.#isGranted(priority, nodeIdOf(bridgeId))
  }

  #hearTrunk(port: TreePort, bpdu: ControlBpdu, nowMs: number): void {
    const isNews = bpdu.number !== port.heardNumber
    port.heardNumber = bpdu.number
    if (port.neighbourForwards !== bpdu.forwarding) {
      port.neighbourForwards = bpdu.forwarding
      this.#tell(port)
    }
    if (bpdu.role !== 'designated') {
      port.heard = null
      if (port.role === 'designated' && bpdu.agreedNumber === port.number) this.#agree(port, nowMs)
      return
    }
    this.#store(port, bpdu, nowMs)
    // Whoever proposes has not heard the agreement, or not what is better than its proposal. Two that propose to
    // each other have their own timers.
    if (isNews || (bpdu.proposal && !port.isProposing)) port.dueMs = 0
  }

  #agree(port: TreePort, nowMs: number): void {
    if (port.agreed) return
    port.agreed = true
    port.hellos = 1
    port.nextHelloMs = nowMs + helloIntervalMs(port)
  }

  /** On a segment the best designated bridge counts, and what it says anew (802.1D-2004 §17.21.8). */
  #hearLan(port: TreePort, bpdu: ControlBpdu, nowMs: number): void {
    if (bpdu.role !== 'designated') return
    const isSame =
      port.heard !== null &&
      compareBridgeIds(port.heard.bridgeId, bpdu.bridgeId) === 0 &&
      port.heard.portId === bpdu.portId
    const own = port.heard ?? this.#designatedVector(port)
    if (isSame || compareVectors(vectorOf(bpdu), own) < 0) this.#store(port, bpdu, nowMs)
    else if (port.role === 'designated') port.dueMs = 0
  }

  #store(port: TreePort, bpdu: ControlBpdu, nowMs: number): void {
    port.heard = bpdu.messageAge < bpdu.maxAge ? sharedVectorOf(bpdu, this.#vector.rootId, port.heard) : null
    port.heardAge = bpdu.messageAge
    port.heardMaxAge = bpdu.maxAge
    port.heardUntilMs = nowMs + MISSED_HELLOS * Math.max(bpdu.helloMs, HELLO_MS)
  }

  // --- roles (802.1D-2004 §17.21.25) ---------------------------------------------------------------------

  /** Runs the machines until nothing changes, and hands out what is to be done. */
  #settle(nowMs: number): TreeAction[] {
    this.#settledMs = nowMs
    this.#nextMs = null
    this.#selectRoot(nowMs)
    for (const port of this.#ports.values()) if (port.role !== 'disabled') this.#updateRole(port, nowMs)
    return this.#sendDue(nowMs)
  }

  #sendDue(nowMs: number): TreeAction[] {
    for (const port of this.#ports.values())
      if (port.dueMs <= nowMs && port.role !== 'disabled' && port.sendBucket.take(nowMs))
        this.#send(port, nowMs)
    return this.#takeActions()
  }

  #selectRoot(nowMs: number): void {
    const before = this.#vector
    const mayBeStale = (heard: TreeVector, isRootPort: boolean) =>
      this.#stale.mayBeStale(heard, isRootPort, nowMs)
    const bestPort = () => selectRootPort(this.#ports.values(), this.#bridgeId, this.#rootPort, mayBeStale)
    let best = bestPort()
    let vector = best === null ? this.#selfVector() : this.#vectorThrough(best)
    if (compareNodeVectors(vector, before) > 0) {
      this.#stale.hold(before, nowMs)
      best = bestPort()
      vector = best === null ? this.#selfVector() : this.#vectorThrough(best)
    }
    if (compareBridgeIds(vector.rootId, before.rootId) !== 0) this.stats.rootChanges++
    const isSame = compareNodeVectors(vector, before) === 0
    const messageAge = best === null ? 0 : best.heardAge + 1
    const maxAge = best === null ? this.#ownMaxAge : best.heardMaxAge
    this.#rootPort = best
    if (isSame && messageAge === this.#messageAge && maxAge === this.#maxAge) return
    this.#messageAge = messageAge
    this.#maxAge = maxAge
    if (!isSame) this.#vector = vector
    for (const port of this.#ports.values())
      if (port.role === 'designated') this.#touch(port, nowMs + GOOD_NEWS_MS)
  }

  #selfVector(): TreeVector {
    return { rootId: this.#bridgeId, cost: 0, bridgeId: this.#bridgeId, portId: 0 }
  }

  #vectorThrough(port: TreePort): TreeVector {
    const heard = port.heard!
    return { rootId: heard.rootId, cost: heard.cost + port.cost, bridgeId: this.#bridgeId, portId: 0 }
  }

  #designatedVector(port: TreePort): TreeVector {
    return { ...this.#vector, portId: port.id }
  }

  #updateRole(port: TreePort, nowMs: number): void {
    const role = this.#roleOf(port)
    const wasDesignated = port.role === 'designated'
    const isDesignated = role === 'designated'
    if (port.role !== role) {
      port.role = role
      if (wasDesignated !== isDesignated) this.#promiseAnew(port)
      if (isDesignated) this.#beginForwardDelay(port, nowMs)
      this.#touch(port)
      this.#tell(port)
    }
    if (isDesignated) this.#keepPromise(port)
    this.#setState(port, this.#stateOf(port), nowMs)
  }

  /** On a LAN nobody agrees: a port that was a root port or an alternate waits before it forwards. */
  #beginForwardDelay(port: TreePort, nowMs: number): void {
    port.forwardDelayUntilMs = nowMs + this.#forwardDelayMs
    if (!port.edge) port.state = 'discarding'
  }

  #roleOf(port: TreePort): TreePortRole {
    if (port === this.#rootPort) return 'root'
    const heard = port.heard
    if (heard === null) return 'designated'
    const isBetter =
      port.kind === 'trunk'
        ? compareNodeVectors(heard, this.#vector) < 0
        : compareVectors(heard, this.#designatedVector(port)) < 0
    if (!isBetter) return 'designated'
    if (compareBridgeIds(heard.bridgeId, this.#bridgeId) === 0) return 'backup'
    if (port.rootGuard && port.role !== 'alternate') this.stats.rootGuarded++
    return 'alternate'
  }

  /** A designated port never stays open while its node gets worse than what it has promised. */
  #keepPromise(port: TreePort): void {
    const order = compareNodeVectors(this.#vector, port.promised)
    if (order > 0) this.#promiseAnew(port)
    else if (order < 0) port.promised = this.#vector
  }

  #promiseAnew(port: TreePort): void {
    port.promised = this.#vector
    port.number = this.#nextNumber()
    port.agreed = false
    this.#touch(port)
  }

  #stateOf(port: TreePort): TreePortState {
    switch (port.role) {
      case 'root':
        return 'forwarding'
      case 'designated':
        if (port.kind === 'trunk') return port.agreed ? 'forwarding' : 'discarding'
        return port.edge ? 'forwarding' : port.state
      default:
        return 'discarding'
    }
  }

  #setState(port: TreePort, state: TreePortState, nowMs: number): void {
    if (port.state === state) return
    port.state = state
    this.#tell(port)
    if (port.role === 'designated') this.#touch(port)
    // 802.1D-2004 §17.31: a port that begins to forward, and that other bridges may be behind.
    const counts = port.kind === 'lan' ? !port.edge : this.#trunkTopologyChanges
    if (state === 'forwarding' && counts) this.#changeTopology(port, nowMs)
  }

  #tell(port: TreePort): void {
    this.#revision++
    this.#actions.push({ kind: 'port', port: port.id, role: port.role, state: port.state })
  }

  /** Addresses behind other ports than this may have moved; tells all others, once at a time. */
  #changeTopology(from: TreePort, nowMs: number): void {
    this.stats.topologyChanges++
    this.#actions.push({ kind: 'flush', exceptPort: from.id })
    for (const port of this.#ports.values()) {
      if (port === from || port.edge || port.topologyChangeUntilMs > nowMs) continue
      if (port.role !== 'root' && port.role !== 'designated') continue
      port.topologyChangeUntilMs = nowMs + TOPOLOGY_CHANGE_MS
      this.#touch(port)
    }
  }

  /** Something new: send it, at once if nothing else is said, and hello in haste again. */
  #touch(port: TreePort, dueMs = 0): void {
    port.dueMs = Math.min(port.dueMs, dueMs)
    port.hellos = 0
  }

  #nextNumber(): number {
    this.#number = (this.#number + 1) >>> 0
    if (this.#number === 0) this.#number = 1
    return this.#number
  }

  // --- transmission (802.1D-2004 §17.26) -----------------------------------------------------------------

  #send(port: TreePort, nowMs: number): void {
    port.dueMs = Number.POSITIVE_INFINITY
    port.hellos++
    const intervalMs = helloIntervalMs(port)
    port.nextHelloMs = nowMs + intervalMs
    this.stats.bpdusSent++
    this.#actions.push({ kind: 'send', port: port.id, bpdu: this.#bpduOf(port, intervalMs, nowMs) })
  }

  #bpduOf(port: TreePort, intervalMs: number, nowMs: number): ControlBpdu {
    const isDesignated = port.role === 'designated'
    return {
      role: isDesignated ? 'designated' : port.role === 'root' ? 'root' : 'alternate',
      topologyChange: port.topologyChangeUntilMs > nowMs,
      proposal: isDesignated && port.state !== 'forwarding',
      learning: port.state !== 'discarding',
      forwarding: port.state === 'forwarding',
      messageAge: Math.min(this.#messageAge, 255),
      maxAge: this.#maxAge,
      helloMs: Math.max(intervalMs, HELLO_MS),
      rootPathCost: this.#vector.cost,
      rootId: this.#vector.rootId,
      bridgeId: this.#bridgeId,
      portId: port.id,
      number: port.number,
      agreedNumber: isDesignated ? 0 : port.heardNumber,
    }
  }
}
