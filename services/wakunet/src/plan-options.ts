import {
  type AddressPool,
  type AddressReservation,
  hostFault,
  type PriorityEdit,
  type ReservationEdit,
  type VlanPlan,
  type VlanRecordEdit,
  type VlanTags,
} from '@wakunet/identity'
import { WakunetError } from '@wakunet/interface'
import { type Command, Option } from 'commander'
import {
  domainArgument,
  leaseArgument,
  poolArgument,
  priorityArgument,
  reservationArgument,
  routerArgument,
  serversArgument,
  tagsArgument,
} from './plan-arguments.ts'

/** What the command line says of a VLAN's plan. */
export interface PlanOptions {
  readonly pool?: AddressPool
  readonly reserve?: readonly ReservationEdit[]
  readonly router?: string
  readonly dns?: readonly string[]
  readonly domain?: string
  readonly ntp?: readonly string[]
  readonly lease?: number
  readonly priority?: readonly PriorityEdit[]
  readonly tags?: VlanTags
}

/** Options by the field of the record that they set. */
export const FIELD_OF_OPTION = {
  pool: 'pool4',
  reserve: 'reservations',
  router: 'router4',
  dns: 'dns',
  domain: 'domain',
  ntp: 'ntp',
  lease: 'leaseSeconds',
  priority: 'priorities',
  tags: 'tags',
} as const satisfies Record<keyof PlanOptions, keyof VlanPlan>

/** @param mayGiveUp whether reservations and priorities that are there can be given up, one by one */
export const addPlanOptions = (command: Command, mayGiveUp: boolean): Command => {
  const orNone = mayGiveUp ? ', or CLIENT=none to give it up' : ''
  const orNoPriority = mayGiveUp ? ', or NODE=none to take it back' : ''
  const options: readonly (readonly [string, string, (text: string, earlier: never) => unknown])[] = [
    ['--pool <first-last>', 'IPv4 addresses that are given away by themselves (default: all)', poolArgument],
    [
      '--reserve <client=address>',
      `keep an IPv4 address for a MAC address or a node id${orNone}; may be repeated`,
      reservationArgument(mayGiveUp),
    ],
    ['--router <address>', 'default router that DHCP hands out (default: none)', routerArgument],
    ['--dns <addresses>', "resolvers beside the switch's own, with commas between", serversArgument],
    ['--domain <name>', 'domain that DHCP hands out (default: <vlan>.waku.internal)', domainArgument],
    ['--ntp <addresses>', 'time servers that DHCP hands out, with commas between', serversArgument],
    [
      '--lease <time>',
      'how long a DHCP client keeps an address, like 30m, 12h or 7d (default: 1h)',
      leaseArgument,
    ],
    [
      '--priority <node=priority>',
      `grant a member a spanning tree priority (default: 32768)${orNoPriority}; may be repeated`,
      priorityArgument(mayGiveUp),
    ],
    ['--tags <policy>', '802.1Q tags inside: none, carry, or ids like 10,20 (default: none)', tagsArgument],
  ]
  for (const [flags, description, parse] of options)
    command.addOption(new Option(flags, description).argParser<unknown>(parse as never))
  return command
}

/** The fields that the options set, as the owner edits them. */
export const editOf = (options: PlanOptions): Omit<VlanRecordEdit, 'icon'> =>
  Object.fromEntries(
    Object.entries(FIELD_OF_OPTION)
      .map(([option, field]) => [field, options[option as keyof PlanOptions]] as const)
      .filter(([, value]) => value !== undefined),
  )

/** The same for a new VLAN, which has nothing to give up. */
export const planOf = ({ reserve, priority, ...options }: PlanOptions): VlanPlan => ({
  ...(editOf(options) as VlanPlan),
  ...(reserve === undefined ? {} : { reservations: reserve as readonly AddressReservation[] }),
  ...(priority === undefined ? {} : { priorities: priority as NonNullable<VlanPlan['priorities']> }),
})

/** Addresses of the options that must be inside the subnet, each with its option. */
const addressesOf = ({ pool, reserve, router }: PlanOptions): readonly (readonly [string, string])[] => [
  ...(pool === undefined ? [] : [['--pool', pool.first] as const, ['--pool', pool.last] as const]),
  ...(reserve ?? []).flatMap(({ address4 }) => (address4 === null ? [] : [['--reserve', address4] as const])),
  ...(router === undefined ? [] : [['--router', router] as const]),
]

/** @throws WakunetError `ERR_ADDRESS_OUTSIDE_SUBNET` that names the option whose address no host of the subnet can have */
export const checkAddresses = (options: PlanOptions, subnet4: string): void => {
  for (const [option, address] of addressesOf(options)) {
    const fault = hostFault(address, subnet4)
    if (fault === null) continue
    throw new WakunetError('ERR_ADDRESS_OUTSIDE_SUBNET', `${option}: ${address} ${fault} (${subnet4})`)
  }
}

/** @throws WakunetError `ERR_USAGE` where addresses are given for a subnet that nobody knows yet */
export const checkSubnetGiven = (options: PlanOptions): void => {
  const [first] = addressesOf(options)
  if (first === undefined) return
  throw new WakunetError(
    'ERR_USAGE',
    `${first[0]} needs --subnet: without it the subnet comes from the id of the new VLAN, and nobody knows it before`,
  )
}
