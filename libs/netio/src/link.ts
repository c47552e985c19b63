import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { WakunetError } from '@wakunet/interface'
import { formatInterfaceAddress, type InterfaceAddress, isLinkLocal, parseInterfaceAddress } from './cidr.ts'
import { checkInterfaceName } from './interface-name.ts'
import { runIp, runIpBatch } from './ip-command.ts'

/** Attributes of a network interface; those that are left out stay as they are. */
export interface LinkSettings {
  /** For example `02:00:00:00:00:01`. */
  readonly mac?: string
  readonly mtu?: number
  /** Packets in the kernel's transmit queue. */
  readonly txQueueLength?: number
  /** Largest super-frame that the stack builds, in bytes. */
  readonly gsoMaxBytes?: number
  /** Most segments in a super-frame. */
  readonly gsoMaxSegments?: number
  readonly up?: boolean
}

/** @throws WakunetError `ERR_ADDRESS_INVALID`, or `ERR_SYSTEM_CALL` with what `ip` said */
export async function configureLink(
  name: string,
  settings: LinkSettings,
  signal?: AbortSignal,
): Promise<void> {
  checkInterfaceName(name)
  if (settings.mac !== undefined) checkMac(settings.mac)
  const changes = [
    settings.mac !== undefined && `address ${settings.mac}`,
    settings.mtu !== undefined && `mtu ${settings.mtu}`,
    settings.txQueueLength !== undefined && `txqueuelen ${settings.txQueueLength}`,
    settings.gsoMaxBytes !== undefined && `gso_max_size ${settings.gsoMaxBytes}`,
    settings.gsoMaxSegments !== undefined && `gso_max_segs ${settings.gsoMaxSegments}`,
    settings.up !== undefined && (settings.up ? 'up' : 'down'),
  ].filter((change) => change !== false)
  if (changes.length > 0) await runIpBatch([`link set dev ${name} ${changes.join(' ')}`], signal)
}

/** The kernel tells of a lost carrier after up to a second (linkwatch); asked so often, until it has. */
const CARRIER_POLL_MS = 100
const CARRIER_POLLS = 30

/**
 * Takes the carrier of a TAP away and gives it back, as a cable that is pulled and put back. Addresses and routes stay; whoever
 * watches the carrier, as DHCP clients do, asks anew.
 * @throws WakunetError `ERR_SYSTEM_CALL`
 */
export async function flapCarrier(name: string, signal?: AbortSignal): Promise<void> {
  checkInterfaceName(name)
  await runIpBatch([`link set dev ${name} carrier off`], signal)
  try {
    for (let i = 0; i < CARRIER_POLLS && (await operationalState(name, signal)) !== 'DOWN'; i++)
      await setTimeout(CARRIER_POLL_MS, undefined, { signal })
  } finally {
    await runIpBatch([`link set dev ${name} carrier on`])
  }
}

async function operationalState(name: string, signal?: AbortSignal): Promise<string | undefined> {
  const [link] = JSON.parse(await runIp(['-json', 'link', 'show', 'dev', name], '', signal)) as IpLink[]
  return link?.operstate
}

/** Takes the interface down, renames it and brings it up: not every kernel renames one that is up. */
export async function renameLink(from: string, to: string, signal?: AbortSignal): Promise<void> {
  checkInterfaceName(from)
  checkInterfaceName(to)
  const lines = [`link set dev ${from} down`, `link set dev ${from} name ${to}`, `link set dev ${to} up`]
  await runIpBatch(lines, signal)
}

/** What the kernel has on the interface, link-local addresses included. */
export async function readAddresses(name: string, signal?: AbortSignal): Promise<InterfaceAddress[]> {
  checkInterfaceName(name)
  return (await readKernelAddresses(name, signal)).map(toInterfaceAddress)
}

interface KernelAddress {
  readonly family: string
  readonly local: string
  readonly prefixlen: number
  /** Made by the kernel itself out of a router advertisement (RFC 4862), or a temporary one beside it (RFC 8981). */
  readonly mngtmpaddr?: boolean
  readonly temporary?: boolean
}

interface IpLink {
  readonly operstate?: string
  readonly addr_info?: readonly KernelAddress[]
}

async function readKernelAddresses(name: string, signal?: AbortSignal): Promise<KernelAddress[]> {
  const links = JSON.parse(await runIp(['-json', 'addr', 'show', 'dev', name], '', signal)) as IpLink[]
  return links
    .flatMap((link) => link.addr_info ?? [])
    .filter(({ family }) => family === 'inet' || family === 'inet6')
}

function toInterfaceAddress({ local, prefixlen }: KernelAddress): InterfaceAddress {
  return parseInterfaceAddress(`${local}/${prefixlen}`)
}

/**
 * Makes the interface's addresses those listed; link-local ones, and those that the kernel made out of router advertisements, stay
 * unless listed ones replace them.
 * @param noDad IPv6 addresses are usable at once, without duplicate address detection (RFC 4862 section 5.4)
 * @throws WakunetError `ERR_ADDRESS_INVALID`, or `ERR_SYSTEM_CALL` with what `ip` said
 */
export async function replaceAddresses(
  name: string,
  addresses: readonly string[],
  noDad: boolean,
  signal?: AbortSignal,
): Promise<void> {
  const wanted = addresses.map(parseInterfaceAddress)
  const wantedText = new Set(wanted.map(formatInterfaceAddress))
  const present = await readKernelAddresses(name, signal)
  const stale = present
    .filter(({ mngtmpaddr, temporary }) => mngtmpaddr !== true && temporary !== true)
    .map(toInterfaceAddress)
    .filter((a) => !isLinkLocal(a) && !wantedText.has(formatInterfaceAddress(a)))
  await runIpBatch(
    [
      ...stale.map((a) => `addr del ${formatInterfaceAddress(a)} dev ${name}`),
      // All of them again: deleting a primary IPv4 address takes its secondaries with it.
      ...wanted.map((a) => `addr replace ${addressArguments(a, noDad)} dev ${name}`),
    ],
    signal,
  )
}

function addressArguments(address: InterfaceAddress, noDad: boolean): string {
  const text = formatInterfaceAddress(address)
  if (address.family === 6) return noDad ? `${text} nodad` : text
  // Programs ask for the broadcast address (SIOCGIFBRDADDR); a /31 and a /32 have none (RFC 3021).
  return address.prefixLength <= 30 ? `${text} broadcast +` : text
}

/**
 * Prepares IPv6 before the interface comes up. Containers often switch it off for new interfaces.
 * @returns whether the interface can have IPv6 addresses
 */
export async function prepareIpv6(name: string, noDad: boolean): Promise<boolean> {
  checkInterfaceName(name)
  const directory = `/proc/sys/net/ipv6/conf/${name}`
  await writeSetting(`${directory}/disable_ipv6`, '0')
  // The kernel makes the link-local address itself; without this it is tentative for a second or two.
  if (noDad) await writeSetting(`${directory}/accept_dad`, '0')
  return (await readFile(`${directory}/disable_ipv6`, 'utf8').catch(() => '1')).trim() === '0'
}

/** Best effort: /proc/sys is read-only in most containers, and absent where the kernel has no IPv6. */
async function writeSetting(path: string, value: string): Promise<void> {
  await writeFile(path, value).catch(() => {})
}

/**
 * `ip` itself takes a MAC address with anything behind it.
 * @throws WakunetError `ERR_ADDRESS_INVALID`
 */
export function checkMac(mac: string): void {
  if (/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(mac)) return
  throw new WakunetError(
    'ERR_ADDRESS_INVALID',
    `${JSON.stringify(mac)} is not a MAC address; right is for example 02:00:00:00:00:01.`,
  )
}
