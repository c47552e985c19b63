import type { ReplyOf, RequestBus, VlanInfo } from '@wakunet/bus'

/** A node stores 1,024 VLANs, and a page has one at least. */
const MAX_PAGES = 1_024

/** Every VLAN whose record the node has stored, page by page. */
export const knownVlans = async (client: RequestBus): Promise<readonly VlanInfo[]> => {
  const all: VlanInfo[] = []
  let after: string | null = null
  for (let page = 0; page < MAX_PAGES; page++) {
    const reply: ReplyOf<'directory.list'> = await client.request(
      'directory.list',
      after === null ? {} : { after },
    )
    all.push(...reply.vlans)
    after = reply.next
    if (after === null) break
  }
  return all
}
