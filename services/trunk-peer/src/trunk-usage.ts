import type { PayloadOf } from '@wakunet/bus'
import type { NodeId } from '@wakunet/interface'

/** A switch tells again every 10 s; what it does not repeat is forgotten. */
const EXPIRES_AFTER_MS = 30_000

/** What switches use a trunk for. */
export interface Use {
  /** It is part of a VLAN's spanning tree. */
  tree: boolean
  /** Frames of VLANs, both ways, over all switches. */
  bytesPerSecond: number
  /** Monotonic time at which it last was on a tree or carried frames. */
  usefulAtMs: number
}

/**
 * What the switches of this node say they use each trunk for. It decides where failures are looked for quickly, and which
 * trunk gives way when all are in use. Bounded: only peers with a trunk are kept.
 */
export class TrunkUsage {
  readonly #told = new Map<string, { atMs: number; trunks: PayloadOf<'switch.trunks.used'>['trunks'] }>()
  readonly #uses = new Map<NodeId, Use>()

  /** Replaces what one switch has told. */
  set({ lane, trunks }: PayloadOf<'switch.trunks.used'>, nowMs: number): void {
    this.#told.set(lane, { atMs: nowMs, trunks })
    this.#sum(nowMs)
  }

  /** A switch has left the node, or restarts. */
  forget(lane: string, nowMs: number): void {
    if (this.#told.delete(lane)) this.#sum(nowMs)
  }

  /** True where the switch tells what it uses; of others nothing is known. */
  tells(lane: string, nowMs: number): boolean {
    const told = this.#told.get(lane)
    return told !== undefined && nowMs - told.atMs <= EXPIRES_AFTER_MS
  }

  of(nodeId: NodeId): Use | undefined {
    return this.#uses.get(nodeId)
  }

  /** Drops what is too old, and peers without a trunk. Call it once in a while. */
  expire(nowMs: number, hasTrunk: (nodeId: NodeId) => boolean): void {
    for (const [lane, { atMs }] of this.#told) if (nowMs - atMs > EXPIRES_AFTER_MS) this.#told.delete(lane)
    this.#sum(nowMs)
    for (const nodeId of this.#uses.keys()) if (!hasTrunk(nodeId)) this.#uses.delete(nodeId)
  }

  #sum(nowMs: number): void {
    for (const use of this.#uses.values()) {
      use.tree = false
      use.bytesPerSecond = 0
    }
    for (const { trunks } of this.#told.values()) {
      for (const { nodeId, tree, bytesPerSecond } of trunks) {
        const use = this.#use(nodeId as NodeId, nowMs)
        use.tree ||= tree
        use.bytesPerSecond += bytesPerSecond
      }
    }
    for (const use of this.#uses.values()) if (use.tree || use.bytesPerSecond > 0) use.usefulAtMs = nowMs
  }

  #use(nodeId: NodeId, nowMs: number): Use {
    let use = this.#uses.get(nodeId)
    if (use === undefined) {
      use = { tree: false, bytesPerSecond: 0, usefulAtMs: nowMs }
      this.#uses.set(nodeId, use)
    }
    return use
  }
}
