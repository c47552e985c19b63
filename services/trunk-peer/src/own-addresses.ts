import type { Libp2p } from '@libp2p/interface'
import type { Bus } from '@wakunet/bus'
import type { Clock, Timer } from '@wakunet/interface'

const MAX_ADDRESSES = 8
const MAX_ADDRESS_BYTES = 128
/** Told again this often, for subscribers that missed a change. */
const REFRESH_MS = 60_000
/** libp2p tells each address of a listener by itself; those within this time are told together. */
const DEBOUNCE_MS = 100

export interface OwnAddressesInit {
  readonly host: Libp2p
  readonly bus: Bus
  readonly clock: Clock
}

/** Tells switches under which addresses peers reach this node, for their member announcements. */
export class OwnAddresses {
  readonly #init: OwnAddressesInit
  readonly #onUpdate = () => this.#soon(false)
  #told = ''
  #refresh: Timer | null = null
  #pending: Timer | null = null
  #always = false

  constructor(init: OwnAddressesInit) {
    this.#init = init
  }

  start(): void {
    this.#init.host.addEventListener('self:peer:update', this.#onUpdate)
    this.#refresh = this.#init.clock.setInterval(() => this.tell(), REFRESH_MS)
    this.tell()
  }

  stop(): void {
    this.#init.host.removeEventListener('self:peer:update', this.#onUpdate)
    this.#refresh?.cancel()
    this.#pending?.cancel()
    this.#pending = null
  }

  /** Tells them soon, whether they changed or not. */
  tell(): void {
    this.#soon(true)
  }

  /** The overlay's subnets changed, and with them what may be announced. */
  check(): void {
    this.#soon(false)
  }

  #soon(always: boolean): void {
    this.#always ||= always
    this.#pending ??= this.#init.clock.setTimeout(() => {
      this.#pending = null
      this.#publish()
    }, DEBOUNCE_MS)
  }

  #publish(): void {
    const { host, bus } = this.#init
    const addresses = announcedAddresses(host.getMultiaddrs().map(String), host.peerId.toString())
    const text = addresses.join(' ')
    if (text === this.#told && !this.#always) return
    this.#told = text
    this.#always = false
    bus.publish('trunk.addresses.changed', { addresses })
  }
}

/**
 * Those of a host's addresses that fit an announcement, public ones and those over relays first as the host gives them. Its own peer id is
 * left out: the reader of an announcement checks who answers by the node id.
 */
export function announcedAddresses(addresses: readonly string[], peerId: string): string[] {
  const suffix = `/p2p/${peerId}`
  return [...new Set(addresses.map((address) => address.replace(suffix, '')))]
    .filter((address) => Buffer.byteLength(address) <= MAX_ADDRESS_BYTES)
    .slice(0, MAX_ADDRESSES)
}
