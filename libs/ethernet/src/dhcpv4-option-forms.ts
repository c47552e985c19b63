import type { ClasslessRoute, Dhcpv4ClientFqdn, Dhcpv4OptionName, Dhcpv4Options } from './dhcpv4-options.ts'
import { decodeDomainNames, encodeDomainName, joinBytes } from './domain-name.ts'
import { addressesForm, namesForm, type OptionForm, UINT8, UINT16, UINT32 } from './option-forms.ts'

const IPV4_BYTES = 4
const ADDRESSES = addressesForm(IPV4_BYTES)

/** Exactly one address. */
const ADDRESS: OptionForm<Uint8Array> = {
  decode: (data) => (data.length === IPV4_BYTES ? data : null),
  encode: (address) => address,
}

const MIN_CLIENT_ID_BYTES = 2
const CLIENT_ID: OptionForm<Uint8Array> = {
  decode: (data) => (data.length >= MIN_CLIENT_ID_BYTES ? data : null),
  encode: (value) => (value.length >= MIN_CLIENT_ID_BYTES ? value : null),
}

const OCTETS: OptionForm<Uint8Array> = {
  decode: (data) => (data.length > 0 ? data : null),
  encode: (value) => (value.length > 0 ? value : null),
}

/** Printable ASCII; there are clients that end it with zeros (RFC 2132 §2). */
const TEXT: OptionForm<string> = {
  decode: (data) => {
    let end = data.length
    while (end > 0 && data[end - 1] === 0) end--
    return end === 0 ? null : textOf(data.subarray(0, end))
  },
  encode: (value) => (value.length === 0 ? null : bytesOf(value)),
}

const FQDN_HEADER_BYTES = 3
/** What the response codes in the header are set to (RFC 4702 §2.2). */
const FQDN_CODE = 255
const FQDN: OptionForm<Dhcpv4ClientFqdn> = {
  decode: (data) => {
    if (data.length < FQDN_HEADER_BYTES) return null
    const flags = data[0]!
    const wireForm = (flags & 4) !== 0
    const name = wireForm
      ? partialName(data.subarray(FQDN_HEADER_BYTES))
      : textOf(data.subarray(FQDN_HEADER_BYTES))
    if (name === null) return null
    return {
      serverUpdates: (flags & 1) !== 0,
      overridden: (flags & 2) !== 0,
      noUpdate: (flags & 8) !== 0,
      wireForm,
      name,
    }
  },
  encode: (value) => {
    const flags =
      (value.serverUpdates ? 1 : 0) |
      (value.overridden ? 2 : 0) |
      (value.wireForm ? 4 : 0) |
      (value.noUpdate ? 8 : 0)
    const name = value.wireForm ? wireName(value.name) : bytesOf(value.name)
    return name === null ? null : joinBytes([Uint8Array.of(flags, FQDN_CODE, FQDN_CODE), name])
  },
}

/** RFC 3442: the significant bytes of the destination only. */
const ROUTES: OptionForm<readonly ClasslessRoute[]> = {
  decode: (data) => {
    const routes: ClasslessRoute[] = []
    for (let position = 0; position < data.length; ) {
      const prefixLength = data[position]!
      const bytes = Math.ceil(prefixLength / 8)
      const router = position + 1 + bytes
      if (prefixLength > 32 || router + IPV4_BYTES > data.length) return null
      const destination = new Uint8Array(IPV4_BYTES)
      destination.set(data.subarray(position + 1, router))
      // Bits behind the prefix mean nothing: a receiver clears them.
      if (prefixLength % 8 !== 0) destination[bytes - 1]! &= 0xff00 >>> (prefixLength % 8)
      routes.push({ prefixLength, destination, router: data.subarray(router, router + IPV4_BYTES) })
      position = router + IPV4_BYTES
    }
    return routes.length === 0 ? null : routes
  },
  encode: (routes) =>
    routes.length === 0
      ? null
      : joinBytes(
          routes.flatMap(({ prefixLength, destination, router }) => [
            Uint8Array.of(prefixLength),
            destination.subarray(0, Math.ceil(prefixLength / 8)),
            router,
          ]),
        ),
}

export const DHCPV4_OPTION_FORMS: {
  readonly [Name in Dhcpv4OptionName]: OptionForm<NonNullable<Dhcpv4Options[Name]>>
} = {
  subnetMask: ADDRESS,
  routers: ADDRESSES,
  dnsServers: ADDRESSES,
  hostName: TEXT,
  domainName: TEXT,
  interfaceMtu: UINT16,
  broadcastAddress: ADDRESS,
  ntpServers: ADDRESSES,
  requestedAddress: ADDRESS,
  leaseSeconds: UINT32,
  messageType: UINT8,
  serverId: ADDRESS,
  parameterList: OCTETS,
  message: TEXT,
  maxMessageBytes: UINT16,
  renewalSeconds: UINT32,
  rebindingSeconds: UINT32,
  clientId: CLIENT_ID,
  clientFqdn: FQDN,
  searchList: namesForm(true),
  classlessRoutes: ROUTES,
}

/** A name in wire form that may lack its final zero (RFC 4702 §2.3.1), "" for none. */
function partialName(data: Uint8Array): string | null {
  if (data.length === 0 || (data.length === 1 && data[0] === 0)) return ''
  const complete = data[data.length - 1] === 0 ? data : joinBytes([data, Uint8Array.of(0)])
  const names = decodeDomainNames(complete)
  return names !== null && names.length === 1 ? names[0]! : null
}

/** A name with a dot is complete and ends with a zero; one label alone is partial. */
function wireName(name: string): Uint8Array | null {
  if (name === '') return new Uint8Array(0)
  const bytes = encodeDomainName(name)
  return bytes === null || name.includes('.') ? bytes : bytes.subarray(0, -1)
}

function textOf(data: Uint8Array): string | null {
  let text = ''
  for (const byte of data) {
    if (byte < 0x20 || byte > 0x7e) return null
    text += String.fromCharCode(byte)
  }
  return text
}

function bytesOf(text: string): Uint8Array | null {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code > 0x7e) return null
    bytes[i] = code
  }
  return bytes
}
