import { memberMac } from '@wakunet/addressing'
import type { VlanMember } from '@wakunet/bus'
import { macFromString, readMac } from '@wakunet/ethernet'
import { nodeIdToBytes } from '@wakunet/identity'
import type { NodeId, VlanId } from '@wakunet/interface'
import type { MemberInit } from '@wakunet/switching'

interface Known {
  readonly bootNonce: string
  readonly mac: string
  readonly init: MemberInit
}

/**
 * Turns what the membership says into what the bridge takes. Results are kept, because the same list comes
 * again every few seconds.
 */
export class MemberInits {
  /** Members that announced another MAC address than the one that follows from their node id. */
  macsRefused = 0
  readonly #vlanId: VlanId
  #known = new Map<string, Known>()

  constructor(vlanId: VlanId) {
    this.#vlanId = vlanId
  }

  /** @param members of the VLAN, this node left out */
  convert(members: readonly VlanMember[]): MemberInit[] {
    const next = new Map<string, Known>()
    for (const member of members) {
      const known = this.#known.get(member.nodeId)
      const same = known !== undefined && known.bootNonce === member.bootNonce && known.mac === member.mac
      next.set(member.nodeId, same ? known : this.#make(member))
    }
    this.#known = next
    return [...next.values()].map((known) => known.init)
  }

  #make(member: VlanMember): Known {
    const init = {
      nodeId: member.nodeId,
      id: nodeIdToBytes(member.nodeId as NodeId),
      bootNonce: Buffer.from(member.bootNonce, 'hex'),
      mac: this.#boundMac(member),
    }
    return { bootNonce: member.bootNonce, mac: member.mac, init }
  }

  /**
   * A MAC address is bound to a member only if it follows from the member's node id, or a member could take
   * the address of another by announcing it first.
   */
  #boundMac(member: VlanMember): number | null {
    if (member.mac === memberMac(this.#vlanId, member.nodeId as NodeId))
      return readMac(macFromString(member.mac), 0)
    this.macsRefused++
    return null
  }
}
