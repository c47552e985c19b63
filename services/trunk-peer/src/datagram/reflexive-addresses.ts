import { type DatagramAddress, hostAndPort } from '@wakunet/trunk'

/** Peers whose observation is kept; the newest. */
const MAX_OBSERVERS = 64
/** What nobody has said for so long may not be true any more. */
const FORGOTTEN_AFTER_MS = 120_000
const MAX_ADDRESSES = 4

/**
 * As what peers see this node's datagrams: behind a NAT, the address to be reached at. Each peer has one vote, so that one that
 * lies adds one address at the most.
 */
export class ReflexiveAddresses {
  readonly #byObserver = new Map<string, { packed: Uint8Array; atMs: number }>()

  /** @returns true where the addresses are others now */
  observed(observer: string, packed: Uint8Array, nowMs: number): boolean {
    const known = this.#byObserver.get(observer)
    const isNew = known === undefined || Buffer.compare(known.packed, packed) !== 0
    this.#byObserver.delete(observer)
    this.#byObserver.set(observer, { packed: packed.slice(), atMs: nowMs })
    for (const oldest of this.#byObserver.keys()) {
      if (this.#byObserver.size <= MAX_OBSERVERS) break
      this.#byObserver.delete(oldest)
    }
    return isNew
  }

  /** Forgets everything: this host has moved. */
  clear(): void {
    this.#byObserver.clear()
  }

  /** What each observer sees, forgotten ones left out. */
  all(nowMs: number): DatagramAddress[] {
    return [...this.#byObserver.values()]
      .filter(({ atMs }) => nowMs - atMs <= FORGOTTEN_AFTER_MS)
      .map(({ packed }) => hostAndPort(packed))
  }

  /** What most peers say comes first. */
  list(nowMs: number): DatagramAddress[] {
    const votes = new Map<string, { address: DatagramAddress; count: number }>()
    for (const [observer, { packed, atMs }] of this.#byObserver) {
      if (nowMs - atMs > FORGOTTEN_AFTER_MS) {
        this.#byObserver.delete(observer)
        continue
      }
      const key = Buffer.from(packed).toString('hex')
      const vote = votes.get(key) ?? { address: hostAndPort(packed), count: 0 }
      vote.count++
      votes.set(key, vote)
    }
    return [...votes.values()]
      .sort((a, b) => b.count - a.count)
      .slice(0, MAX_ADDRESSES)
      .map(({ address }) => address)
  }
}
