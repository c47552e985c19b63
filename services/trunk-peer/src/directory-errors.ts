import type { VlanInfo } from '@wakunet/bus'
import { formatVlanRef } from '@wakunet/identity'
import { type VlanId, WakunetError } from '@wakunet/interface'

export function notFound(id: VlanId): WakunetError {
  return new WakunetError(
    'ERR_VLAN_NOT_FOUND',
    `no peer with a trunk to this node knows VLAN ${formatVlanRef(id)}: see 'wakunet peers', and connect to a member of it (--bootstrap)`,
  )
}

export function unknownName(name: string): WakunetError {
  return new WakunetError(
    'ERR_VLAN_NOT_FOUND',
    `no VLAN named '${name}' is known here, nor is one published: look with 'wakunet vlan browse', give its id (on a member: 'wakunet vlan list'), or make it with 'wakunet vlan create'`,
  )
}

export function unknownHere(id: VlanId): WakunetError {
  return new WakunetError(
    'ERR_VLAN_NOT_FOUND',
    `VLAN ${formatVlanRef(id)} is not known here, nor is its key: edit it on the host that made it`,
  )
}

export function notOwned({ name, ref }: VlanInfo): WakunetError {
  return new WakunetError(
    'ERR_VLAN_NOT_OWNED',
    `this node does not hold the key of VLAN '${name}' (${ref}): edit it on the host that made it, where 'wakunet vlan show' says that the key is held by this node`,
  )
}

/** The one published VLAN that comes near a name is named otherwise. */
export function lookalike(name: string, vlan: Pick<VlanInfo, 'name' | 'ref'>): WakunetError {
  return new WakunetError(
    'ERR_VLAN_NOT_FOUND',
    `no VLAN named '${name}' is known; one that is published looks like it, '${vlan.name}' (${vlan.ref}): give its id if you mean that one`,
  )
}

export function ambiguous(name: string, vlans: readonly Pick<VlanInfo, 'name' | 'ref'>[]): WakunetError {
  return new WakunetError(
    'ERR_VLAN_NAME_AMBIGUOUS',
    `${vlans.length} VLANs are named '${name}', or look like it: give the id of the one you mean: ${vlans.map((vlan) => `${vlan.ref} ('${vlan.name}')`).join(', ')}`,
  )
}

export function directoryFull(limit: number): WakunetError {
  return new WakunetError('ERR_DIRECTORY_FULL', `this node already knows ${limit} VLANs, its limit`)
}
