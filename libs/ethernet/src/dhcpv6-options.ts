import { type Dhcpv6Option, decodeDhcpv6OptionList, encodeDhcpv6OptionList } from './dhcpv6.ts'
import { decodeDomainNames, encodeDomainName, joinBytes } from './domain-name.ts'
import { readUint16, readUint32, writeUint16, writeUint32 } from './numbers.ts'
import { addressesForm, namesForm, type OptionForm, UINT8, UINT32 } from './option-forms.ts'

/** Option codes (RFC 8415 §21, RFC 3646, RFC 4075, RFC 5908). */
export const DHCPV6_CODE = {
  clientId: 1,
  serverId: 2,
  iaNa: 3,
  iaTa: 4,
  iaAddress: 5,
  optionRequest: 6,
  preference: 7,
  elapsedTime: 8,
  relayMessage: 9,
  statusCode: 13,
  rapidCommit: 14,
  dnsServers: 23,
  domainList: 24,
  iaPd: 25,
  sntpServers: 31,
  informationRefreshTime: 32,
  ntpServer: 56,
  solMaxRt: 82,
  infMaxRt: 83,
} as const

/** Status codes (RFC 8415 §21.13). */
export const DHCPV6_SUCCESS = 0
export const DHCPV6_NO_ADDRESSES = 2
export const DHCPV6_NO_BINDING = 3
export const DHCPV6_NOT_ON_LINK = 4
export const DHCPV6_USE_MULTICAST = 5
export const DHCPV6_NO_PREFIXES = 6

/** Suboptions of a time server (RFC 5908 §4). */
const NTP_UNICAST = 1
const NTP_MULTICAST = 2
const NTP_NAME = 3

/** Longest identifier of a client or server, with its type (RFC 8415 §11.1). */
export const MAX_DUID_BYTES = 130
/** Of each: identity associations of one message, addresses of one association, and time servers that are looked at. */
const MAX_ASSOCIATIONS = 8

export interface Dhcpv6Status {
  readonly code: number
  /** UTF-8, for people; not decoded. */
  readonly message: Uint8Array
}

/** Option 5: an address of an association. */
export interface Dhcpv6IaAddress {
  /** Sixteen bytes. */
  readonly address: Uint8Array
  readonly preferredSeconds: number
  readonly validSeconds: number
  readonly status: Dhcpv6Status | null
}

/** Option 3: addresses that a client asks for under one number. */
export interface Dhcpv6IaNa {
  readonly iaid: number
  readonly renewSeconds: number
  readonly rebindSeconds: number
  readonly addresses: readonly Dhcpv6IaAddress[]
  readonly status: Dhcpv6Status | null
}

/** Option 56: one time server (RFC 5908 §4). */
export type Dhcpv6NtpServer =
  | { readonly kind: 'unicast' | 'multicast'; readonly address: Uint8Array }
  | { readonly kind: 'name'; readonly name: string }

/** The options that have a meaning here, as values. */
export interface Dhcpv6Options {
  /** DUID with its type, 3 to 130 bytes. */
  readonly clientId?: Uint8Array
  readonly serverId?: Uint8Array
  readonly iaNas?: readonly Dhcpv6IaNa[]
  /** Codes of the options that the client wants. */
  readonly optionRequest?: readonly number[]
  readonly preference?: number
  readonly elapsedMs?: number
  /** What a relay message carries. */
  readonly relayMessage?: Uint8Array
  readonly status?: Dhcpv6Status
  readonly rapidCommit?: true
  readonly dnsServers?: readonly Uint8Array[]
  readonly domainList?: readonly string[]
  readonly sntpServers?: readonly Uint8Array[]
  readonly ntpServers?: readonly Dhcpv6NtpServer[]
  readonly informationRefreshSeconds?: number
  readonly solMaxRtSeconds?: number
  readonly infMaxRtSeconds?: number
}

type Dhcpv6OptionForms = {
  readonly [Name in keyof Dhcpv6Options]-?: {
    readonly code: number
    readonly form: OptionForm<NonNullable<Dhcpv6Options[Name]>>
  }
}

/**
 * What the options say; of two of a kind the first counts, associations and time servers excepted.
 * @returns null where one of them has a length or value that its RFC does not allow: RFC 8415 §16 lets a server drop
 * such a message whole
 */
export function decodeDhcpv6Options(options: readonly Dhcpv6Option[]): Dhcpv6Options | null {
  const values: { [name: string]: unknown } = {}
  for (const { code, data } of options) {
    const name = NAME_BY_CODE.get(code)
    if (name === undefined) continue
    const value = FORMS[name].form.decode(data)
    if (value === null) return null
    if (!isRepeated(name)) values[name] ??= value
    else {
      const list = [...((values[name] ?? []) as unknown[]), ...(value as unknown[])]
      if (list.length > MAX_ASSOCIATIONS) return null
      values[name] = list
    }
  }
  return values as Dhcpv6Options
}

/** The options in the order of the object's keys; null where a name of the domain list is none. */
export function encodeDhcpv6Options(values: Dhcpv6Options): Dhcpv6Option[] | null {
  const options: Dhcpv6Option[] = []
  for (const name of Object.keys(values) as (keyof Dhcpv6Options)[]) {
    const value = values[name]
    if (value === undefined) continue
    for (const single of isRepeated(name) ? (value as unknown[]).map((item) => [item]) : [value]) {
      const form = FORMS[name].form as { encode(value: unknown): Uint8Array | null }
      const data = form.encode(single)
      if (data === null) return null
      options.push({ code: FORMS[name].code, data })
    }
  }
  return options
}

/** Every item of the list is an option of its own. */
function isRepeated(name: keyof Dhcpv6Options): boolean {
  return name === 'iaNas' || name === 'ntpServers'
}

const DUID: OptionForm<Uint8Array> = {
  decode: (data) => (isDuid(data) ? data : null),
  encode: (duid) => (isDuid(duid) ? duid : null),
}

const IA_NA: OptionForm<readonly Dhcpv6IaNa[]> = {
  decode: (data) => {
    const iaNa = decodeIaNa(data)
    return iaNa === null ? null : [iaNa]
  },
  encode: ([iaNa]) => (iaNa === undefined ? null : encodeIaNa(iaNa)),
}

const NTP_SERVER: OptionForm<readonly Dhcpv6NtpServer[]> = {
  decode: (data) => {
    const server = decodeNtpServer(data)
    return server === null ? null : [server]
  },
  encode: ([server]) => (server === undefined ? null : encodeNtpServer(server)),
}

const CODES: OptionForm<readonly number[]> = {
  decode: (data) =>
    data.length % 2 === 0 ? Array.from({ length: data.length / 2 }, (_, i) => readUint16(data, 2 * i)) : null,
  encode: (codes) => joinBytes(codes.map(uint16)),
}

/** Hundredths of a second; what is longer stays at the largest value (RFC 8415 §21.9). */
const ELAPSED: OptionForm<number> = {
  decode: (data) => (data.length === 2 ? readUint16(data, 0) * 10 : null),
  encode: (elapsedMs) => uint16(Math.min(0xffff, Math.trunc(elapsedMs / 10))),
}

const OCTETS: OptionForm<Uint8Array> = { decode: (data) => data, encode: (value) => value }
const STATUS: OptionForm<Dhcpv6Status> = { decode: decodeStatus, encode: encodeStatus }

/** There or not; what is not there has no option to write. */
const PRESENCE: OptionForm<true> = {
  decode: (data) => (data.length === 0 ? true : null),
  encode: () => new Uint8Array(0),
}

const FORMS: Dhcpv6OptionForms = {
  clientId: { code: DHCPV6_CODE.clientId, form: DUID },
  serverId: { code: DHCPV6_CODE.serverId, form: DUID },
  iaNas: { code: DHCPV6_CODE.iaNa, form: IA_NA },
  optionRequest: { code: DHCPV6_CODE.optionRequest, form: CODES },
  preference: { code: DHCPV6_CODE.preference, form: UINT8 },
  elapsedMs: { code: DHCPV6_CODE.elapsedTime, form: ELAPSED },
  relayMessage: { code: DHCPV6_CODE.relayMessage, form: OCTETS },
  status: { code: DHCPV6_CODE.statusCode, form: STATUS },
  rapidCommit: { code: DHCPV6_CODE.rapidCommit, form: PRESENCE },
  dnsServers: { code: DHCPV6_CODE.dnsServers, form: addressesForm(16) },
  domainList: { code: DHCPV6_CODE.domainList, form: namesForm(false) },
  sntpServers: { code: DHCPV6_CODE.sntpServers, form: addressesForm(16) },
  ntpServers: { code: DHCPV6_CODE.ntpServer, form: NTP_SERVER },
  informationRefreshSeconds: { code: DHCPV6_CODE.informationRefreshTime, form: UINT32 },
  solMaxRtSeconds: { code: DHCPV6_CODE.solMaxRt, form: UINT32 },
  infMaxRtSeconds: { code: DHCPV6_CODE.infMaxRt, form: UINT32 },
}

const NAME_BY_CODE = new Map<number, keyof Dhcpv6Options>(
  (Object.keys(FORMS) as (keyof Dhcpv6Options)[]).map((name) => [FORMS[name].code, name]),
)

/** RFC 8415 §11.1: a type and at least one byte. */
function isDuid(data: Uint8Array): boolean {
  return data.length >= 3 && data.length <= MAX_DUID_BYTES
}

function decodeIaNa(data: Uint8Array): Dhcpv6IaNa | null {
  if (data.length < 12) return null
  const options = decodeDhcpv6OptionList(data.subarray(12))
  if (options === null) return null
  const addresses: Dhcpv6IaAddress[] = []
  for (const option of options) {
    if (option.code !== DHCPV6_CODE.iaAddress) continue
    const address = decodeIaAddress(option.data)
    if (address === null || addresses.length === MAX_ASSOCIATIONS) return null
    addresses.push(address)
  }
  const status = statusOf(options)
  if (status === undefined) return null
  return {
    iaid: readUint32(data, 0),
    renewSeconds: readUint32(data, 4),
    rebindSeconds: readUint32(data, 8),
    addresses,
    status,
  }
}

function encodeIaNa(iaNa: Dhcpv6IaNa): Uint8Array {
  const options = iaNa.addresses.map((address) => ({
    code: DHCPV6_CODE.iaAddress as number,
    data: encodeIaAddress(address),
  }))
  if (iaNa.status !== null) options.push({ code: DHCPV6_CODE.statusCode, data: encodeStatus(iaNa.status) })
  const header = [uint32(iaNa.iaid), uint32(iaNa.renewSeconds), uint32(iaNa.rebindSeconds)]
  return joinBytes([...header, encodeDhcpv6OptionList(options)])
}

function decodeIaAddress(data: Uint8Array): Dhcpv6IaAddress | null {
  if (data.length < 24) return null
  const options = decodeDhcpv6OptionList(data.subarray(24))
  const status = options === null ? undefined : statusOf(options)
  if (status === undefined) return null
  return {
    address: data.subarray(0, 16),
    preferredSeconds: readUint32(data, 16),
    validSeconds: readUint32(data, 20),
    status,
  }
}

function encodeIaAddress(address: Dhcpv6IaAddress): Uint8Array {
  const status =
    address.status === null ? [] : [{ code: DHCPV6_CODE.statusCode, data: encodeStatus(address.status) }]
  return joinBytes([
    address.address,
    uint32(address.preferredSeconds),
    uint32(address.validSeconds),
    encodeDhcpv6OptionList(status),
  ])
}

/** RFC 5908 §4: exactly one suboption, of three kinds. */
function decodeNtpServer(data: Uint8Array): Dhcpv6NtpServer | null {
  const [option, ...more] = decodeDhcpv6OptionList(data) ?? []
  if (option === undefined || more.length > 0) return null
  if (option.code === NTP_NAME) {
    const names = decodeDomainNames(option.data)
    return names?.length === 1 ? { kind: 'name', name: names[0]! } : null
  }
  if (option.data.length !== 16 || (option.code !== NTP_UNICAST && option.code !== NTP_MULTICAST)) return null
  return { kind: option.code === NTP_UNICAST ? 'unicast' : 'multicast', address: option.data }
}

function encodeNtpServer(server: Dhcpv6NtpServer): Uint8Array | null {
  if (server.kind !== 'name') {
    const code = server.kind === 'unicast' ? NTP_UNICAST : NTP_MULTICAST
    return encodeDhcpv6OptionList([{ code, data: server.address }])
  }
  const data = encodeDomainName(server.name)
  return data === null ? null : encodeDhcpv6OptionList([{ code: NTP_NAME, data }])
}

/** The status among options; null for none, undefined for a malformed one. */
function statusOf(options: readonly Dhcpv6Option[]): Dhcpv6Status | null | undefined {
  const option = options.find(({ code }) => code === DHCPV6_CODE.statusCode)
  return option === undefined ? null : (decodeStatus(option.data) ?? undefined)
}

function decodeStatus(data: Uint8Array): Dhcpv6Status | null {
  return data.length < 2 ? null : { code: readUint16(data, 0), message: data.subarray(2) }
}

function encodeStatus(status: Dhcpv6Status): Uint8Array {
  return joinBytes([uint16(status.code), status.message])
}

function uint16(value: number): Uint8Array {
  const bytes = new Uint8Array(2)
  writeUint16(bytes, 0, value)
  return bytes
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  writeUint32(bytes, 0, value)
  return bytes
}
