import type { PortInfo, VlanInfo } from '@wakunet/bus'
import { type HostNetwork, overlapOf } from '@wakunet/vlan-switch'
import { printable } from '../printable.ts'
import { type CheckResult, ok, warn } from './check.ts'

/** Whether VLANs that the node knows share addresses with networks that this host is on. */
export const checkOverlap = (
  vlans: readonly VlanInfo[],
  ports: readonly PortInfo[],
  networks: readonly HostNetwork[],
): readonly CheckResult[] => {
  const own = ports.map((port) => port.interface)
  const found = vlans.flatMap((vlan) => {
    const port = ports.find(({ vlanId }) => vlanId === vlan.id)
    // The port of a bridge is meant to be one with the LAN.
    const overlap = port?.addressMode === 'none' ? null : overlapOf(vlan, networks, own)
    return overlap === null ? [] : [overlapResult(vlan, port, overlap)]
  })
  return found.length > 0 ? found : [ok('subnet', 'no known VLAN overlaps a network of this host')]
}

const overlapResult = (
  vlan: VlanInfo,
  port: PortInfo | undefined,
  { network, interface: name }: HostNetwork,
): CheckResult =>
  warn(
    'subnet',
    printable(
      `VLAN ${vlan.name} (${port?.interface ?? 'not joined'}) has the subnet ${vlan.subnet4}, which overlaps ${network} of ${name}`,
    ),
    port === undefined
      ? `joining it is refused: make one with another subnet (wakunet vlan create NAME --subnet CIDR), or bridge the LAN (wakunet vlan join ${vlan.ref} --bridge BRIDGE)`
      : `hosts of one of both cannot be reached: leave it (wakunet vlan leave ${vlan.ref}) and make one with another subnet (wakunet vlan create NAME --subnet CIDR)`,
  )
