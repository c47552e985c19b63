import type { VlanId } from '@wakunet/interface'

/** Prefix of interfaces that Wakunet makes. */
const PREFIX = 'wk-'
/** What IFNAMSIZ of Linux leaves behind the prefix. */
const MAX_SLUG_LENGTH = 15 - PREFIX.length

/**
 * Name of the network interface of a VLAN: `wk-` and what Latin letters and digits its name has; digits of its id
 * where it has none. At most 15 characters. Two VLANs may come to the same; `distinctInterfaceNameFor` tells them apart.
 */
export function interfaceNameFor(name: string, id: VlanId): string {
  return PREFIX + (slugOf(name, MAX_SLUG_LENGTH) || id.slice(0, 8))
}

/** The same with four digits of the id, for where the plain name is taken. */
export function distinctInterfaceNameFor(name: string, id: VlanId): string {
  const slug = slugOf(name, MAX_SLUG_LENGTH - 5)
  return slug === '' ? PREFIX + id.slice(0, MAX_SLUG_LENGTH) : `${PREFIX}${slug}-${id.slice(0, 4)}`
}

function slugOf(name: string, maxLength: number): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, maxLength)
    .replace(/-$/, '')
}
