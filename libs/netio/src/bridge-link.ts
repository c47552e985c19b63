import { WakunetError } from '@wakunet/interface'
import { checkInterfaceName } from './interface-name.ts'
import { runIp, runIpBatch } from './ip-command.ts'

/** Who runs the spanning tree of a Linux bridge: nobody, the kernel (802.1D-1998), or a daemon such as mstpd. */
export type BridgeStp = 'off' | 'kernel' | 'daemon'
const STP_STATES = ['off', 'kernel', 'daemon'] as const
/** The kernel counts in clock ticks of user space. */
const TICK_MS = 10

/** A Linux bridge as it is. */
export interface BridgeInfo {
  readonly name: string
  readonly mac: string
  readonly mtu: number
  readonly isUp: boolean
  readonly stp: BridgeStp
  /** 0 to 65,535. */
  readonly priority: number
  /** How long an address is remembered. */
  readonly ageingMs: number
  readonly forwardDelayMs: number
  /** Names of its ports. */
  readonly ports: readonly string[]
}

interface BridgeLink {
  readonly ifname: string
  readonly address: string
  readonly mtu: number
  readonly flags: readonly string[]
  readonly master?: string
  readonly linkinfo?: {
    readonly info_kind?: string
    readonly info_data?: {
      readonly stp_state: number
      readonly priority: number
      readonly ageing_time: number
      readonly forward_delay: number
    }
  }
}

/** @throws WakunetError `ERR_BRIDGE_MISSING`, which says what there is instead, `ERR_INTERFACE_NAME_INVALID` or `ERR_SYSTEM_CALL` */
export async function readBridge(name: string, signal?: AbortSignal): Promise<BridgeInfo> {
  checkInterfaceName(name)
  const links = await readLinks(signal)
  const link = links.find(({ ifname }) => ifname === name)
  const data = link?.linkinfo?.info_data
  if (link === undefined || data === undefined || !isBridge(link)) throw bridgeMissing(name, link, links)
  return {
    name,
    mac: link.address,
    mtu: link.mtu,
    isUp: link.flags.includes('UP'),
    stp: STP_STATES[data.stp_state] ?? 'daemon',
    priority: data.priority,
    ageingMs: data.ageing_time * TICK_MS,
    forwardDelayMs: data.forward_delay * TICK_MS,
    ports: links.filter(({ master }) => master === name).map(({ ifname }) => ifname),
  }
}

/**
 * Makes an interface a port of a Linux bridge. A port has no addresses of its own: the kernel makes none either, link-local
 * ones included.
 * @throws WakunetError as `readBridge`
 */
export async function joinBridge(port: string, bridge: string, signal?: AbortSignal): Promise<void> {
  checkInterfaceName(port)
  const { ports } = await readBridge(bridge, signal)
  // A kernel without IPv6 does not know the setting, and makes no address.
  await runIp(['link', 'set', 'dev', port, 'addrgenmode', 'none'], '', signal).catch(() => {})
  const lines = [`addr flush dev ${port}`]
  if (!ports.includes(port)) lines.push(`link set dev ${port} master ${bridge}`)
  await runIpBatch(lines, signal)
}

/** Takes an interface out of a bridge; nothing where it is not a port of that one. @throws WakunetError `ERR_SYSTEM_CALL` */
export async function leaveBridge(port: string, bridge: string, signal?: AbortSignal): Promise<void> {
  checkInterfaceName(port)
  checkInterfaceName(bridge)
  const link = (await readLinks(signal)).find(({ ifname }) => ifname === port)
  if (link?.master === bridge) await runIpBatch([`link set dev ${port} nomaster`], signal)
}

/** Name of the bridge that an interface is a port of, or null. @throws WakunetError `ERR_SYSTEM_CALL` */
export async function bridgeOf(port: string): Promise<string | null> {
  checkInterfaceName(port)
  const [link] = JSON.parse(await runIp(['-json', 'link', 'show', 'dev', port])) as BridgeLink[]
  return link?.master ?? null
}

async function readLinks(signal?: AbortSignal): Promise<readonly BridgeLink[]> {
  return JSON.parse(await runIp(['-json', '-details', 'link', 'show'], '', signal)) as BridgeLink[]
}

function isBridge({ linkinfo }: BridgeLink): boolean {
  return linkinfo?.info_kind === 'bridge'
}

function bridgeMissing(
  name: string,
  link: BridgeLink | undefined,
  links: readonly BridgeLink[],
): WakunetError {
  const what =
    link === undefined
      ? `There is no bridge ${name} on this host.`
      : `${name} is ${link.linkinfo?.info_kind === undefined ? 'a network interface' : `an interface of kind '${link.linkinfo.info_kind}'`}, not a bridge.`
  const bridges = links.filter(isBridge).map(({ ifname }) => ifname)
  const make = `ip link add ${link === undefined ? name : 'br0'} type bridge`
  const advice =
    bridges.length === 0
      ? `Make one ('${make}') and put the interface of the LAN into it ('ip link set dev <interface> master ...').`
      : `Bridges here: ${bridges.join(', ')}. Or make a new one: '${make}'.`
  return new WakunetError('ERR_BRIDGE_MISSING', `${what} ${advice}`)
}
