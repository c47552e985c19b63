import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { type Gateway, pmpNat, upnpNat } from '@achingbrain/nat-port-mapper'
import type { Clock, Logger, Timer } from '@wakunet/interface'
import { isLocalHost } from '../peer-addresses.ts'

/** Routers are looked for again this often; mappings are renewed by then as well. */
const SEARCH_EVERY_MS = 300_000
const SEARCH_MS = 10_000
const MAP_TIMEOUT_MS = 5_000
const MAX_GATEWAYS = 2
const MAX_PORTS = 4
/** Twice as long as it is renewed: a node that is killed leaves no hole for long. */
const LEASE_MS = 2 * SEARCH_EVERY_MS

export interface PortMapperInit {
  /** TCP ports to be mapped. */
  readonly ports: readonly number[]
  readonly clock: Clock
  readonly logger: Logger
  readonly onMapped: () => void
  readonly findGateways?: (signal: AbortSignal) => AsyncIterable<Gateway>
  /** Address of this host towards a router. */
  readonly localHost?: (gateway: string) => Promise<string>
}

/**
 * Asks the routers of the local network to forward the ports of this node (UPnP IGD, NAT-PMP of RFC 6886). What they answer is a claim: peers try
 * it before it is told to anybody.
 */
export class PortMapper {
  readonly #init: PortMapperInit
  readonly #stopping = new AbortController()
  /** By router. */
  readonly #gateways = new Map<string, Gateway>()
  readonly #mapped = new Map<string, string>()
  #timer: Timer | null = null
  #isSearching = false

  constructor(init: PortMapperInit) {
    this.#init = init
  }

  /** Outside addresses that routers say they forward. */
  get addresses(): readonly string[] {
    return [...new Set(this.#mapped.values())]
  }

  start(): void {
    this.#timer ??= this.#init.clock.setInterval(() => void this.search(), SEARCH_EVERY_MS)
    void this.search()
  }

  /** Takes mappings back as far as routers answer within a second. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = null
    this.#stopping.abort(new Error('stopping'))
    const options = { signal: AbortSignal.timeout(1_000) }
    await Promise.allSettled([...this.#gateways.values()].map((gateway) => gateway.stop(options)))
    this.#gateways.clear()
  }

  /** Another network: its routers are others. */
  networkChanged(): void {
    this.#mapped.clear()
    void this.search()
  }

  async search(): Promise<void> {
    if (this.#isSearching || this.#init.ports.length === 0) return
    this.#isSearching = true
    const { logger, findGateways = allGateways } = this.#init
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(SEARCH_MS)])
    try {
      for (const gateway of this.#gateways.values()) await this.#map(gateway)
      for await (const gateway of findGateways(signal)) {
        const id = `${gateway.id} ${gateway.host}`
        if (gateway.family !== 'IPv4' || this.#gateways.has(id) || this.#gateways.size >= MAX_GATEWAYS)
          continue
        this.#gateways.set(id, gateway)
        await this.#map(gateway)
      }
    } catch (error) {
      if (!this.#stopping.signal.aborted) logger.debug('the search for routers ended', { error })
    } finally {
      this.#isSearching = false
    }
  }

  async #map(gateway: Gateway): Promise<void> {
    const { ports, logger, onMapped, localHost = hostTowards } = this.#init
    for (const port of ports.slice(0, MAX_PORTS)) {
      const key = `${gateway.host} ${port}`
      try {
        const options = {
          protocol: 'TCP',
          ttl: LEASE_MS,
          autoRefresh: false,
          signal: AbortSignal.timeout(MAP_TIMEOUT_MS),
        } as const
        const mapping = await gateway.map(port, await localHost(gateway.host), options)
        if (!isIPv4(mapping.externalHost) || isLocalHost(mapping.externalHost)) continue
        const address = `/ip4/${mapping.externalHost}/tcp/${mapping.externalPort}`
        if (this.#mapped.get(key) === address) continue
        this.#mapped.set(key, address)
        logger.info('a router forwards a port', { router: gateway.host, address })
        onMapped()
      } catch (error) {
        this.#mapped.delete(key)
        logger.debug('a router does not forward', { router: gateway.host, port, error })
      }
    }
  }
}

/** The router of the default route by NAT-PMP, then whatever answers to UPnP. */
async function* allGateways(signal: AbortSignal): AsyncGenerator<Gateway> {
  const router = defaultRouter()
  if (router !== null) {
    const gateway = pmpNat(router, { autoRefresh: false })
    // It is an emitter, whose errors without a listener would end the process.
    ;(gateway as Gateway & NodeJS.EventEmitter).on('error', () => {})
    yield gateway
  }
  yield* upnpNat({ autoRefresh: false, description: 'wakunet' }).findGateways({
    signal,
    searchInterval: 1_000,
  })
}

/** IPv4 address of the router of the default route as proc(5) has it: hexadecimal, its first octet last. */
function defaultRouter(): string | null {
  try {
    const lines = readFileSync('/proc/net/route', 'latin1').split('\n')
    const route = lines
      .map((line) => line.split(/\s+/))
      .find(([, to, router]) => to === '00000000' && router !== '00000000')
    return route === undefined ? null : [...Buffer.from(route[2] ?? '', 'hex')].reverse().join('.')
  } catch {
    return null
  }
}

/** The kernel chooses by its routes; nothing is sent. */
async function hostTowards(gateway: string): Promise<string> {
  const socket = createSocket('udp4')
  try {
    socket.connect(9, gateway)
    await once(socket, 'connect')
    return socket.address().address
  } finally {
    socket.close()
  }
}
