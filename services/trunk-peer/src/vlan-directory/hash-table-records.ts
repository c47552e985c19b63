import type { Clock, Logger, VlanId } from '@wakunet/interface'
import type { Dht } from '../discovery/dht.ts'
import { vlanRecordKey } from '../discovery/vlan-keys.ts'

/** A record is put again this often, up to a quarter earlier by chance; the table forgets it after a day or more. */
const AGAIN_MS = 6 * 3_600_000
/** After nobody took it. */
const RETRY_MS = 120_000
const PUT_TIMEOUT_MS = 30_000

export interface HashTableRecordsInit {
  readonly clock: Clock
  readonly logger: Logger
  readonly dht: () => Dht
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Published VLANs whose record this node keeps in the table: its own, and those it has joined. */
  readonly records: () => readonly { readonly id: VlanId; readonly encoded: Uint8Array }[]
  /** The newest record of a VLAN, published or not; null where none is stored. */
  readonly newest: (id: VlanId) => Uint8Array | null
}

interface Put {
  encoded: Uint8Array
  /** Monotonic time. */
  nextAtMs: number
  /** It is not published any more: put once, so that the table does not go on telling of the publication. */
  isLast: boolean
}

/** Keeps records of published VLANs in the distributed hash table; one put at a time. */
export class HashTableRecords {
  readonly #init: HashTableRecordsInit
  readonly #puts = new Map<VlanId, Put>()
  #busy = false
  stored = 0
  failed = 0

  constructor(init: HashTableRecordsInit) {
    this.#init = init
  }

  /** Puts what is due. */
  tick(): void {
    const records = new Map(this.#init.records().map(({ id, encoded }) => [id, encoded]))
    const now = this.#init.clock.monotonicMs()
    for (const [id, encoded] of records) {
      const put = this.#puts.get(id)
      if (put === undefined || !Buffer.from(put.encoded).equals(encoded))
        this.#puts.set(id, { encoded, nextAtMs: now, isLast: false })
    }
    for (const [id, put] of this.#puts)
      if (!records.has(id) && !put.isLast) this.#retire(id, put.encoded, now)
    void this.#putNext(now)
  }

  #retire(id: VlanId, published: Uint8Array, now: number): void {
    const encoded = this.#init.newest(id)
    if (encoded === null || Buffer.from(encoded).equals(published)) this.#puts.delete(id)
    else this.#puts.set(id, { encoded, nextAtMs: now, isLast: true })
  }

  async #putNext(now: number): Promise<void> {
    const dht = this.#init.dht()
    const due = [...this.#puts].find(([, { nextAtMs }]) => nextAtMs <= now)
    if (this.#busy || due === undefined || dht.mode === 'off' || dht.size === 0) return
    const [id, put] = due
    this.#busy = true
    try {
      const holders = await dht.put(vlanRecordKey(id), put.encoded, { timeoutMs: PUT_TIMEOUT_MS })
      if (holders > 0) this.stored++
      else this.failed++
      if (put.isLast) this.#puts.delete(id)
      put.nextAtMs = now + (holders > 0 ? AGAIN_MS * (1 - this.#init.random() / 4) : RETRY_MS)
    } catch (error) {
      this.failed++
      put.nextAtMs = now + RETRY_MS
      this.#init.logger.warn('the hash table does not take the record of a VLAN', { vlan: id, error })
    } finally {
      this.#busy = false
    }
  }
}
