import type { PayloadOf } from '@wakunet/bus'
import type { Clock } from '@wakunet/interface'
import type { VlanFabric } from '@wakunet/switching'

type UsedTrunk = PayloadOf<'switch.trunks.used'>['trunks'][number]

/** A member without a trunk to this node that it has much to do with. */
export interface BusyPair {
  readonly vlanId: string
  readonly nodeId: string
  /** Multiaddrs that it has announced. */
  readonly addresses: readonly string[]
  /** Its public key in Base64. */
  readonly publicKey: string
  readonly bytesPerSecond: number
}

/** A VLAN whose trunks are looked at. */
export interface UsingVlan {
  readonly vlanId: string
  readonly fabric: VlanFabric
  /** What a member has announced of itself; null where nothing was heard. @param id node id, 16 bytes */
  announcedBy(
    id: Uint8Array,
  ): { readonly multiaddrs: readonly string[]; readonly publicKey: Uint8Array } | null
}

/** News without a change of who is used. */
const REFRESH_MS = 10_000
/** A pair over this rate is worth a trunk of its own. */
export const BUSY_BYTES_PER_SECOND = 64 * 1024
const MAX_TRUNKS = 4_096
/** Pairs that are told of at a time; the busiest first. */
const MAX_BUSY_PAIRS = 8

/** Rates of the trunks and members of all VLANs between two looks. */
export class TrunkUsage {
  readonly #clock: Clock
  readonly #bytes = new WeakMap<object, number>()
  #lookedMs: number
  #told = ''
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
    this.#lookedMs = clock.monotonicMs()
  }

  /**
   * Looks at all VLANs; call it every second or two, and after a change of a tree.
   * @returns what trunk-peer is to be told, null where it knows; and pairs that are worth a trunk of their own
   */
  look(vlans: readonly UsingVlan[]): { readonly used: UsedTrunk[] | null; readonly busy: BusyPair[] } {
    const nowMs = this.#clock.monotonicMs()
    const seconds = Math.max(0.001, (nowMs - this.#lookedMs) / 1_000)
    this.#lookedMs = nowMs
    const used = new Map<string, { tree: boolean; bytesPerSecond: number }>()
    const busy: BusyPair[] = []
    for (const vlan of vlans) {
      const { fabric, vlanId } = vlan
      for (const trunk of fabric.trunks.all) {
        const nodeId = Buffer.from(trunk.id).toString('hex')
        const before = used.get(nodeId)
        used.set(nodeId, {
          tree: trunk.isOpen || before?.tree === true,
          bytesPerSecond: (before?.bytesPerSecond ?? 0) + this.#since(trunk) / seconds,
        })
      }
      for (const member of fabric.bridge.members.all) {
        const bytesPerSecond = this.#since(member) / seconds
        if (bytesPerSecond < BUSY_BYTES_PER_SECOND || fabric.trunks.find(member.id, 0) !== null) continue
        const announced = vlan.announcedBy(member.id)
        if (announced === null) continue
        busy.push({
          vlanId,
          nodeId: member.nodeId,
          addresses: announced.multiaddrs,
          publicKey: Buffer.from(announced.publicKey).toString('base64'),
          bytesPerSecond,
        })
      }
    }
    busy.sort((a, b) => b.bytesPerSecond - a.bytesPerSecond)
    return { used: this.#news(used, nowMs), busy: busy.slice(0, MAX_BUSY_PAIRS) }
  }

  #since(counted: { readonly bytes: number }): number {
    const before = this.#bytes.get(counted) ?? 0
    this.#bytes.set(counted, counted.bytes)
    return counted.bytes - before
  }

  #news(used: ReadonlyMap<string, Omit<UsedTrunk, 'nodeId'>>, nowMs: number): UsedTrunk[] | null {
    const trunks = [...used]
      .filter(([, { tree, bytesPerSecond }]) => tree || bytesPerSecond > 0)
      .slice(0, MAX_TRUNKS)
      .map(([nodeId, { tree, bytesPerSecond }]) => ({ nodeId, tree, bytesPerSecond }))
    const told = trunks
      .map(({ nodeId, tree, bytesPerSecond }) => `${nodeId} ${tree} ${bytesPerSecond > 0}`)
      .join()
    if (told === this.#told && nowMs - this.#toldMs < REFRESH_MS) return null
    this.#told = told
    this.#toldMs = nowMs
    return trunks
  }
}
