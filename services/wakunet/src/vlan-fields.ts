import type { VlanInfo } from '@wakunet/bus'
import { printable } from './printable.ts'
import type { Style } from './style.ts'
import { formatFields } from './table.ts'

/** A VLAN's record for people. */
export const vlanFields = (vlan: VlanInfo, style: Style): readonly string[] =>
  formatFields([
    ['vlan', style.bold(printable(vlan.name))],
    ['id', vlan.ref],
    ['policy', vlan.policy],
    ['IPv4 subnet', vlan.subnet4],
    ['IPv6 subnet', vlan.subnet6],
    ['mtu', String(vlan.mtu)],
    ...(vlan.description === '' ? [] : [['description', printable(vlan.description)] as const]),
    ['key', vlan.owned ? 'held by this node' : 'held elsewhere'],
  ])
