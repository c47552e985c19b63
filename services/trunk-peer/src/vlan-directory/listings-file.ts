import type { ListingSource, ListingStore } from '@wakunet/directory'
import { MAX_VLAN_RECORD_BYTES } from '@wakunet/identity'
import { type Clock, type Logger, WakunetError } from '@wakunet/interface'
import { readStateFile, type StateFormat, writeStateFile } from '@wakunet/service-kit'
import { z } from 'zod'

/** Of listings, before they become text: a state file holds 16 MiB. */
const MAX_FILE_BYTES = 10 * 1_048_576
const MAX_LISTINGS = 8_192

interface SavedListing {
  readonly encoded: string
  readonly source: ListingSource | null
}

const LISTINGS_STATE: StateFormat<{ listings: readonly SavedListing[] }> = {
  name: 'trunk-peer.directory',
  version: 1,
  schema: z.strictObject({
    listings: z
      .array(
        z.strictObject({
          encoded: z.base64().max(Math.ceil(MAX_VLAN_RECORD_BYTES / 3) * 4),
          source: z.strictObject({ peer: z.string().max(64), network: z.string().max(64) }).nullable(),
        }),
      )
      .max(MAX_LISTINGS),
  }),
}

export interface ListingsFileInit {
  /** Null: nothing is saved. */
  readonly path: string | null
  readonly store: ListingStore
  readonly clock: Clock
  readonly logger: Logger
}

/** The directory on disk. It can be had again from peers: a damaged file is set aside, and the node starts without. */
export class ListingsFile {
  readonly #init: ListingsFileInit
  #savedVersion = 0

  constructor(init: ListingsFileInit) {
    this.#init = init
  }

  async load(): Promise<{ encoded: Uint8Array; source: ListingSource | null }[]> {
    const { path, clock, logger } = this.#init
    if (path === null) return []
    try {
      const state = await readStateFile(path, LISTINGS_STATE, { clock })
      return (state?.listings ?? []).map(({ encoded, source }) => ({
        encoded: new Uint8Array(Buffer.from(encoded, 'base64')),
        source,
      }))
    } catch (error) {
      if (!(error instanceof WakunetError) || error.code !== 'ERR_STATE_DAMAGED') throw error
      logger.warn('the directory of published VLANs begins empty', { error })
      return []
    }
  }

  /** Writes the store where it has changed since. What this node made itself goes first. */
  async save(): Promise<void> {
    const { path, store, logger } = this.#init
    if (path === null || store.version === this.#savedVersion) return
    const version = store.version
    try {
      await writeStateFile(path, LISTINGS_STATE, { listings: this.#listings() })
      this.#savedVersion = version
    } catch (error) {
      logger.warn('the directory of published VLANs was not saved', { error })
    }
  }

  #listings(): SavedListing[] {
    const { store } = this.#init
    const all = [...store.all()].map(({ id, encoded }) => ({ encoded, source: store.sourceOf(id) }))
    all.sort((a, b) => Number(a.source !== null) - Number(b.source !== null))
    let room = MAX_FILE_BYTES
    const fitting = all.filter(({ encoded }) => {
      room -= encoded.length
      return room >= 0
    })
    return fitting
      .slice(0, MAX_LISTINGS)
      .map(({ encoded, source }) => ({ encoded: Buffer.from(encoded).toString('base64'), source }))
  }
}
