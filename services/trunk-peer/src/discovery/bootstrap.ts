import { resolveTxt } from 'node:dns/promises'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock, Logger } from '@wakunet/interface'
import type { PeerBook } from '../peer-book.ts'
import { BootstrapNames } from './bootstrap-names.ts'

export interface BootstrapInit {
  /** Configured multiaddrs. */
  readonly addresses: readonly string[]
  readonly book: PeerBook
  readonly clock: Clock
  readonly logger: Logger
}

/** The peers that a node is configured with, by address or by a name that stands for several and for others from day to day. */
export class Bootstrap {
  readonly #init: BootstrapInit
  readonly #names: BootstrapNames

  constructor(init: BootstrapInit) {
    this.#init = init
    const { addresses, clock, logger } = init
    this.#names = new BootstrapNames({
      names: addresses.filter(isName),
      resolveTxt,
      clock,
      logger,
      onAddresses: (resolved) => this.#learn(resolved),
    })
  }

  start(): void {
    this.#learn(this.#init.addresses.filter((address) => !isName(address)))
    this.#names.start()
  }

  stop(): void {
    this.#names.stop()
  }

  #learn(addresses: readonly string[]): void {
    const { book, clock } = this.#init
    const now = clock.monotonicMs()
    for (const address of addresses) {
      const peerId = multiaddr(address)
        .getComponents()
        .findLast(({ name }) => name === 'p2p')?.value
      if (peerId === undefined) book.learnAnonymous(address, now)
      else book.learn(peerId, address, 'bootstrap', now)
    }
  }
}

const isName = (address: string): boolean => address.startsWith('/dnsaddr/')
