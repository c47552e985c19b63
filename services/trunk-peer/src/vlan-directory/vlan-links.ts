import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { ReplyOf, VlanInfo } from '@wakunet/bus'
import {
  formatVlanLink,
  MAX_PEER_HINT_ADDRESSES,
  type PeerHint,
  parseVlanLink,
  peerAddressFault,
} from '@wakunet/identity'
import { type Clock, type VlanId, WakunetError } from '@wakunet/interface'
import type { Memberships } from '../memberships.ts'
import type { OverlayGate } from '../overlay-gate.ts'
import type { PeerBook } from '../peer-book.ts'
import type { Trunk } from '../trunk.ts'

/** This node and others: a QR code of more is hard to read. */
const MAX_PEERS = 3

export interface VlanLinksInit {
  readonly host: Libp2p
  readonly book: PeerBook
  readonly gate: OverlayGate
  readonly memberships: Memberships
  readonly clock: Clock
  /** Trunks over which frames can pass. */
  readonly trunks: () => Iterable<Trunk>
}

/** Makes and opens invitation links (docs/protocols/directory.md, "Links"). */
export class VlanLinks {
  readonly #init: VlanLinksInit
  opened = 0

  constructor(init: VlanLinksInit) {
    this.#init = init
  }

  make(vlan: VlanInfo): ReplyOf<'directory.link'> {
    const { host } = this.#init
    const self = { peerId: host.peerId.toString(), addresses: usable(host.getMultiaddrs().map(String)) }
    const peers = [...(self.addresses.length > 0 ? [self] : []), ...this.#reached(vlan.id as VlanId)]
    const link = formatVlanLink({ id: vlan.id as VlanId, name: vlan.name, peers: peers.slice(0, MAX_PEERS) })
    return { link, vlan }
  }

  /**
   * Notes the addresses of a link, to be dialled like those of other peers that were heard of. They are forgotten when the node stops.
   * @returns the VLAN that it leads to
   * @throws WakunetError `ERR_VLAN_LINK_INVALID`
   */
  open(text: string): VlanId {
    const { host, book, gate, clock } = this.#init
    const { id, peers, secret } = parseVlanLink(text)
    if (secret !== undefined)
      throw new WakunetError(
        'ERR_VLAN_LINK_INVALID',
        'the link is for a private VLAN, and this version knows open ones alone: install a newer one',
      )
    for (const { peerId, addresses } of peers) {
      if (peerId === host.peerId.toString()) continue
      for (const address of addresses)
        if (isMultiaddr(address) && !gate.isOverlay(multiaddr(address)))
          book.learn(peerId, address, 'vlan', clock.monotonicMs())
    }
    this.opened++
    return id
  }

  /** Peers that this node has dialled itself, members of the VLAN first: where they were reached they may be reached again. */
  #reached(vlan: VlanId): PeerHint[] {
    const { trunks, memberships } = this.#init
    const dialled = [...trunks()].filter(({ initiator }) => initiator)
    const isMember = ({ nodeId }: Trunk) => Number(memberships.isMember(nodeId, vlan))
    return dialled
      .toSorted((a, b) => isMember(b) - isMember(a))
      .map(({ peerId, address }) => ({ peerId, addresses: usable([address]) }))
      .filter(({ addresses }) => addresses.length > 0)
  }
}

/** Without the peer id at the end; loopback addresses only where there are no others. */
function usable(addresses: readonly string[]): string[] {
  const plain = addresses
    .map((address) => address.replace(/\/p2p\/[^/]+$/, ''))
    .filter((address) => peerAddressFault(address) === null)
  const others = plain.filter((address) => !/^\/(ip4\/127\.|ip6\/::1\/)/.test(address))
  return [...new Set(others.length > 0 ? others : plain)].slice(0, MAX_PEER_HINT_ADDRESSES)
}

function isMultiaddr(text: string): boolean {
  try {
    multiaddr(text)
    return true
  } catch {
    return false
  }
}
