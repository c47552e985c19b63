import type { VlanInfo } from '@wakunet/bus'
import { checkIcon } from '@wakunet/icon'
import {
  decodeVlanRecord,
  formatVlanRef,
  type VerifiedVlanRecord,
  VLAN_PLAN_FIELDS,
  type VlanPlan,
} from '@wakunet/identity'
import type { VlanId } from '@wakunet/interface'

/** A VLAN whose record was verified. The private key is there where this node made the VLAN. */
export interface StoredVlan {
  readonly id: VlanId
  readonly encoded: Uint8Array
  readonly record: VerifiedVlanRecord
  readonly privateKey: Uint8Array | null
  readonly info: VlanInfo
}

/** What is written to disk for each VLAN; base64. */
export interface VlanStateEntry {
  readonly record: string
  readonly privateKey: string | null
}

/**
 * @param nowMs Unix milliseconds
 * @throws WakunetError `ERR_VLAN_RECORD_INVALID`
 */
export function verifiedVlan(encoded: Uint8Array, privateKey: Uint8Array | null, nowMs: number): StoredVlan {
  const record = decodeVlanRecord(encoded, nowMs)
  return { id: record.id, encoded, record, privateKey, info: infoOf(record, encoded, privateKey !== null) }
}

/**
 * What was saved, expired or not.
 * @throws WakunetError `ERR_VLAN_RECORD_INVALID`
 */
export function fromState({ record, privateKey }: VlanStateEntry): StoredVlan {
  const key = privateKey === null ? null : Buffer.from(privateKey, 'base64')
  return verifiedVlan(Buffer.from(record, 'base64'), key, 0)
}

export function toState({ encoded, privateKey }: StoredVlan): VlanStateEntry {
  return {
    record: Buffer.from(encoded).toString('base64'),
    privateKey: privateKey === null ? null : Buffer.from(privateKey).toString('base64'),
  }
}

function infoOf(record: VerifiedVlanRecord, encoded: Uint8Array, owned: boolean): VlanInfo {
  const { id, name, description, policy, subnet4, subnet6, mtu, sequence } = record
  return {
    id,
    ref: formatVlanRef(id),
    name,
    description,
    policy,
    subnet4,
    subnet6,
    mtu,
    sequence,
    owned,
    encoded: Buffer.from(encoded).toString('base64'),
    ...iconOf(record),
    ...(record.gateways === undefined ? {} : { gateways: record.gateways }),
    ...(record.publishedUntilMs === undefined ? {} : { publishedUntilMs: record.publishedUntilMs }),
    ...planOf(record),
  }
}

/** What the icon is; its bytes are in the record. */
function iconOf({ icon }: VerifiedVlanRecord): Pick<VlanInfo, 'icon'> {
  if (icon === undefined) return {}
  const found = checkIcon(icon)
  return 'fault' in found ? {} : { icon: { ...found, bytes: icon.length } }
}

/** The fields of a plan, and nothing else, of whatever has some. */
export function planOf(fields: VlanPlan): VlanPlan {
  const present = VLAN_PLAN_FIELDS.filter((field) => fields[field] !== undefined)
  return Object.fromEntries(present.map((field) => [field, fields[field]]))
}
