import type { VlanInfo } from '@wakunet/bus'
import { distinctInterfaceNameFor, interfaceNameFor } from '@wakunet/identity'
import { type VlanId, WakunetError } from '@wakunet/interface'

/** Linux takes 15 characters. */
const MAX_LENGTH = 15
const MAX_NUMBER = 99

/**
 * Names for the interface of a VLAN, best first: from the VLAN's name, then with digits of its id, then with a
 * number. A name that the person asked for is the only one.
 */
export function* interfaceNames(vlan: VlanInfo, wanted: string | undefined): Generator<string> {
  if (wanted !== undefined) {
    yield wanted
    return
  }
  const id = vlan.id as VlanId
  const base = interfaceNameFor(vlan.name, id)
  yield base
  yield distinctInterfaceNameFor(vlan.name, id)
  for (let number = 2; number <= MAX_NUMBER; number++) {
    const suffix = `-${number}`
    yield `${base.slice(0, MAX_LENGTH - suffix.length)}${suffix}`
  }
}

/** The error for a name that another VLAN of this switch has. */
export function nameTaken(name: string, byVlan: string): WakunetError {
  return new WakunetError(
    'ERR_INTERFACE_NAME_TAKEN',
    `The interface name ${name} is taken: it belongs to the VLAN ${byVlan}. Choose another name with --interface.`,
  )
}
