import type { VlanMember } from '@wakunet/bus'
import { nodeIdToBytes } from '@wakunet/identity'
import type { NodeId } from '@wakunet/interface'
import { DEFAULT_PATH_COST, pathCostOfRtt, type VlanFabric } from '@wakunet/switching'

interface KnownTrunk {
  readonly id: Uint8Array
  readonly bootNonce: string
  cost: number
}

/** Tells the fabric of a VLAN which members have a trunk to this node, out of the lists that trunk-peer sends. */
export class VlanTrunks {
  readonly #fabric: VlanFabric
  readonly #known = new Map<string, KnownTrunk>()

  constructor(fabric: VlanFabric) {
    this.#fabric = fabric
  }

  /** @param members with a trunk to this node, which is not among them; the whole list */
  update(members: readonly VlanMember[], nowMs: number): void {
    const gone = new Set(this.#known.keys())
    for (const member of members) {
      gone.delete(member.nodeId)
      this.#updateOne(member, nowMs)
    }
    for (const nodeId of gone) {
      this.#fabric.removeTrunk(this.#known.get(nodeId)!.id, nowMs)
      this.#known.delete(nodeId)
    }
  }

  #updateOne({ nodeId, bootNonce, rttMs }: VlanMember, nowMs: number): void {
    const cost = rttMs === null ? DEFAULT_PATH_COST : pathCostOfRtt(rttMs)
    const known = this.#known.get(nodeId)
    if (known?.bootNonce !== bootNonce) {
      const id = nodeIdToBytes(nodeId as NodeId)
      this.#known.set(nodeId, { id, bootNonce, cost })
      this.#fabric.addTrunk({ id, bootNonce: Buffer.from(bootNonce, 'hex'), cost }, nowMs)
    } else if (known.cost !== cost) {
      known.cost = cost
      this.#fabric.setTrunkCost(known.id, cost, nowMs)
    }
  }
}
