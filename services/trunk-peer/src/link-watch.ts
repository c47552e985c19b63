import { readFileSync } from 'node:fs'
import { type NetworkInterfaceInfo, networkInterfaces, uptime } from 'node:os'
import type { Clock, Timer } from '@wakunet/interface'

/** Asking the kernel costs some 0.1 ms. */
const POLL_MS = 250
/** A host that slept for less than this has lost nothing. */
const SLEPT_MS = 2_000
/** Interfaces of VLANs: what comes and goes there is no news of the network below. */
const OWN_INTERFACES = /^wk-/
const MAX_ROUTES_BYTES = 256 * 1024

/** What has changed below the trunks. */
export interface NetworkChange {
  /** `addresses` of interfaces, `routes` to everywhere, or this host was `asleep`: suspended, or its process was stopped. */
  readonly what: 'addresses' | 'routes' | 'asleep'
  /** IP addresses that this host had and has no more: connections from them are dead. */
  readonly gone: readonly string[]
}

export interface LinkWatchInit {
  readonly clock: Clock
  readonly onChange: (change: NetworkChange) => void
  readonly interfaces?: () => NodeJS.Dict<NetworkInterfaceInfo[]>
  /** Default routes, in any form that stays the same while they do. */
  readonly routes?: () => string
  /** Time since the host was booted in milliseconds, sleep included. */
  readonly bootMs?: () => number
}

/** Notices that a cable was put back, another network joined, or that the host was asleep, so that nobody waits for the next attempt. */
export class LinkWatch {
  readonly #init: LinkWatchInit
  #timer: Timer | null = null
  #addresses: ReadonlySet<string> = new Set()
  #routes = ''
  #checkedAtMs = 0
  /** Boot clock less monotonic clock: it grows while the host is suspended. */
  #asleepMs = 0

  constructor(init: LinkWatchInit) {
    this.#init = init
  }

  start(): void {
    if (this.#timer !== null) return
    this.#addresses = this.#lookAtAddresses()
    this.#routes = this.#lookAtRoutes()
    this.#checkedAtMs = this.#init.clock.monotonicMs()
    this.#asleepMs = this.#lookAtSleep()
    this.#timer = this.#init.clock.setInterval(() => this.#check(), POLL_MS)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  #check(): void {
    const { onChange, clock } = this.#init
    const before = { addresses: this.#addresses, routes: this.#routes, asleepMs: this.#asleepMs }
    const stoppedMs = clock.monotonicMs() - this.#checkedAtMs
    this.#addresses = this.#lookAtAddresses()
    this.#routes = this.#lookAtRoutes()
    this.#asleepMs = this.#lookAtSleep()
    this.#checkedAtMs = clock.monotonicMs()
    const gone = [...before.addresses].filter((address) => !this.#addresses.has(address))
    const isNew = [...this.#addresses].some((address) => !before.addresses.has(address))
    if (gone.length > 0 || isNew) onChange({ what: 'addresses', gone })
    else if (this.#routes !== before.routes) onChange({ what: 'routes', gone })
    else if (this.#asleepMs - before.asleepMs > SLEPT_MS || stoppedMs > SLEPT_MS)
      onChange({ what: 'asleep', gone })
  }

  #lookAtAddresses(): Set<string> {
    const interfaces = (this.#init.interfaces ?? networkInterfaces)()
    return new Set(
      Object.entries(interfaces)
        .filter(([name]) => !OWN_INTERFACES.test(name))
        .flatMap(([, addresses]) => addresses ?? [])
        // fe80::/10 names no interface, and nobody connects from it.
        .filter(({ internal, address }) => !internal && !/^fe[89ab]/i.test(address))
        .map(({ address }) => address),
    )
  }

  #lookAtRoutes(): string {
    return (this.#init.routes ?? defaultRoutes)()
  }

  #lookAtSleep(): number {
    return (this.#init.bootMs ?? (() => uptime() * 1_000))() - this.#init.clock.monotonicMs()
  }
}

/** Default routes of this network namespace as proc(5) has them, without their counters; those through VLANs are left out. */
function defaultRoutes(): string {
  // Destination, gateway, flags, ..., metric, mask; numbers in hexadecimal.
  const four = linesOf('/proc/net/route')
    .map((line) => line.split(/\s+/))
    .filter(
      ([name = '', to, , , , , , mask]) =>
        to === '00000000' && mask === '00000000' && !OWN_INTERFACES.test(name),
    )
    .map(([name, , gateway, , , , metric]) => `${name} ${gateway} ${metric}`)
  // Destination, length, source, length, gateway, metric, uses, references, flags, interface.
  const six = linesOf('/proc/net/ipv6_route')
    .map((line) => line.split(/\s+/))
    .filter(
      ([to = '', length, , , , , , , , name = '']) =>
        /^0+$/.test(to) && length === '00' && !/^(lo|wk-)/.test(name),
    )
    .map(([, , , , gateway, metric, , , , name]) => `${name} ${gateway} ${metric}`)
  return [...four, ...six].sort().join('\n')
}

/** A router with all routes of the internet is not looked through. */
function linesOf(file: string): string[] {
  try {
    const text = readFileSync(file, 'latin1')
    return text.length > MAX_ROUTES_BYTES ? [] : text.split('\n')
  } catch {
    return []
  }
}
