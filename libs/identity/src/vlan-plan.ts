import { ID_BYTES } from '@wakunet/interface'
import { z } from 'zod'
import { domainNameFault } from './domain-name.ts'
import { fault } from './fault.ts'
import { hostFault, ipv4Fault, numberOf4, serverAddressFault } from './host-address.ts'

/** A client of a VLAN: any by its MAC address, or a member by its node id. Exactly one of both is there. */
export interface VlanClient {
  readonly mac?: string
  readonly nodeId?: string
}

/** An IPv4 address that is kept for one client. */
export interface AddressReservation extends VlanClient {
  readonly address4: string
}

/** IPv4 addresses that are given away by themselves, both ends included. */
export interface AddressPool {
  readonly first: string
  readonly last: string
}

/** What the VLAN's owner granted a member in the spanning tree; lower is nearer to the root. */
export interface GrantedPriority {
  readonly nodeId: string
  readonly priority: number
}

/** Which 802.1Q tags frames may have inside the VLAN. */
export type VlanTags =
  | { readonly mode: 'none' }
  | { readonly mode: 'carry' }
  | { readonly mode: 'filter'; readonly vids: readonly number[] }

/** The fields of docs/protocols/vlan-record.md that only version 2 has; all of them may be absent. */
export interface VlanPlan {
  /** Absent: every host address. */
  readonly pool4?: AddressPool
  readonly reservations?: readonly AddressReservation[]
  /** Default router that is handed out. */
  readonly router4?: string
  /** Resolvers that are handed out beside the switch's own. */
  readonly dns?: readonly string[]
  /** Absent: `<name>.waku.internal`. */
  readonly domain?: string
  readonly ntp?: readonly string[]
  /** Absent: `DEFAULT_LEASE_SECONDS`. */
  readonly leaseSeconds?: number
  readonly priorities?: readonly GrantedPriority[]
  /** Absent: none. */
  readonly tags?: VlanTags
}

export const DEFAULT_LEASE_SECONDS = 3_600
export const MIN_LEASE_SECONDS = 120
export const MAX_LEASE_SECONDS = 604_800
export const MAX_RESERVATIONS = 256
/** Of `dns` and of `ntp`. */
export const MAX_SERVERS = 4
export const MAX_PRIORITIES = 64
/** IEEE 802.1D-2004 §17.14: the lower 12 bits of a bridge priority are not for people. */
export const PRIORITY_STEP = 4_096
export const MAX_PRIORITY = 61_440
export const MAX_TAG_VIDS = 256
/** IEEE 802.1Q-2022 table 9-2: 0 is no VLAN, 4,095 is reserved. */
export const MAX_VID = 4_094

export const ipv4Schema = z.string().check(fault(ipv4Fault))
const servers = z
  .array(z.string().check(fault(serverAddressFault)))
  .min(1)
  .max(MAX_SERVERS)
  .check(eachOnce((server) => server))
  .readonly()
const mac = z.string().check(fault(clientMacFault))
const nodeId = z
  .string()
  .regex(
    new RegExp(`^[0-9a-f]{${2 * ID_BYTES}}$`),
    `must be a node id, ${2 * ID_BYTES} hexadecimal digits in lower case`,
  )
export const prioritySchema = z
  .number()
  .int()
  .min(0)
  .max(MAX_PRIORITY)
  .multipleOf(PRIORITY_STEP, `must be a multiple of ${PRIORITY_STEP}`)
const vid = z.number().int().min(1).max(MAX_VID)

/** A list of what is kept for a client each; `address4` is the schema of the address. */
export const reservationsSchema = <A extends z.ZodType>(address4: A) =>
  z
    .array(
      z
        .strictObject({ mac: mac.exactOptional(), nodeId: nodeId.exactOptional(), address4 })
        .refine((entry) => (entry.mac === undefined) !== (entry.nodeId === undefined), {
          message: 'must have either mac or nodeId',
        }),
    )
    .min(1)
    .max(MAX_RESERVATIONS)
    .check(eachOnce(clientText))

/** A list of what is granted to a node each; `value` is the schema of the priority. */
export const prioritiesSchema = <P extends z.ZodType>(value: P) =>
  z
    .array(z.strictObject({ nodeId, priority: value }))
    .min(1)
    .max(MAX_PRIORITIES)
    .check(eachOnce((entry) => entry.nodeId))

/** Schemas of the fields of a plan, each within its own limits; what depends on the subnet is `planFaults`. */
export const vlanPlanShape = {
  pool4: z.strictObject({ first: ipv4Schema, last: ipv4Schema }).check(poolOrder).exactOptional(),
  reservations: reservationsSchema(ipv4Schema)
    .check(eachOnce(({ address4 }) => address4))
    .readonly()
    .exactOptional(),
  router4: ipv4Schema.exactOptional(),
  dns: servers.exactOptional(),
  domain: z.string().check(fault(domainNameFault)).exactOptional(),
  ntp: servers.exactOptional(),
  leaseSeconds: z.number().int().min(MIN_LEASE_SECONDS).max(MAX_LEASE_SECONDS).exactOptional(),
  priorities: prioritiesSchema(prioritySchema).readonly().exactOptional(),
  tags: z
    .discriminatedUnion('mode', [
      z.strictObject({ mode: z.literal('none') }),
      z.strictObject({ mode: z.literal('carry') }),
      z.strictObject({
        mode: z.literal('filter'),
        vids: z.array(vid).min(1).max(MAX_TAG_VIDS).check(ascending).readonly(),
      }),
    ])
    .exactOptional(),
} as const

export const VLAN_PLAN_FIELDS = Object.keys(vlanPlanShape) as readonly (keyof VlanPlan)[]

/** Who a reservation or the like is for, in text. */
export function clientText(client: VlanClient): string {
  return client.mac ?? client.nodeId ?? ''
}

/** Whether a record needs version 2. */
export function hasPlan(plan: VlanPlan): boolean {
  return VLAN_PLAN_FIELDS.some((field) => plan[field] !== undefined)
}

/** One fault, and where in the plan it is. */
export interface PlanFault {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Every address of a plan that no host of the subnet can have. Each field is within its own limits. */
export function planFaults({ pool4, reservations, router4 }: VlanPlan, subnet4: string): PlanFault[] {
  const addresses: (readonly [string, ...(string | number)[]])[] = [
    ...(pool4 === undefined ? [] : [[pool4.first, 'pool4', 'first'] as const]),
    ...(pool4 === undefined ? [] : [[pool4.last, 'pool4', 'last'] as const]),
    ...(reservations ?? []).map(({ address4 }, i) => [address4, 'reservations', i, 'address4'] as const),
    ...(router4 === undefined ? [] : [[router4, 'router4'] as const]),
  ]
  return addresses.flatMap(([address4, ...path]) => {
    const message = hostFault(address4, subnet4)
    return message === null ? [] : [{ path, message: `${address4} ${message}` }]
  })
}

/** What is wrong with the MAC address of a client; null for a good one. */
export function clientMacFault(text: string): string | null {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text)) return 'must be a MAC address like 02:00:5e:10:00:01'
  if (/^[0-9a-f][13579bdf]/.test(text)) return 'must be the MAC address of one station, not of a group'
  return text === '00:00:00:00:00:00' ? 'must not be all zeros' : null
}

function poolOrder({ value, issues }: z.core.ParsePayload<AddressPool>): void {
  if (numberOf4(value.first) <= numberOf4(value.last)) return
  issues.push({ code: 'custom', message: `${value.first} comes after ${value.last}`, input: value })
}

function ascending({ value, issues }: z.core.ParsePayload<number[]>): void {
  if (value.every((id, i) => i === 0 || id > value[i - 1]!)) return
  issues.push({ code: 'custom', message: 'must be ascending, each once', input: value })
}

/** A zod check that no two entries of a list have the same key. */
function eachOnce<T>(keyOf: (entry: T) => string): z.core.CheckFn<T[]> {
  return ({ value, issues }) => {
    const seen = new Set<string>()
    for (const [i, entry] of value.entries()) {
      const key = keyOf(entry)
      if (seen.has(key))
        issues.push({ code: 'custom', path: [i], message: `${key} is there already`, input: entry })
      seen.add(key)
    }
  }
}
