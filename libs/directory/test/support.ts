import {
  createVlanKey,
  signVlanRecord,
  signVlanWithdrawal,
  type VlanRecordFields,
  vlanIdFromPublicKey,
} from '@wakunet/identity'
import type { VlanId } from '@wakunet/interface'
import { FakeClock } from '@wakunet/testing'
import { DirectoryExchange, type DirectoryMessage, ListingStore } from '../src/index.ts'
import type { ListingStoreInit } from '../src/listing-store.ts'

/** Where every fake clock begins. */
export const NOW = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000

export function keyOf(number: number): Uint8Array {
  const key = new Uint8Array(32).fill(7)
  new DataView(key.buffer).setUint32(0, number)
  return key
}

export function idOf(number: number): VlanId {
  return vlanIdFromPublicKey(createVlanKey(keyOf(number)).publicKey)
}

/** The published record of the VLAN whose key has this number. */
export function published(number: number, fields: Partial<VlanRecordFields> = {}): Uint8Array {
  const all: VlanRecordFields = {
    name: `vlan ${number}`,
    description: '',
    policy: 'open',
    subnet4: '10.9.0.0/24',
    subnet6: 'fd00:1:2:3::/64',
    mtu: 1400,
    sequence: 1,
    issuedAtMs: NOW,
    publishedUntilMs: NOW + 3 * DAY_MS,
    ...fields,
  }
  return signVlanRecord(all, keyOf(number))
}

export function withdrawn(number: number, sequence: number, untilMs = NOW + 3 * DAY_MS): Uint8Array {
  return signVlanWithdrawal({ sequence, untilMs }, keyOf(number))
}

export function storeWith(init: Partial<ListingStoreInit> = {}): ListingStore {
  return new ListingStore({ isPinned: () => false, ...init })
}

export const sourceOf = (peer: string, network = peer) => ({ peer, network })

/** Nodes on one fake clock, whose messages to each other are delivered a millisecond later. */
export class FakeNetwork {
  readonly clock = new FakeClock()
  readonly nodes = new Map<string, { store: ListingStore; exchange: DirectoryExchange }>()
  readonly cutOff: string[] = []
  /** Messages by type, of all nodes. */
  readonly sent: Record<string, number> = {}
  bytes = 0

  add(name: string, init: Partial<ListingStoreInit> = {}) {
    const store = storeWith(init)
    const exchange = new DirectoryExchange({
      clock: this.clock,
      store,
      random: () => 0.5,
      send: (peer, message) => this.#send(name, peer, message),
      cutOff: (peer, why) => {
        this.cutOff.push(`${name} ${peer}: ${why}`)
        this.nodes.get(peer)?.exchange.down(name)
      },
      onTaken: () => {},
    })
    exchange.start()
    const node = { store, exchange }
    this.nodes.set(name, node)
    return node
  }

  link(one: string, other: string): void {
    this.nodes.get(one)!.exchange.up(sourceOf(other))
    this.nodes.get(other)!.exchange.up(sourceOf(one))
  }

  /** As if a hostile peer had sent it. */
  inject(from: string, to: string, message: DirectoryMessage): void {
    this.nodes.get(to)!.exchange.receive(from, message)
  }

  #send(from: string, to: string, message: DirectoryMessage): boolean {
    const target = this.nodes.get(to)
    if (target === undefined) return false
    this.sent[message.type] = (this.sent[message.type] ?? 0) + 1
    if ('items' in message) for (const item of message.items) this.bytes += item.length
    this.clock.setTimeout(() => target.exchange.receive(from, message), 1)
    return true
  }
}
