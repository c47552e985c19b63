import type { VlanId } from '@wakunet/interface'
import {
  createDecodedRecord,
  decodeEnvelope,
  decodeRecord,
  type Envelope,
  envelopeNodeOffset,
  idEquals,
  idKey,
  RECORD_FAULTS,
  RECORD_FIELD,
} from '@wakunet/record'
import { createDropCounters } from '@wakunet/switching'
import type { FramePath } from './frame-path.ts'

/**
 * Why a message from the lane reaches no port; closed, so that it labels a counter.
 * - `envelope`: it is none, or names several peers where there can be only one
 * - `record-…`: it does not decode
 * - `vlan-unknown`: no joined VLAN has that id
 */
export const LANE_DROPS = [
  'envelope',
  ...RECORD_FAULTS.map((fault) => `record-${fault}` as const),
  'vlan-unknown',
] as const
export type LaneDrop = (typeof LANE_DROPS)[number]

interface Route {
  readonly vlanId: VlanId
  readonly id: Uint8Array
  readonly path: FramePath
}

/** Takes messages of the lane apart and gives each record to its VLAN. Allocates nothing per record. */
export class RecordReceiver {
  readonly drops = createDropCounters<LaneDrop>(LANE_DROPS)
  /** By `idKey`; two joined VLANs can share a key. */
  readonly #routes = new Map<number, Route[]>()
  readonly #envelope: Envelope = { nodeCount: 0, recordOffset: 0 }
  readonly #record = createDecodedRecord()

  add(vlanId: VlanId, id: Uint8Array, path: FramePath): void {
    const key = idKey(id, 0)
    this.#routes.set(key, [...(this.#routes.get(key) ?? []), { vlanId, id, path }])
  }

  remove(vlanId: VlanId): void {
    for (const [key, routes] of this.#routes) {
      const left = routes.filter((route) => route.vlanId !== vlanId)
      if (left.length === 0) this.#routes.delete(key)
      else this.#routes.set(key, left)
    }
  }

  /** One message: the envelope with the trunk's peer, and the record. The bytes are written to. */
  receive(message: Uint8Array): void {
    if (!decodeEnvelope(message, this.#envelope) || this.#envelope.nodeCount !== 1) {
      this.drops.envelope++
      return
    }
    const verdict = decodeRecord(message, this.#record, this.#envelope.recordOffset)
    if (verdict !== 'ok') {
      this.drops[`record-${verdict}`]++
      return
    }
    const path = this.#find(message, this.#envelope.recordOffset + RECORD_FIELD.vlanId)
    if (path === null) this.drops['vlan-unknown']++
    else path.receive(this.#record, envelopeNodeOffset(0))
  }

  #find(bytes: Uint8Array, offset: number): FramePath | null {
    const routes = this.#routes.get(this.#record.vlanKey)
    if (routes === undefined) return null
    for (let i = 0; i < routes.length; i++) if (idEquals(bytes, offset, routes[i]!.id)) return routes[i]!.path
    return null
  }
}
