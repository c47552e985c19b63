import { bytesToHex } from '@noble/hashes/utils.js'
import { ETHERNET_HEADER_BYTES, ETHERTYPE_ARP, macToString, readMac, writeMac } from '@wakunet/ethernet'
import type { GossipMembers } from '@wakunet/gossip'
import type { NodeId, VlanId } from '@wakunet/interface'
import { readU16 } from '@wakunet/record'
import type { AddressPlan } from './address-plan.ts'
import { readAnnouncement } from './announcement/announcement.ts'
import { announceable, MemberAnnouncements, type OwnFacts } from './announcement/member-announcements.ts'
import { formatCidr } from './cidr.ts'
import { DhcpServer } from './dhcpv4/dhcp-server.ts'
import { hostLabel } from './dns/host-label.ts'
import { LeaseNames } from './dns/lease-names.ts'
import { formatIp, parseIpv4 } from './ip-address.ts'
import { toUint32 } from './leases/address-order.ts'
import { AddressSpace } from './leases/address-space.ts'
import { ArpProber, defenceFrame } from './leases/arp-prober.ts'
import type { Claim } from './leases/claim-order.ts'
import { isOwnAddress } from './leases/lease.ts'
import { LeaseBook } from './leases/lease-book.ts'
import { OwnAddresses } from './leases/own-addresses.ts'
import type { OwnLease } from './leases/own-leases.ts'
import { memberMac } from './member-address.ts'
import type { StationDrop, StationStats } from './station/station-types.ts'
import { VlanStation } from './station/vlan-station.ts'
import type {
  AddressingDrop,
  AddressingPeer,
  AddressingStats,
  BindingChange,
  MemberFacts,
  MemberLease,
  VlanAddressingInit,
  VlanAddressingOutput,
} from './vlan-addressing-init.ts'

const ARP_SENDER_MAC = ETHERNET_HEADER_BYTES + 8
const ARP_SENDER_ADDRESS = ETHERNET_HEADER_BYTES + 14
const ARP_FRAME_BYTES = ETHERNET_HEADER_BYTES + 28
/** The carrier goes down this often at most, whatever members claim. */
const READDRESS_INTERVAL_MS = 5_000
/** A host that has an address of the pool without a lease, and is silent for so long, is asked whether it is there. */
const OBSERVED_SILENT_MS = 1_800_000
const SWEEP_MS = 60_000

/**
 * Addresses of one VLAN at one member: the own ones of the TAP, the leases of the hosts behind it and those of all members, and
 * the station that answers the TAP's hosts (ARP, ND, DHCP, router advertisements, DNS). Clocked from outside: `tick` at `dueMs`.
 */
export class VlanAddressing<P extends AddressingPeer> {
  readonly #init: VlanAddressingInit
  readonly #output: VlanAddressingOutput<P>
  readonly #book: LeaseBook
  readonly #own: OwnAddresses
  readonly #announcements: MemberAnnouncements<P>
  readonly #prober: ArpProber
  readonly #dhcp: DhcpServer
  readonly #station: VlanStation
  readonly #names = new LeaseNames(() => this.#book.claims.winners())
  readonly #hostname: string
  #port: { readonly bridged: boolean; readonly mtu: number }
  #multiaddrs: readonly string[] = []
  #nowMs: number
  #readdressDueMs = Number.POSITIVE_INFINITY
  #readdressedMs = Number.NEGATIVE_INFINITY
  #sweepDueMs: number

  /** @throws WakunetError `ERR_ADDRESS_INVALID` for a plan whose subnets are none */
  constructor(init: VlanAddressingInit, output: VlanAddressingOutput<P>, nowMs: number) {
    this.#init = init
    this.#output = output
    this.#nowMs = nowMs
    this.#sweepDueMs = nowMs + SWEEP_MS
    this.#hostname = hostLabel(init.hostname)
    this.#port = { bridged: init.bridged, mtu: init.mtu }
    this.#station = this.#createStation(nowMs)
    this.#announcements = this.#createAnnouncements(nowMs)
    this.#book = this.#createBook()
    this.#prober = new ArpProber({
      stationMac: this.#station.addresses.mac,
      tapMac: init.mac,
      toTap: (frame) => output.toTap(frame),
      toTree: (frame) => output.toTree(frame),
      isInUse: (address, mac, atMs) => output.isInUse(address, mac, atMs),
    })
    this.#dhcp = new DhcpServer({
      plan: init.plan,
      domain: this.#station.domains[0]!,
      book: this.#book,
      prober: this.#prober,
      // The host's own DHCP client often does not say how its host is called.
      nameOf: (mac) => (mac === readMac(init.mac, 0) ? this.#hostname : ''),
      send: (datagram) => this.#station.sendDhcp4(datagram),
    })
    for (const cidr of init.avoid ?? []) this.#avoid(cidr, nowMs)
    this.#own = this.#createOwnAddresses(nowMs)
    this.#announcements.changed(nowMs)
    this.#own.start(nowMs)
    this.#settle()
  }

  #createStation(nowMs: number): VlanStation {
    const { vlanId, vlanName, plan, hashSeed, random } = this.#init
    return new VlanStation(
      { vlanId, vlanName, plan, hashSeed, random, names: this.#names },
      {
        toTap: (frame) => this.#output.toTap(frame),
        onBindings: (change) => this.#output.onBindings(change),
        onDhcp4: ({ payload, sourceMac }, atMs) => this.#dhcp.receive(payload, sourceMac, atMs),
      },
      nowMs,
    )
  }

  #createAnnouncements(nowMs: number): MemberAnnouncements<P> {
    const { vlanId, nodeId, firstSequence, wallMs, verify, read } = this.#init
    return new MemberAnnouncements<P>(
      {
        vlanId,
        nodeId,
        firstSequence,
        wallMs,
        verify,
        read: read ?? readAnnouncement,
        facts: () => this.#facts(),
        sign: (payload, done) => this.#output.sign(payload, done),
        send: (to, message) => this.#output.send(to, message),
        onAnnouncement: ({ origin, leases, sealing, sequence }, before) => {
          this.#book.replaceMember(before?.leases ?? [], leases)
          this.#output.onSealingKey?.(origin, sealing, sequence)
          this.#output.onMembers?.()
        },
        onOwnHeard: ({ sequence, leases }) => this.#book.own.raiseSince(sequence, leases),
      },
      nowMs,
    )
  }

  #createBook(): LeaseBook {
    return new LeaseBook({
      nodeId: this.#init.nodeId,
      hashSeed: this.#init.hashSeed,
      space: new AddressSpace(this.#init.plan, bytesToHex(this.#init.vlanId)),
      sinceMs: () => this.#announcements.sinceMs,
      onWinner: (address, before, after) => this.#onWinner(address, before, after),
      onOwnChanged: () => this.#announcements.changed(this.#nowMs),
      onLost: (lease) => this.#onLost(lease),
      onRival: (lease) => this.#askHost(lease),
    })
  }

  #createOwnAddresses(nowMs: number): OwnAddresses {
    const { mode, manual4, attempt, nodeId, mac } = this.#init
    return new OwnAddresses(
      {
        mode,
        manual4,
        attempt,
        mac,
        nodeText: bytesToHex(nodeId),
        hostname: this.#hostname,
        book: this.#book,
        onChanged: (cidrs) => this.#output.onAddresses(cidrs),
      },
      nowMs,
    )
  }

  #avoid(cidr: string, nowMs: number): void {
    const address = parseIpv4(cidr.split('/', 1)[0]!)
    if (address !== null) this.#book.putAside.add(toUint32(address), nowMs)
  }

  #facts(): OwnFacts {
    return {
      ...this.#port,
      hostname: this.#hostname,
      sealing: this.#init.sealing,
      multiaddrs: this.#multiaddrs,
      leases: this.#book.own.sorted(),
    }
  }

  /** What the TAP is to be given, CIDR form, IPv4 first; empty in the modes `dhcp` and `none`. */
  get claimedAddresses(): readonly string[] {
    return this.#own.cidrs
  }

  /** Of the TAP, CIDR form, IPv4 first: those that were claimed, or that its own DHCP client was given. */
  get ownAddresses(): readonly string[] {
    if (this.#init.mode !== 'dhcp') return this.#own.cidrs
    const lease = this.#book.own.ofMac(readMac(this.#init.mac, 0))
    return lease === null ? [] : [formatCidr({ ...this.#book.space.subnet4, bytes: lease.address })]
  }

  /** Automatic attempt to begin with the next time. */
  get attempt(): number {
    return this.#own.attempt
  }

  /** Why this node has an address that another member has by right, and cannot move; null where all is well. */
  get conflict(): string | null {
    return this.#own.conflict
  }

  get stats(): AddressingStats {
    return {
      ...this.#dhcp.stats,
      conflictsLost: this.#book.lost + this.#own.moves,
      addressMoves: this.#own.moves,
      announced: this.#announcements.announced,
      ownLeases: this.#book.own.size,
      claims: this.#book.claims.size,
    }
  }

  get drops(): Readonly<Record<AddressingDrop, number>> {
    const { refused: _, ...gossip } = this.#announcements.drops
    return {
      ...gossip,
      ...this.#announcements.faults,
      ...this.#dhcp.drops,
      'table-full': this.#book.claims.refused,
    }
  }

  /** What the station answered, and what it did not. */
  get stationStats(): Readonly<StationStats> {
    return this.#station.stats
  }

  get stationDrops(): Readonly<Record<StationDrop, number>> {
    return this.#station.drops
  }

  /** Domains that the station answers for, the main one first. */
  get domains(): readonly string[] {
    return this.#station.domains
  }

  /**
   * Whether the frame of `length` bytes at `offset` from the TAP is for the switch's own station: to its MAC address, or ARP
   * or ND that asks for one of its addresses. Cheap and free of allocations.
   */
  isForStation(bytes: Uint8Array, offset: number, length: number): boolean {
    return this.#station.isForStation(bytes, offset, length)
  }

  /** Whether a frame of a member says that it is from the station, by MAC or IP address: nobody else may. For every frame. */
  isFromStation(bytes: Uint8Array, offset: number, length: number): boolean {
    return this.#station.isFromStation(bytes, offset, length)
  }

  /** Such a frame, or one that guards keep: DHCP requests, router solicitations. Without tags, offloads complete. */
  fromTap(bytes: Uint8Array, offset: number, length: number, nowMs: number): void {
    this.#nowMs = nowMs
    if (length >= ARP_FRAME_BYTES && readU16(bytes, offset + 12) === ETHERTYPE_ARP) {
      const sender = toUint32(bytes.subarray(offset + ARP_SENDER_ADDRESS, offset + ARP_SENDER_ADDRESS + 4))
      this.#prober.hear(sender, readMac(bytes, offset + ARP_SENDER_MAC))
    }
    this.#station.fromTap(bytes, offset, length, nowMs)
    this.#settle()
  }

  /** A station on the TAP's side was heard with this address: perhaps one that was set up by hand. */
  noteTapHost(address: Uint8Array, mac: number, nowMs: number): void {
    if (address.length !== 4) return
    this.#nowMs = nowMs
    this.#prober.hear(toUint32(address), mac)
    const bytes = new Uint8Array(6)
    writeMac(bytes, 0, mac)
    this.#book.observe(address, bytes, nowMs)
    this.#settle()
  }

  /**
   * A member's switch asks whether somebody has an address: of two that want to give it away at once only one may, and one that has
   * offered it here already is defended.
   * @param mac of the member's TAP, 48-bit integer
   */
  noteMemberProbe(address: Uint8Array, mac: number, nowMs: number): void {
    this.#nowMs = nowMs
    const number = toUint32(address)
    this.#prober.hearProbe(number, mac)
    const client = this.#dhcp.offeredTo(number)
    if (client === null) return
    const station = new Uint8Array(6)
    writeMac(station, 0, client)
    this.#output.toTree(defenceFrame(station, address))
  }

  /** A control message of type 4 from the neighbour at a trunk's end. */
  receiveControl(bytes: Uint8Array, offset: number, length: number, from: P, nowMs: number): void {
    this.#nowMs = nowMs
    this.#announcements.receive(bytes, offset, length, from, nowMs)
    this.#settle()
  }

  /** The members of the VLAN without this node, and those with a trunk that forwards in the tree. */
  setPeers(members: GossipMembers<P>, neighbours: readonly P[], nowMs: number): void {
    this.#nowMs = nowMs
    for (const { leases } of this.#announcements.setPeers(members, neighbours, nowMs))
      this.#book.removeMember(leases, nowMs)
    this.#settle()
  }

  /**
   * Goes on with another plan; leases that it does not allow any more end.
   * @throws WakunetError `ERR_ADDRESS_INVALID` for a plan whose subnets are none; the old one stays
   */
  setPlan(plan: AddressPlan, nowMs: number): void {
    this.#nowMs = nowMs
    const space = new AddressSpace(plan, bytesToHex(this.#init.vlanId))
    this.#station.setPlan(plan, nowMs)
    this.#dhcp.setPlan(plan, this.#station.domains[0]!)
    this.#book.setSpace(space)
    this.#own.onPlan(nowMs)
    this.#settle()
  }

  /** Where this node takes trunks; at most 8 of at most 128 characters are announced. */
  setTrunkAddresses(multiaddrs: readonly string[], nowMs: number): void {
    const next = announceable(multiaddrs)
    if (next.join(' ') === this.#multiaddrs.join(' ')) return
    this.#multiaddrs = next
    this.#announcements.changed(nowMs)
  }

  setPort({ bridged, mtu }: { readonly bridged: boolean; readonly mtu: number }, nowMs: number): void {
    if (bridged === this.#port.bridged && mtu === this.#port.mtu) return
    this.#port = { bridged, mtu }
    this.#announcements.changed(nowMs)
  }

  /** What a member says of itself, by node id (16 bytes); null where nothing was heard. */
  memberOf(nodeId: Uint8Array): MemberFacts | null {
    const announcement = this.#announcements.of(nodeId)
    if (announcement === null) return null
    const { publicKey, hostname, leases, multiaddrs, bridged, mtu } = announcement
    return { publicKey, hostname, leases, multiaddrs, bridged, mtu }
  }

  /** Addresses of a member's own interface, text without prefix length; also what its own DHCP client was given. */
  addressesOf(nodeId: Uint8Array): string[] {
    const leases = this.#announcements.of(nodeId)?.leases ?? []
    const mac = memberMac(bytesToHex(this.#init.vlanId) as VlanId, bytesToHex(nodeId) as NodeId)
    return leases.filter((lease) => macToString(lease.mac) === mac).map(({ address }) => formatIp(address))
  }

  /** Every lease that counts: one for each address. */
  *leases(): Generator<MemberLease> {
    for (const claim of this.#book.claims.winners())
      yield { ...claim, owner: this.#book.isOwn(claim) ? null : claim.owner }
  }

  #onWinner(address: Uint8Array, before: Claim | null, after: Claim | null): void {
    if (after === null) this.#names.delete(address)
    else this.#names.set(after)
    const [old, next] = [before, after].map((claim) => (claim === null ? null : this.#whereOf(claim)))
    if (old && next && old.mac === next.mac && old.owner === next.owner) return
    if (old) this.#output.onBindings({ kind: 'removed', ...old })
    if (next) this.#output.onBindings({ kind: 'added', ...next })
  }

  #whereOf(claim: Claim): Omit<BindingChange, 'kind'> {
    const { address, mac } = claim
    return { address, mac: readMac(mac, 0), owner: this.#book.isOwn(claim) ? null : claim.owner }
  }

  #onLost(lease: OwnLease): void {
    if (isOwnAddress(lease)) this.#own.onLost(lease.address, this.#nowMs)
    else if (lease.kind === 'dhcp')
      this.#readdressDueMs = Math.max(this.#nowMs, this.#readdressedMs + READDRESS_INTERVAL_MS)
  }

  /** A host may have moved to another member: if it does not answer here, its lease is given up. */
  #askHost(lease: OwnLease): void {
    const done = ({ self }: { readonly self: boolean }) => {
      if (!self) this.#book.own.delete(lease)
    }
    const probe = { address: toUint32(lease.address), mac: readMac(lease.mac, 0), tapOnly: true, done }
    this.#prober.start(probe, this.#nowMs)
  }

  #settle(): void {
    this.#book.settle(this.#nowMs)
    this.#dhcp.settle()
    if (this.#nowMs < this.#readdressDueMs) return
    this.#readdressDueMs = Number.POSITIVE_INFINITY
    this.#readdressedMs = this.#nowMs
    this.#output.onReaddress()
  }

  /** Before the TAP goes: hosts shall not use the prefix any longer. */
  close(): void {
    this.#station.close()
  }

  /** When `tick` has something to do; may be sooner after every other call. */
  dueMs(nowMs: number): number {
    return Math.min(
      this.#announcements.dueMs(nowMs),
      this.#station.dueMs(),
      this.#dhcp.dueMs,
      this.#prober.dueMs,
      this.#book.dueMs,
      this.#own.dueMs,
      this.#readdressDueMs,
      this.#sweepDueMs,
    )
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs
    this.#prober.tick(nowMs)
    this.#dhcp.tick(nowMs)
    this.#book.tick(nowMs)
    this.#own.tick(nowMs)
    if (nowMs >= this.#sweepDueMs) this.#sweep(nowMs)
    this.#settle()
    this.#announcements.tick(nowMs)
    this.#station.tick(nowMs)
  }

  #sweep(nowMs: number): void {
    this.#sweepDueMs = nowMs + SWEEP_MS
    for (const lease of this.#book.own)
      if (lease.kind === 'observed' && nowMs - lease.seenMs > OBSERVED_SILENT_MS) this.#askHost(lease)
  }
}
