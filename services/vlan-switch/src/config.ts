import { DEFAULT_AGEING_MS, DEFAULT_MAX_ENTRIES, DEFAULT_MAX_ENTRIES_PER_PORT } from '@wakunet/switching'
import { z } from 'zod'
import { MAX_JOINED_VLANS } from './joined-vlans.ts'

/** Configuration of vlan-switch; every key has a default that suits a host on a desktop. */
export const vlanSwitchConfigSchema = z.strictObject({
  hostname: z.string().max(64).default('').describe('name that members see; empty takes that of the host'),
  maxVlans: z.number().int().min(1).max(MAX_JOINED_VLANS).default(64).describe('VLANs joined at the most'),
  fdb: z
    .strictObject({
      ageingMs: z
        .number()
        .int()
        .min(10_000)
        .max(1_000_000)
        .default(DEFAULT_AGEING_MS)
        .describe('a MAC address that is silent for longer is forgotten'),
      maxEntries: z
        .number()
        .int()
        .min(16)
        .max(1_048_576)
        .default(DEFAULT_MAX_ENTRIES)
        .describe('learned MAC addresses of a VLAN'),
      maxEntriesPerMember: z
        .number()
        .int()
        .min(1)
        .max(1_048_576)
        .default(DEFAULT_MAX_ENTRIES_PER_PORT)
        .describe('learned MAC addresses behind one member, or behind the own interface'),
    })
    .prefault({}),
})

export type VlanSwitchConfig = z.infer<typeof vlanSwitchConfigSchema>
