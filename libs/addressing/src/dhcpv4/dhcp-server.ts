import {
  DHCP_ACK,
  DHCP_DECLINE,
  DHCP_DISCOVER,
  DHCP_INFORM,
  DHCP_NAK,
  DHCP_OFFER,
  DHCP_RELEASE,
  DHCP_REQUEST,
  type Dhcpv4Options,
  readMac,
} from '@wakunet/ethernet'
import type { AddressPlan } from '../address-plan.ts'
import { fromUint32, toUint32 } from '../leases/address-order.ts'
import type { ArpProber } from '../leases/arp-prober.ts'
import type { LeaseBook } from '../leases/lease-book.ts'
import type { OwnLease } from '../leases/own-leases.ts'
import type { Datagram4 } from '../station/station-types.ts'
import { clientStateOf } from './client-state.ts'
import { clientConfiguration, leaseSecondsOf, leaseTimes, selectConfiguration } from './configuration.ts'
import { type DhcpRequest, readDhcpRequest } from './dhcp-client.ts'
import { dhcpReply } from './dhcp-reply.ts'
import { OFFER_MS, type PendingClient, PendingClients } from './pending-clients.ts'

export interface DhcpServerInit {
  readonly plan: AddressPlan
  /** That clients are told. */
  readonly domain: string
  readonly book: LeaseBook
  readonly prober: ArpProber
  /** Name of a station that says none, or empty. @param mac 48-bit integer */
  readonly nameOf: (mac: number) => string
  readonly send: (datagram: Datagram4) => void
}

/** Monotonic counters. */
export interface DhcpStats {
  offers: number
  acks: number
  naks: number
  /** Requests that got no address: the pool, or the share of this member, is used up. */
  poolExhausted: number
  declined: number
  released: number
}

/** Why messages are not answered; closed. */
export interface DhcpDrops {
  'dhcp-malformed': number
  /** Too many clients ask for an address at once. */
  'dhcp-full': number
}

/** Addresses that are probed for one client before it gets none. */
const MAX_PROBED_ADDRESSES = 4
/** Longer than a probe takes, or a contest. */
const PENDING_MS = 5_000
/** Client identifiers whose last address is remembered. */
const MAX_CLIENT_IDS = 1_024

/**
 * The DHCPv4 server of the switch's own station (RFC 2131, RFC 2132). It serves the TAP's side alone, from the table of leases that all
 * members share. A client is its MAC address: who has another client identifier on the same card gets the same address, so that no host
 * can use up the pool by names, and who comes with the same identifier on another card gets its address along if the old card is silent.
 */
export class DhcpServer {
  readonly stats: DhcpStats = {
    offers: 0,
    acks: 0,
    naks: 0,
    poolExhausted: 0,
    declined: 0,
    released: 0,
  }
  readonly drops: DhcpDrops = { 'dhcp-malformed': 0, 'dhcp-full': 0 }
  readonly #init: DhcpServerInit
  readonly #pending = new PendingClients()
  readonly #byClientId = new Map<string, number>()
  #plan: AddressPlan
  #domain: string

  constructor(init: DhcpServerInit) {
    this.#init = init
    this.#plan = init.plan
    this.#domain = init.domain
  }

  setPlan(plan: AddressPlan, domain: string): void {
    this.#plan = plan
    this.#domain = domain
  }

  get pendingClients(): number {
    return this.#pending.size
  }

  /** @param payload of a datagram to UDP port 67 from `sourceMac` */
  receive(payload: Uint8Array, sourceMac: Uint8Array, nowMs: number): void {
    const request = readDhcpRequest(payload, sourceMac, this.#init.nameOf)
    switch (request?.options.messageType) {
      case DHCP_DISCOVER:
        this.#discover(request, nowMs)
        break
      case DHCP_REQUEST:
        this.#request(request, nowMs)
        break
      case DHCP_DECLINE:
        this.#decline(request, nowMs)
        break
      case DHCP_RELEASE:
        this.#release(request, nowMs)
        break
      case DHCP_INFORM:
        this.#inform(request)
        break
      default:
        this.drops['dhcp-malformed']++
    }
  }

  #discover(request: DhcpRequest, nowMs: number): void {
    const pending = this.#pending.get(request.mac)
    if (pending === null || pending.purpose !== 'offer') {
      this.#discoverAnew(request, nowMs)
      return
    }
    pending.request = request
    // The offer comes when the probe is over.
    if (pending.stage === 'probing') return
    const availability = this.#init.book.availability(pending.address, request.mac, nowMs)
    if (availability === 'taken') this.#discoverAnew(request, nowMs)
    else this.#offer(pending, nowMs)
  }

  #discoverAnew(request: DhcpRequest, nowMs: number): void {
    const { mac } = request
    const address = this.#choose(request, nowMs)
    if (address === null) {
      this.stats.poolExhausted++
      return
    }
    const client = newClient(request, address, 'offer', nowMs)
    if (!this.#pending.set(mac, client)) this.drops['dhcp-full']++
    else if (this.#leaseOf(address, mac) !== null) this.#offer(client, nowMs)
    else this.#probe(client, nowMs)
  }

  #choose({ mac, clientId, options }: DhcpRequest, nowMs: number): number | null {
    const { book } = this.#init
    // Who has no lease yet needs a place for it.
    if (book.own.isFull && book.own.ofMac(mac) === null) return null
    const hints = [
      clientId === null ? null : (this.#byClientId.get(clientId) ?? null),
      options.requestedAddress === undefined ? null : toUint32(options.requestedAddress),
    ]
    return book.choose(mac, hints, (address) => this.#pending.isPromised(address, mac), nowMs)
  }

  /** The client that was offered the address and has not taken it yet, 48-bit integer; or null. */
  offeredTo(address: number): number | null {
    for (const { stage, address: offered, request } of this.#pending)
      if (stage === 'offered' && offered === address) return request.mac
    return null
  }

  #leaseOf(address: number, mac: number): OwnLease | null {
    const lease = this.#init.book.own.ofMac(mac)
    return lease !== null && toUint32(lease.address) === address ? lease : null
  }

  #probe(client: PendingClient, nowMs: number): void {
    const { address, request } = client
    const isStarted = this.#init.prober.start(
      {
        address,
        mac: request.mac,
        tapOnly: false,
        done: ({ other }, atMs) => this.#onProbed(client, other, atMs),
      },
      nowMs,
    )
    if (isStarted) return
    this.drops['dhcp-full']++
    this.#pending.delete(request.mac)
  }

  #onProbed(client: PendingClient, isUsed: boolean, nowMs: number): void {
    const { request, purpose } = client
    if (this.#pending.get(request.mac) !== client) return
    if (isUsed) this.#init.book.putAside.add(client.address, nowMs)
    const isFree = !isUsed && this.#init.book.availability(client.address, request.mac, nowMs) !== 'taken'
    if (isFree && purpose === 'offer') this.#offer(client, nowMs)
    else if (isFree) this.#bind(request, client.address, nowMs)
    else if (purpose === 'offer') this.#probeNext(client, nowMs)
    else this.#refuse(request, 'the address is in use')
  }

  #probeNext(client: PendingClient, nowMs: number): void {
    const address = client.probes < MAX_PROBED_ADDRESSES ? this.#choose(client.request, nowMs) : null
    if (address === null) {
      this.stats.poolExhausted++
      this.#pending.delete(client.request.mac)
      return
    }
    client.address = address
    client.probes++
    client.expiresMs = nowMs + PENDING_MS
    this.#probe(client, nowMs)
  }

  #offer(client: PendingClient, nowMs: number): void {
    client.stage = 'offered'
    client.expiresMs = nowMs + OFFER_MS
    this.stats.offers++
    const { request, address } = client
    this.#reply(request, DHCP_OFFER, address, this.#leaseOptions(request))
  }

  #request(request: DhcpRequest, nowMs: number): void {
    const { space } = this.#init.book
    const client = clientStateOf(request.message, request.options, space.station4)
    if (client === null) {
      this.drops['dhcp-malformed']++
      return
    }
    if (client.state === 'selecting') this.#select(request, client.address, client.isOurs, nowMs)
    else this.#confirm(request, client.address, client.state === 'init-reboot', nowMs)
  }

  #select(request: DhcpRequest, address: number, isOurs: boolean, nowMs: number): void {
    const pending = this.#pending.get(request.mac)
    const isOffered = pending !== null && pending.stage === 'offered' && pending.address === address
    // Another server's: there is none on this side that a guard would let through, but a bridged LAN may have one.
    if (!isOurs) this.#pending.delete(request.mac)
    else if (isOffered || this.#leaseOf(address, request.mac) !== null) this.#bind(request, address, nowMs)
    else if (pending?.stage !== 'contending') this.#refuse(request, 'no such offer')
  }

  /** A client that has had this address before, or says so: rebooting, renewing or rebinding. */
  #confirm(request: DhcpRequest, address: number, isRebooting: boolean, nowMs: number): void {
    const pending = this.#pending.get(request.mac)
    if (pending !== null && pending.purpose === 'ack') pending.request = request
    else if (this.#leaseOf(address, request.mac) !== null) this.#bind(request, address, nowMs)
    else if (!this.#mayResume(request.mac, address, nowMs)) this.#refuse(request, 'not your address here')
    // Who renews is using the address: a probe would find the client itself.
    else if (isRebooting) this.#probeResumed(request, address, nowMs)
    else this.#bind(request, address, nowMs)
  }

  /** Whether a client without a lease here can go on with its address: this switch may have started anew, or the host moved here. */
  #mayResume(mac: number, address: number, nowMs: number): boolean {
    const { book } = this.#init
    if (book.own.ofMac(mac) !== null || !book.space.isHost4(address)) return false
    const availability = book.availability(address, mac, nowMs)
    return (availability === 'free' || availability === 'moved') && !this.#pending.isPromised(address, mac)
  }

  #probeResumed(request: DhcpRequest, address: number, nowMs: number): void {
    const client = newClient(request, address, 'ack', nowMs)
    if (this.#pending.set(request.mac, client)) this.#probe(client, nowMs)
    else this.drops['dhcp-full']++
  }

  /** Gives the address for good, and says so as soon as no other member has it. */
  #bind(request: DhcpRequest, address: number, nowMs: number): void {
    const seconds = leaseSecondsOf(this.#plan, request.options.leaseSeconds)
    const { mac, message, hostname } = request
    const lease = this.#init.book.grant(address, message.clientMac, hostname, nowMs + seconds * 1_000, nowMs)
    this.#pending.delete(mac)
    if (lease === null) {
      this.stats.poolExhausted++
      return
    }
    if (lease.contendUntilMs === null) {
      this.#acknowledge(request, address)
      return
    }
    const client = newClient(request, address, 'ack', nowMs)
    if (!this.#pending.set(mac, { ...client, stage: 'contending' })) this.drops['dhcp-full']++
  }

  #acknowledge(request: DhcpRequest, address: number): void {
    const { clientId } = request
    if (clientId !== null) this.#remember(clientId, address)
    this.stats.acks++
    this.#reply(request, DHCP_ACK, address, this.#leaseOptions(request))
  }

  #remember(clientId: string, address: number): void {
    this.#byClientId.delete(clientId)
    if (this.#byClientId.size >= MAX_CLIENT_IDS) {
      const [oldest] = this.#byClientId.keys()
      if (oldest !== undefined) this.#byClientId.delete(oldest)
    }
    this.#byClientId.set(clientId, address)
  }

  #refuse(request: DhcpRequest, message: string): void {
    this.#pending.delete(request.mac)
    this.stats.naks++
    this.#reply(request, DHCP_NAK, 0, { message })
  }

  /** The client has found somebody else with the address. */
  #decline(request: DhcpRequest, nowMs: number): void {
    const { requestedAddress } = request.options
    const lease = this.#init.book.own.ofMac(request.mac)
    if (requestedAddress === undefined || lease === null) return
    if (toUint32(lease.address) !== toUint32(requestedAddress)) return
    this.stats.declined++
    this.#pending.delete(request.mac)
    this.#init.book.own.delete(lease)
    this.#init.book.putAside.add(toUint32(requestedAddress), nowMs)
  }

  #release(request: DhcpRequest, nowMs: number): void {
    const { book } = this.#init
    const lease = book.own.ofMac(request.mac)
    if (lease === null || toUint32(lease.address) !== toUint32(request.message.clientAddress)) return
    this.stats.released++
    book.end(lease, nowMs)
  }

  /** A host with an address of its own that wants the rest: no address and no times (RFC 2131 §4.3.5). */
  #inform(request: DhcpRequest): void {
    const { book } = this.#init
    if (!book.space.isHost4(toUint32(request.message.clientAddress))) {
      this.drops['dhcp-malformed']++
      return
    }
    this.stats.acks++
    this.#reply(request, DHCP_ACK, 0, this.#configurationFor(request))
  }

  #leaseOptions(request: DhcpRequest): Dhcpv4Options {
    const seconds = leaseSecondsOf(this.#plan, request.options.leaseSeconds)
    return { ...leaseTimes(seconds), ...this.#configurationFor(request) }
  }

  #configurationFor({ options }: DhcpRequest): Dhcpv4Options {
    const configuration = clientConfiguration(this.#plan, this.#init.book.space, this.#domain)
    return selectConfiguration(configuration, options.parameterList)
  }

  #reply(request: DhcpRequest, type: number, address: number, options: Dhcpv4Options): void {
    const station = this.#init.book.space.station4
    const datagram = dhcpReply(request, { type, address, options }, station, this.#plan.mtu)
    if (datagram !== null) this.#init.send(datagram)
  }

  /** Answers who has waited for another member to give up their address. Call it when the leases were settled. */
  settle(): void {
    for (const client of this.#pending) {
      if (client.stage !== 'contending') continue
      const lease = this.#init.book.own.get(fromUint32(client.address))
      const isMine = lease !== null && readMac(lease.mac, 0) === client.request.mac
      if (isMine && lease.contendUntilMs !== null) continue
      this.#pending.delete(client.request.mac)
      if (isMine) this.#acknowledge(client.request, client.address)
      else this.#refuse(client.request, 'another member has the address')
    }
  }

  /** When `tick` has something to do. */
  get dueMs(): number {
    return this.#pending.dueMs
  }

  tick(nowMs: number): void {
    this.#pending.tick(nowMs)
  }
}

function newClient(
  request: DhcpRequest,
  address: number,
  purpose: PendingClient['purpose'],
  nowMs: number,
): PendingClient {
  return { request, address, stage: 'probing', purpose, probes: 1, expiresMs: nowMs + PENDING_MS }
}
