import { networkInterfaces } from 'node:os'
import { type Cidr, cidrContains, formatCidr, networkOf, parseCidr } from '@wakunet/addressing'
import type { VlanInfo } from '@wakunet/bus'
import { WakunetError } from '@wakunet/interface'

/** A network that this host has an address in. */
export interface HostNetwork {
  readonly interface: string
  /** CIDR form. */
  readonly network: string
}

/** The networks of all interfaces that are up; loopback and link-local ones are left out. */
export function hostNetworks(): HostNetwork[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ internal, scopeid = 0 }) => !internal && scopeid === 0)
      .flatMap(({ cidr }) => (cidr === null ? [] : [{ interface: name, network: networkText(cidr) }])),
  )
}

function networkText(cidr: string): string {
  return formatCidr(networkOf(parseCidr(cidr)))
}

/**
 * A network of the host whose addresses are a VLAN's too, so that packets for them would leave through one interface
 * alone; null where there is none.
 * @param ownInterfaces names of interfaces of VLANs, which are not looked at
 */
export function overlapOf(
  vlan: Pick<VlanInfo, 'subnet4' | 'subnet6'>,
  networks: readonly HostNetwork[],
  ownInterfaces: readonly string[],
): HostNetwork | null {
  const subnets = [vlan.subnet4, vlan.subnet6].map(parseCidr)
  const others = networks.filter((network) => !ownInterfaces.includes(network.interface))
  return others.find(({ network }) => subnets.some((subnet) => overlap(subnet, parseCidr(network)))) ?? null
}

function overlap(a: Cidr, b: Cidr): boolean {
  return cidrContains(a, b) || cidrContains(b, a)
}

/** For a VLAN that would take addresses of the host's own network away. */
export function subnetOverlap(vlan: VlanInfo, { network, interface: name }: HostNetwork): WakunetError {
  return new WakunetError(
    'ERR_SUBNET_OVERLAP',
    `the subnet of the VLAN ${vlan.name}, ${vlan.subnet4}, overlaps ${network}, which this host is on by ${name}: it would lose hosts of one ` +
      `of both. Join a VLAN with another subnet ('wakunet vlan create ${vlan.name} --subnet ...'), bridge the LAN (--bridge), or take the risk with --allow-overlap`,
  )
}
