import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import type { Clock, Timer } from '@wakunet/interface'

/** Asking the kernel costs some 0.1 ms. */
const POLL_MS = 1_000

export interface LinkWatchInit {
  readonly clock: Clock
  /** Addresses of this host have come or gone; an interface without carrier has none. */
  readonly onChange: () => void
  readonly interfaces?: () => NodeJS.Dict<NetworkInterfaceInfo[]>
}

/** Notices that a cable was put back or another network joined, so that nobody waits for the next attempt. */
export class LinkWatch {
  readonly #init: LinkWatchInit
  #timer: Timer | null = null
  #seen = ''

  constructor(init: LinkWatchInit) {
    this.#init = init
  }

  start(): void {
    this.#seen = this.#look()
    this.#timer ??= this.#init.clock.setInterval(() => this.#check(), POLL_MS)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  #check(): void {
    const now = this.#look()
    if (now === this.#seen) return
    this.#seen = now
    this.#init.onChange()
  }

  #look(): string {
    const interfaces = this.#init.interfaces ?? networkInterfaces
    return Object.values(interfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal }) => !internal)
      .map(({ address }) => address)
      .sort()
      .join(' ')
  }
}
