import type { ReplyOf, VlanInfo } from '@wakunet/bus'
import type { VlanId } from '@wakunet/interface'

/** Of a page as JSON: a quarter of what a message of the bus may have, so that the encoding of no record takes it over. */
const MAX_PAGE_CHARACTERS = 1_048_576
const MAX_PAGE_VLANS = 1_024

/** VLANs behind `after`, by id, as many as fit a message of the bus; one at least. */
export function directoryPage(vlans: readonly VlanInfo[], after = ''): ReplyOf<'directory.list'> {
  const rest = vlans.filter(({ id }) => id > after).toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const page: VlanInfo[] = []
  let room = MAX_PAGE_CHARACTERS
  for (const vlan of rest) {
    room -= JSON.stringify(vlan).length
    if (page.length > 0 && (room < 0 || page.length === MAX_PAGE_VLANS)) break
    page.push(vlan)
  }
  const next = page.length < rest.length ? (page.at(-1)!.id as VlanId) : null
  return { vlans: page, next }
}
