import type { SubjectName } from './subject.ts'
import { type CreateWorkload, fromMembers, toAll, toGroup, toMembers, toMixedMembers } from './workload.ts'

interface Path {
  readonly create: CreateWorkload
  /** Where its frames are counted. */
  readonly counts: 'sent' | 'delivered'
  /** Default: every subject knows it. */
  readonly subjects?: readonly SubjectName[]
}

/** Ways of a frame through a switch; TCP where nothing else is said. */
export const PATHS = {
  'TAP to one member': { create: toMembers('tcp'), counts: 'sent' },
  'TAP to one member, UDP': { create: toMembers('udp'), counts: 'sent' },
  'TAP to many members': { create: toMixedMembers, counts: 'sent' },
  'TAP to all, UDP': { create: toAll, counts: 'sent' },
  'TAP to a group, UDP': { create: toGroup, counts: 'sent', subjects: ['unguarded', 'datapath'] },
  'trunk to TAP': { create: fromMembers('tcp'), counts: 'delivered' },
  'trunk to TAP, UDP': { create: fromMembers('udp'), counts: 'delivered' },
} as const satisfies Readonly<Record<string, Path>>
export type PathName = keyof typeof PATHS
export const PATH_NAMES = Object.keys(PATHS) as PathName[]

export function pathsOf(subject: SubjectName): PathName[] {
  const known = Object.entries(PATHS as Readonly<Record<string, Path>>)
  return known
    .filter(([, { subjects }]) => subjects?.includes(subject) ?? true)
    .map(([name]) => name as PathName)
}

/** What a switch is measured with. */
export interface SwitchCase {
  readonly frameBytes: number
  /** Frames of a call; a record takes fewer where they are long. */
  readonly batchFrames: number
  /** Learned addresses, besides those of the members themselves. */
  readonly fdbEntries: number
  /** Of the VLAN, this node included. */
  readonly members: number
}

/** From here one thing at a time is changed. */
export const BASE_CASE: SwitchCase = { frameBytes: 1_400, batchFrames: 64, fdbEntries: 1_024, members: 64 }

export const AXES = {
  frameBytes: [64, 512, 1_400, 9_000, 65_536],
  batchFrames: [1, 16, 64, 256],
  fdbEntries: [16, 1_024, 16_384],
  members: [2, 64, 1_024],
} as const satisfies { readonly [K in keyof SwitchCase]: readonly number[] }
export const AXIS_NAMES = Object.keys(AXES) as (keyof SwitchCase)[]

/** Every case once: the base, and what differs from it in one thing. */
export function switchCases(): SwitchCase[] {
  const others = AXIS_NAMES.flatMap((axis) =>
    AXES[axis].filter((value) => value !== BASE_CASE[axis]).map((value) => ({ ...BASE_CASE, [axis]: value })),
  )
  return [BASE_CASE, ...others]
}
