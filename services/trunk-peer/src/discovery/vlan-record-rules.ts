import { decodeVlanRecord } from '@wakunet/identity'
import type { VlanId } from '@wakunet/interface'
import { vlanOfRecordKey } from './vlan-keys.ts'

/** What the DHT has to know of VLAN records. */
export interface VlanRecordRules {
  /**
   * The sequence of a record that holds: signed by the VLAN's key, not expired, not too large.
   * @throws Error for any other
   */
  readonly sequenceOf: (vlan: VlanId, record: Uint8Array, nowMs: number) => number
}

/** Records as `docs/protocols/vlan-record.md` has them. */
export const SIGNED_RECORDS: VlanRecordRules = {
  sequenceOf: (vlan, record, nowMs) => {
    const { id, sequence } = decodeVlanRecord(record, nowMs)
    if (id !== vlan) throw new Error('the record is that of another VLAN')
    return sequence
  },
}

/** The VLAN that a DHT key names. @throws Error where it names none */
export function vlanOfKey(key: Uint8Array): VlanId {
  const vlan = vlanOfRecordKey(Buffer.from(key).toString('utf8'))
  if (vlan === null) throw new Error('not the key of a VLAN record')
  return vlan
}

/** Index of the record with the highest sequence among those that hold; 0 where none does. */
export function newestRecord(
  rules: VlanRecordRules,
  vlan: VlanId,
  records: readonly Uint8Array[],
  nowMs: number,
): number {
  let newest = { at: 0, sequence: -1 }
  for (const [at, record] of records.entries()) {
    const sequence = sequenceOrNull(rules, vlan, record, nowMs)
    if (sequence !== null && sequence > newest.sequence) newest = { at, sequence }
  }
  return newest.at
}

/** Null for a record that does not hold. */
export function sequenceOrNull(
  rules: VlanRecordRules,
  vlan: VlanId,
  record: Uint8Array,
  nowMs: number,
): number | null {
  try {
    return rules.sequenceOf(vlan, record, nowMs)
  } catch {
    return null
  }
}
