import {
  DHCPV6_ADVERTISE,
  DHCPV6_CODE,
  DHCPV6_CONFIRM,
  DHCPV6_DECLINE,
  DHCPV6_INFORMATION_REQUEST,
  DHCPV6_NO_ADDRESSES,
  DHCPV6_NO_BINDING,
  DHCPV6_NOT_ON_LINK,
  DHCPV6_REBIND,
  DHCPV6_RELEASE,
  DHCPV6_RENEW,
  DHCPV6_REPLY,
  DHCPV6_REQUEST,
  DHCPV6_SOLICIT,
  DHCPV6_SUCCESS,
  DHCPV6_USE_MULTICAST,
  type Dhcpv6ClientServerMessage,
  type Dhcpv6Option,
  type Dhcpv6Options,
  decodeDhcpv6,
  decodeDhcpv6Options,
  encodeDhcpv6,
  encodeDhcpv6Options,
  isDhcpv6Relay,
} from '@wakunet/ethernet'
import { addressEquals, sharesPrefix } from '../station/address-bytes.ts'
import { emptyAssociations, expiredAssociations, hasAssociations } from './associations.ts'

/** After so long a host asks again, so that it hears of a changed plan (RFC 8415 §21.23). */
export const INFORMATION_REFRESH_SECONDS = 3_600
/** Who solicits addresses that nobody has shall not do so all the time (RFC 8415 §21.24). */
const SOL_MAX_RT_SECONDS = 86_400
const DUID_LINK_LAYER = 3
const HARDWARE_ETHERNET = 1

export interface Dhcpv6ServerInit {
  /** Of the station, six bytes. */
  readonly mac: Uint8Array
  /** The VLAN's /64, sixteen bytes. */
  readonly prefix: Uint8Array
  /** IPv6 resolvers, the station first. */
  readonly dnsServers: readonly Uint8Array[]
  readonly searchDomains: readonly string[]
  readonly ntpServers: readonly Uint8Array[]
}

/** Identifier of the server: DUID-LL of the station's MAC address (RFC 8415 §11.4), so the same on every switch of the VLAN. */
export function stationDuid(mac: Uint8Array): Uint8Array {
  return Uint8Array.of(0, DUID_LINK_LAYER, 0, HARDWARE_ETHERNET, ...mac)
}

interface Request {
  readonly message: Dhcpv6ClientServerMessage
  readonly options: Dhcpv6Options
}

/**
 * Stateless DHCPv6 (RFC 8415 §6.1): says which resolvers, search domains and time servers there are. It has no addresses to give, and
 * says so to who asks: hosts make their addresses themselves. It keeps nothing about anybody.
 */
export class Dhcpv6Server {
  readonly #init: Dhcpv6ServerInit
  readonly #duid: Uint8Array

  constructor(init: Dhcpv6ServerInit) {
    this.#init = init
    this.#duid = stationDuid(init.mac)
  }

  /**
   * The answer to the payload of a client's datagram.
   * @param isMulticast whether it came to the group of all servers, as it should
   * @returns null for a message that RFC 8415 §16 or §18.3 tells a server to discard
   */
  answer(payload: Uint8Array, isMulticast: boolean): Uint8Array | null {
    const message = decodeDhcpv6(payload)
    if (message === null || isDhcpv6Relay(message)) return null
    const options = decodeDhcpv6Options(message.options)
    if (options === null || !this.#isValid(message.type, options, message.options)) return null
    const request = { message, options }
    if (!isMulticast) return this.#answerUnicast(request)
    switch (message.type) {
      case DHCPV6_INFORMATION_REQUEST:
        return this.#reply(request, DHCPV6_REPLY, this.#information(options))
      case DHCPV6_SOLICIT:
        return this.#advertise(request)
      case DHCPV6_REQUEST:
        return this.#replyEmpty(request, DHCPV6_NO_ADDRESSES)
      case DHCPV6_RENEW:
        return this.#replyEmpty(request, DHCPV6_NO_BINDING)
      case DHCPV6_RELEASE:
      case DHCPV6_DECLINE:
        return this.#replyEmpty(request, DHCPV6_NO_BINDING, DHCPV6_SUCCESS)
      case DHCPV6_CONFIRM:
        return this.#confirm(request)
      default:
        return this.#rebind(request)
    }
  }

  /** RFC 8415 §16.2 to §16.12: who must name itself, and who must name the server, or must not. */
  #isValid(type: number, { clientId, serverId }: Dhcpv6Options, raw: readonly Dhcpv6Option[]): boolean {
    switch (type) {
      case DHCPV6_SOLICIT:
      case DHCPV6_CONFIRM:
      case DHCPV6_REBIND:
        return clientId !== undefined && serverId === undefined
      case DHCPV6_REQUEST:
      case DHCPV6_RENEW:
      case DHCPV6_RELEASE:
      case DHCPV6_DECLINE:
        return clientId !== undefined && serverId !== undefined && addressEquals(serverId, this.#duid)
      case DHCPV6_INFORMATION_REQUEST:
        return (serverId === undefined || addressEquals(serverId, this.#duid)) && !hasAssociations(raw)
      default:
        return false
    }
  }

  /** RFC 8415 §18.4: a server that let nobody use unicast says so to who may have been let, and discards the others. */
  #answerUnicast(request: Request): Uint8Array | null {
    if (request.options.serverId === undefined || request.options.clientId === undefined) return null
    return this.#reply(request, DHCPV6_REPLY, { status: status(DHCPV6_USE_MULTICAST) })
  }

  /** RFC 8415 §18.3.9; the status stands outside the associations too, where clients of RFC 3315 look for it. */
  #advertise(request: Request): Uint8Array | null {
    const { options, message } = request
    const information = { ...this.#information(options), status: status(DHCPV6_NO_ADDRESSES) }
    const associations = emptyAssociations(message.options, DHCPV6_NO_ADDRESSES)
    return this.#reply(request, DHCPV6_ADVERTISE, information, associations)
  }

  #replyEmpty(request: Request, code: number, overall?: number): Uint8Array | null {
    const { options, message } = request
    const information = overall === undefined ? this.#information(options) : { status: status(overall) }
    return this.#reply(request, DHCPV6_REPLY, information, emptyAssociations(message.options, code))
  }

  /** RFC 8415 §18.3.3: whether addresses are of this link; nothing is said where there are none. */
  #confirm(request: Request): Uint8Array | null {
    const addresses = (request.options.iaNas ?? []).flatMap((iaNa) => iaNa.addresses)
    if (addresses.length === 0) return null
    const isOnLink = addresses.every(({ address }) => this.#isOnLink(address))
    return this.#reply(request, DHCPV6_REPLY, {
      status: status(isOnLink ? DHCPV6_SUCCESS : DHCPV6_NOT_ON_LINK),
    })
  }

  /** RFC 8415 §18.3.5: addresses of another link are over; about others this server knows nothing, and is silent. */
  #rebind(request: Request): Uint8Array | null {
    const associations = expiredAssociations(
      request.options.iaNas ?? [],
      (address) => !this.#isOnLink(address),
    )
    return associations.length === 0 ? null : this.#reply(request, DHCPV6_REPLY, {}, associations)
  }

  #isOnLink(address: Uint8Array): boolean {
    return sharesPrefix(address, this.#init.prefix, 64)
  }

  /** What the client asks for; all there is, where it does not say (RFC 8415 §18.3.6). */
  #information({ optionRequest }: Dhcpv6Options): Dhcpv6Options {
    const { dnsServers, searchDomains, ntpServers } = this.#init
    const wants = (code: number) => optionRequest === undefined || optionRequest.includes(code)
    const time = ntpServers.map((address) => ({ kind: 'unicast', address }) as const)
    return {
      ...(wants(DHCPV6_CODE.dnsServers) && dnsServers.length > 0 ? { dnsServers } : {}),
      ...(wants(DHCPV6_CODE.domainList) && searchDomains.length > 0 ? { domainList: searchDomains } : {}),
      ...(wants(DHCPV6_CODE.sntpServers) && ntpServers.length > 0 ? { sntpServers: ntpServers } : {}),
      ...(wants(DHCPV6_CODE.ntpServer) && time.length > 0 ? { ntpServers: time } : {}),
      ...(wants(DHCPV6_CODE.informationRefreshTime)
        ? { informationRefreshSeconds: INFORMATION_REFRESH_SECONDS }
        : {}),
      ...(optionRequest?.includes(DHCPV6_CODE.solMaxRt) ? { solMaxRtSeconds: SOL_MAX_RT_SECONDS } : {}),
    }
  }

  #reply(
    { message, options }: Request,
    type: number,
    values: Dhcpv6Options,
    associations: readonly Dhcpv6Option[] = [],
  ): Uint8Array | null {
    const { clientId } = options
    const own = encodeDhcpv6Options({
      ...(clientId === undefined ? {} : { clientId }),
      serverId: this.#duid,
      ...values,
    })
    if (own === null) return null
    return encodeDhcpv6({
      type,
      transactionId: message.transactionId,
      options: [...own, ...associations],
    })
  }
}

function status(code: number) {
  return { code, message: new Uint8Array(0) }
}
