import { type Cidr, cidrContains, formatCidr, isNetwork, parseCidr } from '@wakunet/addressing'
import { z } from 'zod'
import { fault } from './fault.ts'
import { PUBLIC_KEY_BYTES } from './ids.ts'
import { textFault, vlanNameFault } from './vlan-name.ts'
import { planFaults, type VlanPlan, vlanPlanShape } from './vlan-plan.ts'
import { presentationFaults, type VlanPresentation, vlanPresentationShape } from './vlan-presentation.ts'

/** The fields of docs/protocols/vlan-record.md without the key that signs them. */
export interface VlanRecordFields extends VlanPlan, VlanPresentation {
  readonly name: string
  readonly description: string
  readonly policy: 'open'
  /** Canonical text of a private IPv4 network. */
  readonly subnet4: string
  /** Canonical text of a /64 of unique local addresses. */
  readonly subnet6: string
  /** Largest IP packet, bytes. */
  readonly mtu: number
  /** A newer record of the same VLAN has a higher one. */
  readonly sequence: number
  /** Unix milliseconds. */
  readonly issuedAtMs: number
  /** Unix milliseconds; absent: never. */
  readonly expiresAtMs?: number
}

export interface VlanRecord extends VlanRecordFields {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
}

const MAX_DESCRIPTION_LENGTH = 512
/** RFC 8200 §5: IPv6 needs links of this MTU. */
const MIN_MTU = 1280
const MAX_MTU = 9000
/** RFC 1918 and RFC 6598: a VLAN must not draw traffic away from public addresses. */
const PRIVATE_NETWORKS = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].map(parseCidr)
const UNIQUE_LOCAL = parseCidr('fd00::/8')

export const descriptionSchema = z.string().max(MAX_DESCRIPTION_LENGTH).check(fault(textFault))

const instant = z.number().int().nonnegative()

/** Every field within its limits, and none beside them. */
export const vlanRecordSchema = z
  .strictObject({
    name: z.string().check(fault(vlanNameFault)),
    description: descriptionSchema,
    policy: z.literal('open'),
    subnet4: z.string().check(fault(subnet4Fault)),
    subnet6: z.string().check(fault(subnet6Fault)),
    mtu: z.number().int().min(MIN_MTU).max(MAX_MTU),
    sequence: z.number().int().positive(),
    issuedAtMs: instant,
    expiresAtMs: instant.exactOptional(),
    publicKey: z.instanceof(Uint8Array).refine((key) => key.length === PUBLIC_KEY_BYTES, {
      message: `must have ${PUBLIC_KEY_BYTES} bytes`,
    }),
    ...vlanPlanShape,
    ...vlanPresentationShape,
  })
  .refine((record) => record.expiresAtMs === undefined || record.expiresAtMs > record.issuedAtMs, {
    path: ['expiresAtMs'],
    message: 'must be after issuedAtMs',
  })
  .check(({ value, issues }) => {
    for (const { path, message } of [...planFaults(value, value.subnet4), ...presentationFaults(value)])
      issues.push({ code: 'custom', path: [...path], message, input: value })
  })

function subnet4Fault(text: string): string | null {
  const cidr = readCanonical(text)
  if (cidr === null || cidr.family !== 4) return 'must be an IPv4 network like 10.20.0.0/20'
  if (!isNetwork(cidr)) return 'must have no bits behind its prefix, like 10.20.0.0/20'
  if (cidr.prefixLength < 8 || cidr.prefixLength > 30) return 'must have a prefix length from 8 to 30'
  if (PRIVATE_NETWORKS.some((network) => cidrContains(network, cidr))) return null
  return `must be inside one of ${PRIVATE_NETWORKS.map(formatCidr).join(', ')}: a VLAN must not claim public addresses`
}

function subnet6Fault(text: string): string | null {
  const cidr = readCanonical(text)
  const good =
    cidr !== null && cidr.prefixLength === 64 && isNetwork(cidr) && cidrContains(UNIQUE_LOCAL, cidr)
  return good ? null : 'must be a /64 inside fd00::/8, like fd12:3456:789a:1::/64'
}

/** Null for what is no address, or not in the one form that everybody writes. */
function readCanonical(text: string): Cidr | null {
  try {
    const cidr = parseCidr(text)
    return formatCidr(cidr) === text ? cidr : null
  } catch {
    return null
  }
}
