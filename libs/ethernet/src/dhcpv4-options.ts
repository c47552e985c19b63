import type { Dhcpv4Option } from './dhcpv4.ts'
import { DHCPV4_OPTION_FORMS } from './dhcpv4-option-forms.ts'

/** Values of option 53 (RFC 2132 §9.6). */
export const DHCP_DISCOVER = 1
export const DHCP_OFFER = 2
export const DHCP_REQUEST = 3
export const DHCP_DECLINE = 4
export const DHCP_ACK = 5
export const DHCP_NAK = 6
export const DHCP_RELEASE = 7
export const DHCP_INFORM = 8

/** Option codes that a client lists in option 55 to say what it wants. */
export const DHCPV4_CODE = {
  subnetMask: 1,
  routers: 3,
  dnsServers: 6,
  hostName: 12,
  domainName: 15,
  interfaceMtu: 26,
  broadcastAddress: 28,
  ntpServers: 42,
  requestedAddress: 50,
  leaseSeconds: 51,
  messageType: 53,
  serverId: 54,
  parameterList: 55,
  message: 56,
  maxMessageBytes: 57,
  renewalSeconds: 58,
  rebindingSeconds: 59,
  clientId: 61,
  clientFqdn: 81,
  searchList: 119,
  classlessRoutes: 121,
} as const
export type Dhcpv4OptionName = keyof typeof DHCPV4_CODE

/** Option 81 (RFC 4702 §2). */
export interface Dhcpv4ClientFqdn {
  /** S: the server shall do the update of the address record. */
  readonly serverUpdates: boolean
  /** O: the server did otherwise than asked. */
  readonly overridden: boolean
  /** N: the server shall do no update at all. */
  readonly noUpdate: boolean
  /** E: the name is in wire form (RFC 4702 §2.3.1), else in the old ASCII form. */
  readonly wireForm: boolean
  /** Without a final dot; "" where the client leaves the name to the server. One label may be all there is. */
  readonly name: string
}

/** One route of option 121 (RFC 3442). */
export interface ClasslessRoute {
  /** 0 to 32. */
  readonly prefixLength: number
  /** Four bytes, zero behind the prefix. */
  readonly destination: Uint8Array
  readonly router: Uint8Array
}

/** The options of RFC 2132 and later that have a meaning here, as values. Addresses have four bytes, times are in seconds. */
export interface Dhcpv4Options {
  readonly subnetMask?: Uint8Array
  readonly routers?: readonly Uint8Array[]
  readonly dnsServers?: readonly Uint8Array[]
  readonly hostName?: string
  readonly domainName?: string
  readonly interfaceMtu?: number
  readonly broadcastAddress?: Uint8Array
  readonly ntpServers?: readonly Uint8Array[]
  readonly requestedAddress?: Uint8Array
  readonly leaseSeconds?: number
  readonly messageType?: number
  readonly serverId?: Uint8Array
  /** Option codes. */
  readonly parameterList?: Uint8Array
  /** Why a request was refused, in words. */
  readonly message?: string
  readonly maxMessageBytes?: number
  readonly renewalSeconds?: number
  readonly rebindingSeconds?: number
  /** Type and identifier, two bytes at least (RFC 2132 §9.14). */
  readonly clientId?: Uint8Array
  readonly clientFqdn?: Dhcpv4ClientFqdn
  readonly searchList?: readonly string[]
  readonly classlessRoutes?: readonly ClasslessRoute[]
}

const NAMES = Object.keys(DHCPV4_CODE) as Dhcpv4OptionName[]
const NAME_BY_CODE = new Map<number, Dhcpv4OptionName>(NAMES.map((name) => [DHCPV4_CODE[name], name]))

/**
 * What the options of a message say. One whose length or values its RFC does not allow counts as absent, so that one
 * bad option does not cost a host its lease; unknown ones are left out.
 */
export function decodeDhcpv4Options(options: readonly Dhcpv4Option[]): Dhcpv4Options {
  const values: { [name: string]: unknown } = {}
  for (const { code, data } of options) {
    const name = NAME_BY_CODE.get(code)
    if (name === undefined) continue
    const value = DHCPV4_OPTION_FORMS[name].decode(data)
    if (value !== null) values[name] = value
  }
  return values as Dhcpv4Options
}

/**
 * The options in the order of the object's keys. The caller gives values in their ranges; a name that cannot be
 * written, and an empty list, is left out.
 */
export function encodeDhcpv4Options(values: Dhcpv4Options): Dhcpv4Option[] {
  const options: Dhcpv4Option[] = []
  for (const name of Object.keys(values) as Dhcpv4OptionName[]) {
    const value = values[name]
    if (value === undefined) continue
    const form = DHCPV4_OPTION_FORMS[name] as { encode(value: unknown): Uint8Array | null }
    const data = form.encode(value)
    if (data !== null) options.push({ code: DHCPV4_CODE[name], data })
  }
  return options
}
