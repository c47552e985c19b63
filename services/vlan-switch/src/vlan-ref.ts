import type { VlanInfo } from '@wakunet/bus'
import { parseVlanRef } from '@wakunet/identity'
import { WakunetError } from '@wakunet/interface'

/**
 * The VLAN that a person means by its id with checksum, its bare id, or its name; null where none fits.
 * @throws WakunetError `ERR_VLAN_NAME_AMBIGUOUS` where the name fits several
 */
export function findVlan(text: string, vlans: readonly VlanInfo[]): VlanInfo | null {
  const id = idOf(text)
  const byId = vlans.find((vlan) => vlan.id === id)
  if (byId !== undefined) return byId
  const named = vlans.filter((vlan) => vlan.name === text)
  if (named.length <= 1) return named[0] ?? null
  throw new WakunetError(
    'ERR_VLAN_NAME_AMBIGUOUS',
    `${named.length} joined VLANs are named ${JSON.stringify(text)}. Name one by its id: ${named.map((vlan) => vlan.ref).join(', ')}`,
  )
}

/** A text that is no id is a name. */
function idOf(text: string): string | null {
  try {
    return parseVlanRef(text)
  } catch (error) {
    if (error instanceof WakunetError) return null
    throw error
  }
}

export function notJoined(text: string, vlans: readonly VlanInfo[]): WakunetError {
  const joined =
    vlans.length === 0
      ? 'no VLAN is joined'
      : `joined are: ${vlans.map((vlan) => `${vlan.name} (${vlan.ref})`).join(', ')}`
  return new WakunetError(
    'ERR_VLAN_NOT_JOINED',
    `The VLAN ${JSON.stringify(text)} is not joined here; ${joined}.`,
  )
}
