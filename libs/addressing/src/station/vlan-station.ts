import { DHCPV6_CLIENT_PORT, DHCPV6_SERVER_PORT, DNS_PORT, encodeDnsName, readMac } from '@wakunet/ethernet'
import type { AddressPlan } from '../address-plan.ts'
import { type Cidr, parseCidr } from '../cidr.ts'
import { Dhcpv6Server, type Dhcpv6ServerInit } from '../dhcpv6/dhcpv6-server.ts'
import { DnsResponder } from '../dns/dns-responder.ts'
import { defaultDomain } from '../dns/host-label.ts'
import { Zone } from '../dns/zone.ts'
import { planServers } from '../plan-services.ts'
import type { RouterAdvertisementContent } from '../router-advertisement.ts'
import { RouterAdvertiser } from '../router-advertiser.ts'
import type { BindingChange } from '../vlan-addressing-init.ts'
import { addressEquals, isGroupAddress, isLinkLocal6, sharesPrefix } from './address-bytes.ts'
import { PacketReceiver } from './packet-receiver.ts'
import { datagramFrame } from './packets.ts'
import { SourceRates } from './source-rates.ts'
import { stationAddresses } from './station-addresses.ts'
import { StationFilter } from './station-filter.ts'
import { StationPort } from './station-port.ts'
import type {
  Datagram4,
  StationAddresses,
  StationDatagram,
  StationDrop,
  StationInit,
  StationOutput,
  StationStats,
  StationVerdict,
} from './station-types.ts'
import type { UdpService } from './udp-demultiplexer.ts'

const DHCPV4_SERVER_PORT = 67
/** RFC 8106 §5.1 and DHCPv6 set no limit; more than these nobody asks. */
const MAX_DNS_SERVERS = 5
const SERVICE_RATES = { total: { burst: 400, perSecond: 200 }, perSource: { burst: 100, perSecond: 50 } }
const DNS_RATES = { total: { burst: 2_000, perSecond: 1_000 }, perSource: { burst: 400, perSecond: 200 } }

/** What follows from the plan. */
interface PlanView {
  readonly network4: Cidr
  readonly network6: Cidr
  readonly domains: readonly string[]
}

/**
 * The switch's own station: a host that answers on the TAP's side alone, with the same addresses on every switch of the VLAN. It answers ARP,
 * neighbour discovery and echo requests, advertises the IPv6 prefix, and serves DHCPv6 and DNS; DHCPv4 it hands on.
 */
export class VlanStation {
  readonly #init: StationInit
  readonly #output: StationOutput
  readonly #port: StationPort
  readonly #filter: StationFilter
  readonly #dns: DnsResponder
  readonly #advertiser: RouterAdvertiser
  readonly #receiver: PacketReceiver
  #dhcp6: Dhcpv6Server
  #plan: AddressPlan
  #view: PlanView

  /** @throws WakunetError `ERR_ADDRESS_INVALID` for a plan whose subnets are none */
  constructor(init: StationInit, output: StationOutput, nowMs: number) {
    this.#init = init
    this.#output = output
    this.#plan = init.plan
    this.#view = planView(init, init.plan)
    const addresses = stationAddresses(init.vlanId, init.plan)
    this.#port = new StationPort(addresses, (frame) => output.toTap(frame))
    this.#filter = new StationFilter(addresses)
    this.#dhcp6 = new Dhcpv6Server(this.#dhcp6Init())
    this.#dns = new DnsResponder(this.#zone())
    const { linkLocal } = addresses
    this.#advertiser = new RouterAdvertiser(
      { content: this.#content(), linkLocal, random: init.random },
      (frame) => this.#sendAdvertisement(frame),
      nowMs,
    )
    const receiverInit = {
      hashSeed: init.hashSeed,
      plan: init.plan,
      services: this.#services(nowMs),
      onSolicitation: (source: Uint8Array, sourceMac: Uint8Array, atMs: number) =>
        this.#advertiser.solicit(source, sourceMac, atMs),
    }
    this.#receiver = new PacketReceiver(this.#port, receiverInit, nowMs)
    this.#bind('added')
  }

  get addresses(): StationAddresses {
    return this.#port.addresses
  }

  /** Monotonic counters. */
  get stats(): Readonly<StationStats> {
    return this.#port.stats
  }

  get drops(): Readonly<Record<StationDrop, number>> {
    return this.#port.drops
  }

  /** Names that DNS answers for, the one that addresses are shown with first. */
  get domains(): readonly string[] {
    return this.#view.domains
  }

  /** See `StationFilter`. For every frame. */
  isForStation(bytes: Uint8Array, offset: number, length: number): boolean {
    return this.#filter.isForStation(bytes, offset, length)
  }

  /** See `StationFilter`. For every frame. */
  isFromStation(bytes: Uint8Array, offset: number, length: number): boolean {
    return this.#filter.isFromStation(bytes, offset, length)
  }

  /**
   * Takes a frame from the TAP that is for the station, or a DHCP request or router solicitation to all. Its checksums must be
   * complete: the kernel leaves them open on a TAP with offloads.
   */
  fromTap(bytes: Uint8Array, offset: number, length: number, nowMs: number): void {
    const verdict = this.#receiver.receive(bytes, offset, length, nowMs)
    if (verdict !== 'taken') this.#port.drops[verdict]++
  }

  /** Sends a DHCPv4 message from the station. */
  sendDhcp4(datagram: Datagram4): void {
    const { mac, address4 } = this.#port.addresses
    this.#port.stats.dhcp4++
    this.#port.send(
      datagramFrame({ ...datagram, sourceMac: mac, source: address4 }, datagram, datagram.payload),
    )
  }

  /**
   * Goes on with another plan: a prefix that is not in it any more is withdrawn at once.
   * @throws WakunetError `ERR_ADDRESS_INVALID` for a plan whose subnets are none; the old one stays
   */
  setPlan(plan: AddressPlan, nowMs: number): void {
    const addresses = stationAddresses(this.#init.vlanId, plan)
    this.#view = planView(this.#init, plan)
    this.#plan = plan
    this.#bind('removed')
    this.#port.addresses = addresses
    this.#bind('added')
    this.#filter.setAddresses(addresses)
    this.#receiver.setPlan(plan)
    this.#dhcp6 = new Dhcpv6Server(this.#dhcp6Init())
    this.#dns.setZone(this.#zone())
    this.#advertiser.setContent(this.#content(), nowMs)
  }

  /** Before the TAP goes: hosts shall not use the prefix any longer. */
  close(): void {
    this.#advertiser.close()
  }

  /** When `tick` has something to do. */
  dueMs(): number {
    return this.#advertiser.dueMs()
  }

  tick(nowMs: number): void {
    this.#advertiser.tick(nowMs)
  }

  #bind(kind: BindingChange['kind']): void {
    const { mac, address4, address6, linkLocal } = this.#port.addresses
    for (const address of [address4, address6, linkLocal]) {
      this.#output.onBindings({ kind, address, mac: readMac(mac, 0), owner: null })
    }
  }

  #services(nowMs: number): UdpService[] {
    const rates = (init: typeof DNS_RATES) => new SourceRates(init, this.#init.hashSeed, nowMs)
    const serviceRates = rates(SERVICE_RATES)
    const dnsRates = rates(DNS_RATES)
    return [
      {
        family: 4,
        port: DHCPV4_SERVER_PORT,
        hearsAll: true,
        rates: serviceRates,
        // A client that has no address yet says 0.0.0.0, and one that moved here its old one.
        accepts: () => true,
        receive: (datagram, atMs) => {
          this.#output.onDhcp4(datagram, atMs)
          return 'taken'
        },
      },
      {
        family: 6,
        port: DHCPV6_SERVER_PORT,
        hearsAll: true,
        rates: serviceRates,
        accepts: (datagram) => this.#isNeighbour6(datagram.source),
        receive: (datagram) => this.#answerDhcp6(datagram),
      },
      ...([4, 6] as const).map((family) => ({
        family,
        port: DNS_PORT,
        hearsAll: false,
        rates: dnsRates,
        accepts: (datagram: StationDatagram) => this.#isNeighbour(datagram.source),
        receive: (datagram: StationDatagram) => this.#answerDns(datagram),
      })),
    ]
  }

  #answerDhcp6(datagram: StationDatagram): StationVerdict {
    const payload = this.#dhcp6.answer(datagram.payload, isGroupAddress(datagram.destination))
    if (payload === null) return 'malformed'
    const { mac, linkLocal } = this.#port.addresses
    const path = {
      sourceMac: mac,
      destinationMac: datagram.sourceMac,
      source: isLinkLocal6(datagram.source) ? linkLocal : this.#port.addresses.address6,
      destination: datagram.source,
    }
    const ports = { sourcePort: DHCPV6_SERVER_PORT, destinationPort: DHCPV6_CLIENT_PORT }
    this.#port.stats.dhcp6++
    this.#port.send(datagramFrame(path, ports, payload))
    return 'taken'
  }

  #answerDns(datagram: StationDatagram): StationVerdict {
    const payload = this.#dns.answer(datagram.payload)
    if (payload === null) return 'malformed'
    const path = {
      sourceMac: this.#port.addresses.mac,
      destinationMac: datagram.sourceMac,
      source: datagram.destination,
      destination: datagram.source,
    }
    const ports = { sourcePort: DNS_PORT, destinationPort: datagram.sourcePort }
    this.#port.stats.dns++
    this.#port.send(datagramFrame(path, ports, payload))
    return 'taken'
  }

  #sendAdvertisement(frame: Uint8Array): void {
    this.#port.stats.routerAdvertisements++
    this.#port.send(frame)
  }

  /** Whether a sender is on this link: nobody else's address can be made the target of an answer. */
  #isNeighbour(source: Uint8Array): boolean {
    const { bytes, prefixLength } = this.#view.network4
    return source.length === 4 ? sharesPrefix(source, bytes, prefixLength) : this.#isNeighbour6(source)
  }

  #isNeighbour6(source: Uint8Array): boolean {
    return isLinkLocal6(source) || sharesPrefix(source, this.#view.network6.bytes, 64)
  }

  #zone(): Zone {
    const { address4, address6 } = this.#port.addresses
    return new Zone({
      domains: this.#view.domains,
      plan: this.#plan,
      stationAddresses: [address4, address6],
      names: this.#init.names,
    })
  }

  #content(): RouterAdvertisementContent {
    return {
      mac: this.#port.addresses.mac,
      prefix: this.#view.network6.bytes,
      mtu: this.#plan.mtu,
      dnsServers: this.#dnsServers6(),
      searchDomains: this.#view.domains.slice(0, 1),
    }
  }

  #dhcp6Init(): Dhcpv6ServerInit {
    const { mac, prefix, dnsServers, searchDomains } = this.#content()
    const ntpServers = planServers(this.#plan.ntp).addresses6
    return { mac, prefix, dnsServers, searchDomains, ntpServers }
  }

  #dnsServers6(): Uint8Array[] {
    const others = planServers(this.#plan.dns).addresses6
    const own = this.#port.addresses.address6
    return [own, ...others.filter((address) => !addressEquals(address, own))].slice(0, MAX_DNS_SERVERS)
  }
}

/** The domain of the record first, where there is one; the VLAN's own name is always answered. */
function planView({ vlanId, vlanName }: StationInit, plan: AddressPlan): PlanView {
  const own = defaultDomain(vlanName, vlanId)
  const chosen = plan.domain?.toLowerCase().replace(/\.$/, '')
  const isUsable = chosen !== undefined && chosen !== '' && chosen !== own && encodeDnsName(chosen) !== null
  return {
    network4: parseCidr(plan.subnet4),
    network6: parseCidr(plan.subnet6),
    domains: isUsable ? [chosen, own] : [own],
  }
}
