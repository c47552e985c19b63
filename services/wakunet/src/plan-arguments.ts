import {
  type AddressPool,
  clientMacFault,
  domainNameFault,
  ipv4Fault,
  MAX_LEASE_SECONDS,
  MAX_PRIORITY,
  MAX_SERVERS,
  MAX_TAG_VIDS,
  MAX_VID,
  MIN_LEASE_SECONDS,
  PRIORITY_STEP,
  type PriorityEdit,
  type ReservationEdit,
  serverAddressFault,
  type VlanClient,
  type VlanTags,
} from '@wakunet/identity'
import { InvalidArgumentError } from 'commander'

/** Gives up one reservation or priority where a value would stand. */
const GIVE_UP = 'none'
const NODE_ID = /^[0-9a-f]{32}$/

/** `10.42.0.100-10.42.0.199`. */
export const poolArgument = (text: string): AddressPool => {
  const [first, last, ...more] = text.split('-')
  if (first === undefined || last === undefined || more.length > 0 || isFaulty(first) || isFaulty(last)) {
    throw new InvalidArgumentError('It must be two IPv4 addresses, like 10.42.0.100-10.42.0.199.')
  }
  return { first, last }
}

const isFaulty = (text: string): boolean => ipv4Fault(text) !== null

export const routerArgument = (text: string): string => {
  if (isFaulty(text)) throw new InvalidArgumentError('It must be an IPv4 address, like 10.42.0.254.')
  return text
}

/** A parser of `<client>=<address>` that adds to what earlier ones of the command line gave. */
export const reservationArgument =
  (mayGiveUp: boolean) =>
  (text: string, earlier: readonly ReservationEdit[] = []): readonly ReservationEdit[] => {
    const [client, address, ...more] = text.split('=')
    if (client === undefined || address === undefined || more.length > 0) {
      throw new InvalidArgumentError(
        `It must be a MAC address or a node id, "=" and an IPv4 address, like 52:54:00:12:34:56=10.42.0.7.`,
      )
    }
    const named = clientArgument(client)
    if (mayGiveUp && address === GIVE_UP) return [...earlier, { ...named, address4: null }]
    if (isFaulty(address)) {
      const or = mayGiveUp ? ` or "${GIVE_UP}", which gives the reservation up` : ''
      throw new InvalidArgumentError(`Behind "=" it must have an IPv4 address like 10.42.0.7${or}.`)
    }
    return [...earlier, { ...named, address4: address }]
  }

/** A MAC address in the ways that people write one, or a node id. */
const clientArgument = (text: string): VlanClient => {
  const lower = text.toLowerCase()
  if (NODE_ID.test(lower)) return { nodeId: lower }
  const mac = lower.replaceAll('-', ':')
  const fault = clientMacFault(mac)
  if (fault === null) return { mac }
  if (/[:-]/.test(text)) throw new InvalidArgumentError(`The MAC address ${fault}.`)
  throw new InvalidArgumentError(
    'Before "=" it must have a MAC address like 52:54:00:12:34:56, or the node id of a member, 32 hexadecimal digits ("wakunet status" on that host shows it).',
  )
}

/** A parser of `<node>=<priority>` that adds to what earlier ones of the command line gave. */
export const priorityArgument =
  (mayGiveUp: boolean) =>
  (text: string, earlier: readonly PriorityEdit[] = []): readonly PriorityEdit[] => {
    const [node, priority, ...more] = text.split('=')
    if (
      node === undefined ||
      priority === undefined ||
      more.length > 0 ||
      !NODE_ID.test(node.toLowerCase())
    ) {
      throw new InvalidArgumentError(
        'It must be a node id (32 hexadecimal digits, "wakunet status" on that host shows it), "=" and a priority like 4096.',
      )
    }
    const nodeId = node.toLowerCase()
    if (mayGiveUp && priority === GIVE_UP) return [...earlier, { nodeId, priority: null }]
    const value = /^\d{1,5}$/.test(priority) ? Number(priority) : Number.NaN
    if (!(value <= MAX_PRIORITY && value % PRIORITY_STEP === 0)) {
      const or = mayGiveUp ? ` or "${GIVE_UP}", which takes it back` : ''
      throw new InvalidArgumentError(
        `The priority must be a multiple of ${PRIORITY_STEP} from 0 to ${MAX_PRIORITY}, lower is nearer to the root${or}.`,
      )
    }
    return [...earlier, { nodeId, priority: value }]
  }

/** Addresses of servers with commas between. */
export const serversArgument = (text: string): readonly string[] => {
  const servers = text.split(',')
  for (const server of servers) {
    const fault = serverAddressFault(server)
    if (fault !== null) throw new InvalidArgumentError(`${JSON.stringify(server)} ${fault}.`)
  }
  if (servers.length > MAX_SERVERS)
    throw new InvalidArgumentError(`It must be at most ${MAX_SERVERS} addresses.`)
  if (new Set(servers).size < servers.length) throw new InvalidArgumentError('It has an address twice.')
  return servers
}

export const domainArgument = (text: string): string => {
  const fault = domainNameFault(text)
  if (fault !== null) throw new InvalidArgumentError(`It ${fault}; it is a domain like office.example.`)
  return text
}

const SECONDS_OF_UNIT: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3_600, d: 86_400 }

/** `3600`, `90s`, `30m`, `12h` or `7d` as seconds. */
export const leaseArgument = (text: string): number => {
  const match = /^(\d{1,6})([smhd]?)$/.exec(text)
  const seconds = match === null ? Number.NaN : Number(match[1]) * (SECONDS_OF_UNIT[match[2]!] ?? Number.NaN)
  if (!(seconds >= MIN_LEASE_SECONDS && seconds <= MAX_LEASE_SECONDS)) {
    throw new InvalidArgumentError(
      `It must be a time from ${MIN_LEASE_SECONDS / 60}m to ${MAX_LEASE_SECONDS / 86_400}d: seconds, or a number with s, m, h or d, like 12h.`,
    )
  }
  return seconds
}

/** `none`, `carry`, or VLAN ids with commas between. */
export const tagsArgument = (text: string): VlanTags => {
  if (text === 'none' || text === 'carry') return { mode: text }
  const vids = text.split(',').map((vid) => (/^\d{1,4}$/.test(vid) ? Number(vid) : Number.NaN))
  if (!vids.every((vid) => vid >= 1 && vid <= MAX_VID)) {
    throw new InvalidArgumentError(
      `It must be "none" (no 802.1Q tags), "carry" (all of them), or the ids to carry, from 1 to ${MAX_VID}, like 10,20.`,
    )
  }
  const distinct = [...new Set(vids)].toSorted((a, b) => a - b)
  if (distinct.length > MAX_TAG_VIDS) {
    throw new InvalidArgumentError(`It must be at most ${MAX_TAG_VIDS} ids; "carry" carries all.`)
  }
  return { mode: 'filter', vids: distinct }
}
