import { checkIcon, MAX_ICON_BYTES } from '@wakunet/icon'
import { z } from 'zod'
import { type PeerHint, peerHintsSchema } from './peer-hint.ts'
import type { PlanFault } from './vlan-plan.ts'

/** The fields of docs/protocols/vlan-record.md that only version 3 has: how a VLAN presents itself to others. All may be absent. */
export interface VlanPresentation {
  /** A PNG, WebP or SVG image that `checkIcon` takes. */
  readonly icon?: Uint8Array
  /** Nodes that offer a way out of the VLAN. Claims: nobody dials them because they stand here. */
  readonly gateways?: readonly PeerHint[]
  /** Unix milliseconds until which the record is listed in the directory; absent: it is not. */
  readonly publishedUntilMs?: number
}

/** Longest publication: a listing whose owner is gone goes as well. */
export const MAX_PUBLICATION_MS = 7 * 86_400_000

const iconSchema = z
  .instanceof(Uint8Array)
  .refine((icon) => icon.length <= MAX_ICON_BYTES, { message: `must have at most ${MAX_ICON_BYTES} bytes` })
  .check(({ value, issues }) => {
    const message = vlanIconFault(value)
    if (message !== null) issues.push({ code: 'custom', message, input: value })
  })

export const vlanPresentationShape = {
  icon: iconSchema.exactOptional(),
  gateways: peerHintsSchema.exactOptional(),
  publishedUntilMs: z.number().int().nonnegative().exactOptional(),
} as const

export const VLAN_PRESENTATION_FIELDS = Object.keys(
  vlanPresentationShape,
) as readonly (keyof VlanPresentation)[]

/** What is wrong with an icon, as the end of a sentence that begins with it; null for a good one. */
export function vlanIconFault(icon: Uint8Array): string | null {
  const found = checkIcon(icon)
  return 'fault' in found ? found.fault : null
}

/** Whether a record needs version 3. */
export function hasPresentation(fields: VlanPresentation): boolean {
  return VLAN_PRESENTATION_FIELDS.some((field) => fields[field] !== undefined)
}

/** What the time of a publication has to do with the other times of a record. */
export function presentationFaults(record: {
  readonly publishedUntilMs?: number
  readonly issuedAtMs: number
  readonly expiresAtMs?: number
}): PlanFault[] {
  const { publishedUntilMs, issuedAtMs, expiresAtMs } = record
  if (publishedUntilMs === undefined) return []
  const path = ['publishedUntilMs']
  if (publishedUntilMs <= issuedAtMs) return [{ path, message: 'must be after issuedAtMs' }]
  if (publishedUntilMs > issuedAtMs + MAX_PUBLICATION_MS)
    return [{ path, message: `must be at most ${MAX_PUBLICATION_MS / 86_400_000} days after issuedAtMs` }]
  return expiresAtMs !== undefined && publishedUntilMs > expiresAtMs
    ? [{ path, message: 'must not be after expiresAtMs' }]
    : []
}
