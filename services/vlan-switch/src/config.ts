import { MAX_RECORD_BYTES } from '@wakunet/record'
import {
  DEFAULT_AGEING_MS,
  DEFAULT_MAX_ENTRIES,
  DEFAULT_MAX_ENTRIES_PER_PORT,
  GUARD_NAMES,
  type GuardName,
} from '@wakunet/switching'
import { z } from 'zod'
import { MAX_JOINED_VLANS } from './joined-vlans.ts'
import { SEALING_CIPHERS } from './sealing/ciphers.ts'

/** What each guard keeps out, for `--help` and the documentation. */
const GUARDED: Record<GuardName, string> = {
  mac: 'frames in the name of a station that is elsewhere',
  root: 'members that would become root of the spanning tree',
  frame: 'malformed frames',
  tag: '802.1Q tags that the policy of the VLAN does not carry',
  bpdu: 'BPDUs where no bridge shall be',
  fragment: 'tiny and overlapping fragments',
  'header-chain': 'IPv6 headers behind which anything could hide',
  'dhcp-client': 'DHCP requests in the name of other stations',
  dhcp: 'DHCP servers, and DHCP that would cross a trunk',
  arp: 'ARP that claims addresses of others',
  nd: 'neighbour discovery that claims addresses of others',
  router: 'router advertisements and redirects',
  'multicast-rate': 'floods of IGMP and MLD',
  'multicast-control': 'IGMP and MLD that would cross a trunk',
  storm: 'storms of broadcast, multicast and unknown unicast',
}

const guardSwitches = Object.fromEntries(
  GUARD_NAMES.map((name) => [name, z.boolean().default(true).describe(`keep out ${GUARDED[name]}`)]),
) as Record<GuardName, z.ZodDefault<z.ZodBoolean>>

const bitsPerSecond = (what: string) =>
  z.number().int().min(0).max(1_000_000_000_000).default(0).describe(`bits a second ${what}; 0 sets no limit`)

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
  guards: z.strictObject(guardSwitches).prefault({}),
  sealing: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe(
          'seal what other members pass on, and take nothing unsealed from them; the same for all members',
        ),
      cipher: z
        .enum(SEALING_CIPHERS)
        .default('auto')
        .describe('the only one to be used; auto agrees on one that both processors are good at'),
    })
    .prefault({}),
  relay: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe('pass unicast on for members without a trunk to each other'),
      bitsPerSecond: bitsPerSecond('passed on for all members together'),
      bitsPerSecondPerMember: bitsPerSecond('passed on for one member'),
      burstBytes: z
        .number()
        .int()
        .min(MAX_RECORD_BYTES)
        .max(1_073_741_824)
        .default(1_048_576)
        .describe('bytes passed on at once, where there is a limit'),
    })
    .prefault({}),
  neighbourProxy: z.boolean().default(true).describe('answer ARP and neighbour discovery for members'),
  multicastSnooping: z
    .boolean()
    .default(true)
    .describe('send multicast to members that asked for it, not to everybody'),
})

export type VlanSwitchConfig = z.infer<typeof vlanSwitchConfigSchema>
