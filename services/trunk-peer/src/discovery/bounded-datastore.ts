import { MemoryDatastore } from 'datastore-core'
import { Key } from 'interface-datastore'

/** What entries whose keys begin alike may use together. */
export interface SpaceLimits {
  /** For example `/peers/`. */
  readonly prefix: string
  readonly entries: number
  readonly bytes: number
  readonly entryBytes: number
  /** Entries that may share the value of `group`. */
  readonly groups?: readonly { readonly of: (key: string) => string; readonly entries: number }[]
}

const MAX_KEY_CHARACTERS = 256

interface Space {
  readonly limits: SpaceLimits
  /** Bytes of each entry; the one that was used the longest ago first. */
  readonly sizes: Map<string, number>
  readonly groups: readonly Map<string, Set<string>>[]
  bytes: number
}

/**
 * What libp2p remembers of others (peers, DHT records, providers), in memory and bounded: libp2p itself takes in whatever it is
 * told. When a space is full, what was used the longest ago makes room; an entry over its own limit is refused.
 */
export class BoundedDatastore extends MemoryDatastore {
  readonly #spaces: readonly Space[]
  readonly #keep: (key: string) => boolean
  evicted = 0
  refused = 0

  /**
   * @param spaces the first whose prefix fits counts; what fits none is refused
   * @param keep entries that never make room
   */
  constructor(spaces: readonly SpaceLimits[], keep: (key: string) => boolean = () => false) {
    super()
    this.#keep = keep
    this.#spaces = spaces.map((limits) => ({
      limits,
      sizes: new Map(),
      groups: (limits.groups ?? []).map(() => new Map()),
      bytes: 0,
    }))
  }

  get bytes(): number {
    return this.#spaces.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  get entries(): number {
    return this.#spaces.reduce((sum, { sizes }) => sum + sizes.size, 0)
  }

  /** @throws Error where the entry alone is over a limit */
  override put(
    ...[key, value, options]: Parameters<MemoryDatastore['put']>
  ): ReturnType<MemoryDatastore['put']> {
    const text = key.toString()
    const space = this.#spaceOf(text)
    if (space === undefined || text.length > MAX_KEY_CHARACTERS || value.length > space.limits.entryBytes) {
      this.refused++
      throw new Error(`an entry of ${value.length} bytes is not kept`)
    }
    this.#forget(space, text)
    this.#makeRoom(space, text, value.length)
    space.sizes.set(text, value.length)
    space.bytes += value.length
    for (const [at, group] of (space.limits.groups ?? []).entries()) {
      const name = group.of(text)
      const members = space.groups[at]!.get(name) ?? new Set()
      space.groups[at]!.set(name, members.add(text))
    }
    return super.put(key, value, options)
  }

  override get(...[key, options]: Parameters<MemoryDatastore['get']>): ReturnType<MemoryDatastore['get']> {
    const text = key.toString()
    const sizes = this.#spaceOf(text)?.sizes
    const size = sizes?.get(text)
    if (sizes !== undefined && size !== undefined) {
      sizes.delete(text)
      sizes.set(text, size)
    }
    return super.get(key, options)
  }

  override delete(
    ...[key, options]: Parameters<MemoryDatastore['delete']>
  ): ReturnType<MemoryDatastore['delete']> {
    const space = this.#spaceOf(key.toString())
    if (space !== undefined) this.#forget(space, key.toString())
    return super.delete(key, options)
  }

  #spaceOf(key: string): Space | undefined {
    return this.#spaces.find(({ limits }) => key.startsWith(limits.prefix))
  }

  #makeRoom(space: Space, key: string, bytes: number): void {
    for (const [at, { of, entries }] of (space.limits.groups ?? []).entries()) {
      const members = space.groups[at]!.get(of(key))
      if (members !== undefined && members.size >= entries) this.#evictOne(space, members)
    }
    const { limits } = space
    while (space.sizes.size >= limits.entries || space.bytes + bytes > limits.bytes)
      if (!this.#evictOne(space, space.sizes.keys())) return
  }

  #evictOne(space: Space, oldestFirst: Iterable<string>): boolean {
    for (const key of oldestFirst) {
      if (this.#keep(key)) continue
      this.#forget(space, key)
      void super.delete(new Key(key, false))
      this.evicted++
      return true
    }
    return false
  }

  #forget(space: Space, key: string): void {
    const size = space.sizes.get(key)
    if (size === undefined) return
    space.sizes.delete(key)
    space.bytes -= size
    for (const [at, { of }] of (space.limits.groups ?? []).entries()) {
      const members = space.groups[at]!.get(of(key))
      members?.delete(key)
      if (members?.size === 0) space.groups[at]!.delete(of(key))
    }
  }
}
