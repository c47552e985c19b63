import { macFromString } from '@wakunet/ethernet'
import {
  encodeRecordHeader,
  idEquals,
  MAX_HOP_LIMIT,
  RECORD_FIELD,
  RECORD_FLAG_CONTROL,
  RECORD_FLAG_TREE,
  RECORD_FRAME_HEADER_BYTES,
  RECORD_HEADER_BYTES,
  writeFrameHeader,
} from '@wakunet/record'
import { MARK_ETHERTYPE } from './hostile-frames.ts'
import { NO_HINT } from './hostile-scene.ts'

/** Whether a record is unicast of one other member to another: what the node with this id passes on. */
export function isRelayed(record: Uint8Array, self: Uint8Array): boolean {
  if (record.length < RECORD_HEADER_BYTES) return false
  if ((record[RECORD_FIELD.flags]! & (RECORD_FLAG_TREE | RECORD_FLAG_CONTROL)) !== 0) return false
  return !idEquals(record, RECORD_FIELD.ingress, self) && !idEquals(record, RECORD_FIELD.egress, self)
}

/** How a member in the middle tries to put a frame of its own into the traffic of two others. */
export const INJECTIONS = ['clear', 'sealed', 'tree'] as const
export type Injection = (typeof INJECTIONS)[number]

/**
 * A record with one marked frame in the name of the ingress node of `seen`, for its egress node.
 * @param seen a record of the same two that went by
 * @param sequence far from those that its ingress node uses
 */
export function injectedRecord(
  kind: Injection,
  seen: Uint8Array,
  macs: { readonly source: string; readonly destination: string },
  sequence: number,
): Uint8Array {
  const field = (from: number, bytes: number) => seen.slice(from, from + bytes)
  const frame = new Uint8Array(60).fill(0x66)
  frame.set(macFromString(macs.destination))
  frame.set(macFromString(macs.source), 6)
  frame.set([MARK_ETHERTYPE >>> 8, MARK_ETHERTYPE & 0xff], 12)
  const record = new Uint8Array(RECORD_HEADER_BYTES + RECORD_FRAME_HEADER_BYTES + frame.length)
  encodeRecordHeader(record, 0, {
    hopLimit: MAX_HOP_LIMIT - 1,
    frameCount: 1,
    epoch: 0,
    sequence,
    bootNonce: field(RECORD_FIELD.bootNonce, 8),
    vlanId: field(RECORD_FIELD.vlanId, 16),
    ingress: field(RECORD_FIELD.ingress, 16),
    egress: kind === 'tree' ? null : field(RECORD_FIELD.egress, 16),
    sealed: kind === 'sealed',
  })
  writeFrameHeader(record, RECORD_HEADER_BYTES, frame.length, NO_HINT)
  record.set(frame, RECORD_HEADER_BYTES + RECORD_FRAME_HEADER_BYTES)
  return record
}
