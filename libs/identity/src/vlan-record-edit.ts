import { z } from 'zod'
import {
  type AddressReservation,
  clientText,
  type GrantedPriority,
  ipv4Schema,
  prioritiesSchema,
  prioritySchema,
  reservationsSchema,
  VLAN_PLAN_FIELDS,
  type VlanPlan,
  vlanPlanShape,
} from './vlan-plan.ts'
import { VLAN_PRESENTATION_FIELDS, type VlanPresentation } from './vlan-presentation.ts'
import { descriptionSchema, type VlanRecordFields } from './vlan-record-fields.ts'

/** A reservation to make; null gives up the one that the client has. */
export type ReservationEdit = Omit<AddressReservation, 'address4'> & { readonly address4: string | null }
/** A priority to grant; null takes back the one that the node has. */
export type PriorityEdit = Omit<GrantedPriority, 'priority'> & { readonly priority: number | null }

/** Fields that may be absent. */
type OptionalField = keyof VlanPlan | 'icon' | 'gateways'

/** What its owner wants changed in a VLAN's record. */
export interface VlanRecordEdit extends Omit<VlanPlan & VlanPresentation, 'reservations' | 'priorities'> {
  readonly description?: string
  /** Fields that go back to their defaults, before anything else. */
  readonly unset?: readonly OptionalField[]
  /** One by one: the other reservations stay. */
  readonly reservations?: readonly ReservationEdit[]
  /** One by one: the other priorities stay. */
  readonly priorities?: readonly PriorityEdit[]
}

const OPTIONAL_FIELDS: readonly OptionalField[] = [
  ...VLAN_PLAN_FIELDS,
  ...VLAN_PRESENTATION_FIELDS.filter((field) => field !== 'publishedUntilMs'),
]

/** Schemas of the fields of an edit that JSON has a form for. */
export const vlanEditShape = {
  ...vlanPlanShape,
  description: descriptionSchema.exactOptional(),
  unset: z.array(z.enum(OPTIONAL_FIELDS)).max(OPTIONAL_FIELDS.length).readonly().exactOptional(),
  reservations: reservationsSchema(ipv4Schema.nullable()).readonly().exactOptional(),
  priorities: prioritiesSchema(prioritySchema.nullable()).readonly().exactOptional(),
} as const

/** The fields with the edit applied; sequence and time are as they were, and nothing is checked. */
export function editedFields(fields: VlanRecordFields, edit: VlanRecordEdit): VlanRecordFields {
  const { unset = [], reservations: reserve = [], priorities: grant = [], ...replace } = edit
  const kept = without(fields, unset)
  const { reservations = [], priorities = [], ...rest } = { ...kept, ...replace }
  const reserved = merged(reservations, reserve, clientText).filter(isReservation)
  const granted = merged(priorities, grant, ({ nodeId }) => nodeId).filter(isGranted)
  return {
    ...rest,
    ...(reserved.length === 0 ? {} : { reservations: reserved }),
    ...(granted.length === 0 ? {} : { priorities: granted }),
  }
}

function without(fields: VlanRecordFields, unset: readonly OptionalField[]): VlanRecordFields {
  const kept: { -readonly [F in keyof VlanRecordFields]: VlanRecordFields[F] } = { ...fields }
  for (const field of unset) delete kept[field]
  return kept
}

/** Edits take the place of the entry with the same key, or come behind the others. */
function merged<E>(entries: readonly E[], edits: readonly E[], keyOf: (entry: E) => string): E[] {
  const byKey = new Map(entries.map((entry) => [keyOf(entry), entry]))
  for (const edit of edits) byKey.set(keyOf(edit), edit)
  return [...byKey.values()]
}

function isReservation(edit: ReservationEdit): edit is AddressReservation {
  return edit.address4 !== null
}

function isGranted(edit: PriorityEdit): edit is GrantedPriority {
  return edit.priority !== null
}
