import type { VlanInfo } from '@wakunet/bus'
import { clientText, type VlanTags } from '@wakunet/identity'
import { printable } from './printable.ts'
import type { Style } from './style.ts'
import { formatFields } from './table.ts'
import { formatDuration } from './units.ts'

type Field = readonly [label: string, value: string]

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
    ...planFields(vlan),
    ...presentationFields(vlan),
    ['record', `number ${vlan.sequence}`],
    ['key', vlan.owned ? 'held by this node' : 'held elsewhere'],
  ])

/** What its owner has set; the rest has its defaults. */
const planFields = (vlan: VlanInfo): readonly Field[] => {
  const { pool4, reservations = [], router4, dns, domain, ntp, leaseSeconds, priorities = [], tags } = vlan
  return [
    ...field('IPv4 pool', pool4 && `${pool4.first} to ${pool4.last}`),
    ...reservations.map((one): Field => ['reserved', `${one.address4} for ${clientText(one)}`]),
    ...field('router', router4),
    ...field('DNS', dns?.join(', ')),
    ...field('domain', domain),
    ...field('NTP', ntp?.join(', ')),
    ...field('lease', leaseSeconds && formatDuration(leaseSeconds * 1000)),
    ...priorities.map((one): Field => ['priority', `${one.priority} for ${one.nodeId}`]),
    ...field('tags', tags && tagsText(tags)),
  ]
}

/** How it presents itself to others. */
const presentationFields = ({ icon, gateways = [], publishedUntilMs }: VlanInfo): readonly Field[] => [
  ...field('icon', icon && `${icon.type}, ${icon.width} x ${icon.height}, ${icon.bytes} bytes`),
  ...gateways.map(
    ({ peerId, addresses }): Field => ['gateway', [peerId, ...addresses.map(printable)].join(' ')],
  ),
  ...field('published', publishedUntilMs && `until ${new Date(publishedUntilMs).toISOString()}`),
]

const field = (label: string, value: string | 0 | undefined): readonly Field[] =>
  value === undefined || value === 0 ? [] : [[label, value]]

const tagsText = (tags: VlanTags): string => {
  if (tags.mode === 'filter') return `${tags.vids.join(', ')} carried`
  return tags.mode === 'carry' ? 'all carried' : 'none carried'
}
