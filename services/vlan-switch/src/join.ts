import { type AddressMode, checkManualAddress } from '@wakunet/addressing'
import type { Bus, RequestOf, VlanInfo } from '@wakunet/bus'
import { WakunetError } from '@wakunet/interface'
import { interfaceNames, nameTaken } from './interface-names.ts'
import type { VlanPort } from './vlan-port.ts'
import { findVlan } from './vlan-ref.ts'

/** A request to join that has been checked. */
export interface JoinRequest {
  readonly vlan: VlanInfo
  readonly addressMode: AddressMode
  /** For mode `manual`; else null. */
  readonly address4: string | null
  /** Undefined: made from the VLAN's name. */
  readonly interfaceName: string | undefined
  readonly mtu: number
  /** A Linux bridge that the interface becomes a port of; null for none. */
  readonly bridge: string | null
}

const DEFAULT_RESOLVE_TIMEOUT_MS = 5_000
/** The answer takes a moment longer than the search that it is about. */
const REPLY_MARGIN_MS = 5_000

/**
 * Checks a request to join against what is joined, finds the VLAN's record, and checks the rest against it.
 * @throws WakunetError `ERR_VLAN_ALREADY_JOINED`, `ERR_VLAN_LIMIT`, `ERR_USAGE`, what `checkManualAddress` throws,
 * and what trunk-peer answers to `directory.resolve`
 */
export async function planJoin(
  bus: Bus,
  request: RequestOf<'switch.join'>,
  joined: readonly VlanInfo[],
  { maxVlans, signal }: { readonly maxVlans: number; readonly signal: AbortSignal },
): Promise<JoinRequest> {
  if (joined.length >= maxVlans)
    throw new WakunetError(
      'ERR_VLAN_LIMIT',
      `${joined.length} VLANs are joined, which is the limit: leave one, or raise switch.maxVlans (at most 256)`,
    )
  const timeoutMs = request.timeoutMs ?? DEFAULT_RESOLVE_TIMEOUT_MS
  const vlan = await bus.request(
    'directory.resolve',
    { vlan: request.vlan, timeoutMs },
    { timeoutMs: timeoutMs + REPLY_MARGIN_MS, signal },
  )
  if (findVlan(vlan.id, joined) !== null)
    throw new WakunetError(
      'ERR_VLAN_ALREADY_JOINED',
      `The VLAN ${vlan.name} (${vlan.ref}) is joined already; leave it first to join it in another way.`,
    )
  return {
    vlan,
    address4: request.address4 === undefined ? null : checkManualAddress(vlan.subnet4, request.address4),
    addressMode: checkedMode(request),
    interfaceName: request.interface,
    mtu: checkedMtu(request.mtu, vlan),
    bridge: checkedBridge(request),
  }
}

/** A port of a bridge has none; an address that a person chose leaves no choice. */
function checkedMode({ bridge, address4, addressMode }: RequestOf<'switch.join'>): AddressMode {
  if (
    addressMode !== undefined &&
    (address4 !== undefined || (bridge !== undefined && addressMode !== 'none'))
  )
    throw new WakunetError(
      'ERR_USAGE',
      `An address is chosen (${address4 ?? 'none, as a port of a bridge has none'}) and left to "${addressMode}" at the same time: leave one of both out.`,
    )
  if (address4 !== undefined) return 'manual'
  return bridge === undefined ? (addressMode ?? 'auto') : 'none'
}

/** The port of a bridge has no address: the bridge may have one. */
function checkedBridge({ bridge, address4 }: RequestOf<'switch.join'>): string | null {
  if (bridge !== undefined && address4 !== undefined)
    throw new WakunetError(
      'ERR_USAGE',
      `An interface that is a port of ${bridge} has no address of its own: leave --address out, and give ${bridge} an address ` +
        `if this host shall have one ('ip addr add ${address4} dev ${bridge}', or DHCP on ${bridge}).`,
    )
  return bridge ?? null
}

/** Members drop what is larger than the VLAN's MTU, so a larger interface would lose packets in silence. */
function checkedMtu(mtu: number | undefined, vlan: VlanInfo): number {
  if (mtu === undefined || mtu <= vlan.mtu) return mtu ?? vlan.mtu
  throw new WakunetError(
    'ERR_USAGE',
    `An MTU of ${mtu} is over that of the VLAN ${vlan.name}, ${vlan.mtu}: give ${vlan.mtu} or less, or leave it out.`,
  )
}

/**
 * Opens the port under the first interface name that is free.
 * @param create makes a port for a name; nothing is open yet
 * @throws WakunetError what opening a TAP throws; a name that is taken only where it is the only one
 */
export async function openJoinedPort(
  request: JoinRequest,
  ports: readonly VlanPort[],
  signal: AbortSignal,
  create: (interfaceName: string) => VlanPort,
): Promise<VlanPort> {
  let lastError: unknown = null
  for (const name of interfaceNames(request.vlan, request.interfaceName)) {
    const owner = ports.find((port) => port.interfaceName === name)
    if (owner !== undefined) {
      lastError = nameTaken(name, owner.vlan.name)
      continue
    }
    signal.throwIfAborted()
    const port = create(name)
    try {
      await port.open(signal)
      return port
    } catch (error) {
      await port.close()
      if (!(error instanceof WakunetError) || error.code !== 'ERR_INTERFACE_NAME_TAKEN') throw error
      lastError = error
    }
  }
  throw lastError
}
