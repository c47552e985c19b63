import { multiaddr } from '@multiformats/multiaddr'
import type { Clock, Logger, Timer } from '@wakunet/interface'

/** Names lead elsewhere when their owner wants it. */
const RESOLVE_EVERY_MS = 600_000
const RETRY_MS = 30_000
/** A TXT record may name another name (multiaddr's dnsaddr specification). */
const MAX_DEPTH = 4
const MAX_ADDRESSES = 64
const MAX_LOOKUPS = 32
const PREFIX = 'dnsaddr='

export interface BootstrapNamesInit {
  /** Configured multiaddrs that begin with `/dnsaddr/`. */
  readonly names: readonly string[]
  /** TXT records of a domain, each in its parts. @throws where there are none, or nobody answers */
  readonly resolveTxt: (domain: string) => Promise<readonly (readonly string[])[]>
  readonly clock: Clock
  readonly logger: Logger
  /** Addresses that the name stands for, without further names in them. */
  readonly onAddresses: (addresses: readonly string[]) => void
}

/** Looks up `/dnsaddr` names of bootstrap peers, again and again: a deployment moves its peers by changing its zone. */
export class BootstrapNames {
  readonly #init: BootstrapNamesInit
  #timer: Timer | null = null
  #stopped = true
  failures = 0

  constructor(init: BootstrapNamesInit) {
    this.#init = init
  }

  start(): void {
    if (!this.#stopped || this.#init.names.length === 0) return
    this.#stopped = false
    void this.#resolveAll()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = null
  }

  async #resolveAll(): Promise<void> {
    const { names, clock, logger, onAddresses } = this.#init
    let failed = false
    for (const name of names) {
      try {
        const addresses = await resolveDnsaddr(name, this.#init.resolveTxt)
        if (this.#stopped) return
        onAddresses(addresses.filter(isMultiaddr))
      } catch (error) {
        failed = true
        this.failures++
        logger.warn('a bootstrap name does not resolve', { name, error })
      }
    }
    if (this.#stopped) return
    this.#timer = clock.setTimeout(() => void this.#resolveAll(), failed ? RETRY_MS : RESOLVE_EVERY_MS)
  }
}

/**
 * What a `/dnsaddr/<domain>[/...]` stands for: the addresses in the TXT records of `_dnsaddr.<domain>` that end in what follows the
 * domain; names in them are followed. At most 64 addresses, 32 look-ups and 4 names deep.
 */
export async function resolveDnsaddr(
  address: string,
  resolveTxt: BootstrapNamesInit['resolveTxt'],
): Promise<string[]> {
  const found = new Set<string>()
  let lookups = 0
  const follow = async (name: string, depth: number): Promise<void> => {
    const [, , domain, ...rest] = name.split('/')
    if (domain === undefined || domain === '' || depth > MAX_DEPTH || lookups++ >= MAX_LOOKUPS) return
    const suffix = rest.length === 0 ? '' : `/${rest.join('/')}`
    for (const parts of await resolveTxt(`_dnsaddr.${domain}`)) {
      const text = parts.join('')
      if (!text.startsWith(`${PREFIX}/`) || !text.endsWith(suffix)) continue
      const target = text.slice(PREFIX.length)
      if (target.startsWith('/dnsaddr/')) await follow(target, depth + 1)
      else if (found.size < MAX_ADDRESSES) found.add(target)
    }
  }
  await follow(address, 1)
  return [...found]
}

function isMultiaddr(text: string): boolean {
  try {
    multiaddr(text)
    return true
  } catch {
    return false
  }
}
