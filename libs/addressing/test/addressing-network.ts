import { blake3 } from '@noble/hashes/blake3.js'
import {
  ARP_REPLY,
  DHCP_ACK,
  DHCP_DECLINE,
  DHCP_DISCOVER,
  DHCP_INFORM,
  DHCP_NAK,
  DHCP_OFFER,
  DHCP_RELEASE,
  DHCP_REQUEST,
  type Dhcpv4Message,
  type Dhcpv4Options,
  decodeArp,
  decodeDhcpv4,
  decodeDhcpv4Options,
  decodeEthernet,
  decodeIpv4,
  decodeUdp,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  encodeArp,
  encodeDhcpv4ClientFrame,
  encodeEthernet,
  macFromString,
  PROTOCOL_UDP,
  readMac,
} from '@wakunet/ethernet'
import type { NodeId, VlanId } from '@wakunet/interface'
import { MemberList } from '@wakunet/testing'
import {
  type AddressMode,
  type AddressPlan,
  type BindingChange,
  formatIp,
  memberMac,
  nodeIdOfKey,
  noSealing,
  parseIpv4,
  signedBytes,
  VlanAddressing,
  type VlanAddressingInit,
} from '../src/index.ts'

export const VLAN_ID: Uint8Array = new Uint8Array(16).fill(0x42)
export const PLAN: AddressPlan = { subnet4: '10.20.0.0/24', subnet6: 'fd00:1:2:3::/64', mtu: 1_400 }
const START_WALL_MS = 1_700_000_000_000
const STEP_MS = 10

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const NO_ADDRESS = new Uint8Array(4)
const BROADCAST_MAC = new Uint8Array(6).fill(0xff)

/** Signatures that take no time: a hash stands for them. Real ones are in the tests of announcements. */
const fakeSignature = (publicKey: Uint8Array, message: Uint8Array) =>
  blake3(Buffer.concat([publicKey, message]), { dkLen: 64 })
const verify: VlanAddressingInit['verify'] = (publicKey, message, signature) =>
  Buffer.compare(fakeSignature(publicKey, message), signature) === 0

export interface HostOptions {
  readonly options?: Dhcpv4Options
  readonly broadcast?: boolean
}

/** A host on the TAP's side of a member: a DHCP client that answers ARP, or one with an address of its own. */
export class TestHost {
  address: string | null = null
  offered: string | null = null
  /** What came for it, newest last. */
  readonly replies: { type: number; message: Dhcpv4Message; options: Dhcpv4Options; frame: Uint8Array }[] = []
  /** Answers ARP and goes on by itself. */
  isOn = true
  naks = 0
  member: TestMember
  readonly mac: Uint8Array
  readonly #init: HostOptions
  #transaction: number

  constructor(member: TestMember, mac: Uint8Array, init: HostOptions = {}) {
    this.member = member
    this.mac = mac
    this.#init = init
    this.#transaction = mac[5]! * 1_000
  }

  discover(more: Dhcpv4Options = {}): void {
    this.#transaction++
    this.#say(DHCP_DISCOVER, null, { ...this.#init.options, ...more })
  }

  /** INIT-REBOOT (RFC 2131 §4.3.2). */
  reboot(address = this.address): void {
    this.#transaction++
    this.#say(DHCP_REQUEST, null, { ...this.#init.options, requestedAddress: parseIpv4(address!)! })
  }

  renew(): void {
    this.#transaction++
    this.#say(DHCP_REQUEST, this.address, this.#init.options ?? {})
  }

  release(): void {
    this.#say(DHCP_RELEASE, this.address, { serverId: this.member.station4 })
    this.address = null
  }

  decline(address: string): void {
    this.#say(DHCP_DECLINE, null, { requestedAddress: parseIpv4(address)!, serverId: this.member.station4 })
    this.address = null
  }

  inform(): void {
    this.#say(DHCP_INFORM, this.address, this.#init.options ?? {})
  }

  /** SELECTING (RFC 2131 §4.3.2). */
  select(address: string, serverId: Uint8Array = this.member.station4): void {
    this.#say(DHCP_REQUEST, null, {
      ...this.#init.options,
      requestedAddress: parseIpv4(address)!,
      serverId,
    })
  }

  #say(type: number, address: string | null, options: Dhcpv4Options): void {
    const frame = encodeDhcpv4ClientFrame({
      clientMac: this.mac,
      transactionId: this.#transaction,
      broadcast: this.#init.broadcast ?? false,
      clientAddress: address === null ? NO_ADDRESS : parseIpv4(address)!,
      options: { messageType: type, ...options },
    })
    this.member.fromHost(frame)
  }

  /** A frame on the TAP. */
  hear(frame: Uint8Array): void {
    const { destination, etherType, payload } = decodeEthernet(frame)!
    const isMine = readMac(destination, 0) === readMac(this.mac, 0)
    if (!isMine && readMac(destination, 0) !== readMac(BROADCAST_MAC, 0)) return
    if (etherType === ETHERTYPE_ARP) this.#hearArp(payload)
    if (etherType === ETHERTYPE_IPV4) this.#hearIp(payload, frame)
  }

  #hearArp(payload: Uint8Array): void {
    const packet = decodeArp(payload)!
    if (!this.isOn || this.address === null || formatIp(packet.targetAddress) !== this.address) return
    this.member.fromHost(
      encodeEthernet({
        destination: packet.senderMac,
        source: this.mac,
        tags: [],
        etherType: ETHERTYPE_ARP,
        payload: encodeArp({
          operation: ARP_REPLY,
          senderMac: this.mac,
          senderAddress: packet.targetAddress,
          targetMac: packet.senderMac,
          targetAddress: packet.senderAddress,
        }),
      }),
    )
  }

  #hearIp(payload: Uint8Array, frame: Uint8Array): void {
    const packet = decodeIpv4(payload)
    if (packet?.protocol !== PROTOCOL_UDP) return
    const datagram = decodeUdp(packet.payload)
    if (datagram?.destinationPort !== 68) return
    const message = decodeDhcpv4(datagram.payload.slice())
    if (message === null || readMac(message.clientMac, 0) !== readMac(this.mac, 0)) return
    const options = decodeDhcpv4Options(message.options)
    const type = options.messageType!
    this.replies.push({ type, message, options, frame })
    if (!this.isOn) return
    const address = formatIp(message.yourAddress)
    if (type === DHCP_OFFER) {
      this.offered = address
      this.select(address)
    } else if (type === DHCP_ACK && address !== '0.0.0.0') this.address = address
    else if (type === DHCP_NAK) {
      this.naks++
      this.address = null
      this.discover()
    }
  }

  get last(): TestHost['replies'][number] | undefined {
    return this.replies.at(-1)
  }
}

/** One member of the VLAN with its TAP. */
export class TestMember {
  readonly id: Uint8Array
  readonly mac: Uint8Array
  readonly addressing: VlanAddressing<TestMember>
  readonly hosts: TestHost[] = []
  readonly bindings = new Map<string, BindingChange>()
  own: readonly string[] = []
  readdresses = 0
  ownChanges = 0
  readonly #network: TestNetwork
  readonly #publicKey: Uint8Array
  /** Answers to probes of the tree. */
  readonly #heard = new Map<string, number>()

  constructor(network: TestNetwork, seed: number, more: Partial<VlanAddressingInit>) {
    this.#network = network
    this.#publicKey = blake3(Uint8Array.of(seed >>> 8, seed), { dkLen: 32 })
    this.id = nodeIdOfKey(this.#publicKey)
    this.mac = macFromString(memberMac(hex(VLAN_ID) as VlanId, hex(this.id) as NodeId))
    const init: VlanAddressingInit = {
      vlanId: VLAN_ID,
      nodeId: this.id,
      vlanName: 'games',
      plan: PLAN,
      mac: this.mac,
      mode: 'none' as AddressMode,
      manual4: null,
      attempt: 0,
      hostname: `member${seed}`,
      bridged: false,
      mtu: 1_400,
      sealing: noSealing(new Uint8Array(8)),
      hashSeed: seed,
      firstSequence: network.wallMs,
      random: () => 0.5,
      wallMs: () => network.wallMs,
      verify,
      ...more,
    }
    this.addressing = new VlanAddressing<TestMember>(
      init,
      {
        toTap: (frame) => network.later(() => this.#onTap(frame)),
        toTree: (frame) => network.flood(this, frame),
        send: (to, message) => network.send(this, to, message),
        sign: (payload, done) =>
          network.later(() =>
            done({
              publicKey: this.#publicKey,
              signature: fakeSignature(this.#publicKey, signedBytes(VLAN_ID, payload)),
            }),
          ),
        onAddresses: (cidrs) => {
          this.own = cidrs
          this.ownChanges++
        },
        onBindings: (change) => {
          const key = hex(change.address)
          if (change.kind === 'added') this.bindings.set(key, change)
          else this.bindings.delete(key)
        },
        onReaddress: () => {
          this.readdresses++
          for (const host of this.hosts) if (host.isOn && host.address !== null) host.reboot()
        },
        isInUse: (address, mac) => {
          const heard = this.#heard.get(hex(address))
          return heard !== undefined && heard !== mac
        },
      },
      network.nowMs,
    )
  }

  get station4(): Uint8Array {
    return Uint8Array.of(10, 20, 0, 1)
  }

  addHost(number: number, options: HostOptions = {}): TestHost {
    const host = new TestHost(this, Uint8Array.of(2, 0, 0, 0, number >>> 8, number), options)
    this.hosts.push(host)
    return host
  }

  #onTap(frame: Uint8Array): void {
    for (const host of this.hosts) host.hear(frame)
  }

  /** A frame of one of its hosts: to the switch, and an ARP answer to another member to that. */
  fromHost(frame: Uint8Array): void {
    const { addressing } = this
    this.#network.later(() => addressing.fromTap(frame, 0, frame.length, this.#network.nowMs))
  }

  /** A probe of another member, or the answer to one, comes out of the tree. */
  probed(frame: Uint8Array, by: TestMember): void {
    const packet = decodeArp(decodeEthernet(frame)!.payload)!
    if (packet.senderAddress.some((byte) => byte !== 0)) {
      this.#heard.set(hex(packet.senderAddress), readMac(packet.senderMac, 0))
      return
    }
    this.addressing.noteMemberProbe(packet.targetAddress, readMac(packet.senderMac, 0), this.#network.nowMs)
    for (const host of this.hosts)
      if (host.isOn && host.address === formatIp(packet.targetAddress))
        by.#heard.set(hex(packet.targetAddress), readMac(host.mac, 0))
    const isOwn = this.own.some((cidr) => cidr.split('/')[0] === formatIp(packet.targetAddress))
    if (isOwn) by.#heard.set(hex(packet.targetAddress), readMac(this.mac, 0))
  }

  /** What it holds to be true: address, MAC address and owner of every lease. */
  get table(): string[] {
    return [...this.addressing.leases()]
      .map(({ address, mac, owner }) => `${formatIp(address)} ${hex(mac)} ${hex(owner ?? this.id)}`)
      .sort()
  }
}

/** Members on a graph of trunks; a message takes a step of 10 ms. */
export class TestNetwork {
  readonly members: TestMember[] = []
  nowMs = 0
  /** Messages are lost where this says so. */
  loses: () => boolean = () => false
  #links: readonly (readonly [number, number])[] = []
  #queue: (() => void)[] = []
  /** Messages, lost ones included. */
  sent = 0
  #seed = 0

  get wallMs(): number {
    return START_WALL_MS + this.nowMs
  }

  add(more: Partial<VlanAddressingInit> = {}): TestMember {
    const member = new TestMember(this, ++this.#seed, more)
    this.members.push(member)
    return member
  }

  /** The same member, started anew: it remembers nothing. */
  restart(at: number, more: Partial<VlanAddressingInit>): void {
    this.members[at] = new TestMember(this, at + 1, more)
  }

  /** Trunks by the numbers of their ends; who is connected are members of each other. */
  link(links: readonly (readonly [number, number])[]): void {
    this.#links = links
    for (const member of this.members) {
      const peers = [...this.#reach(member)].filter((other) => other !== member)
      member.addressing.setPeers(new MemberList(peers), this.#neighboursOf(member), this.nowMs)
    }
  }

  #neighboursOf(member: TestMember): TestMember[] {
    const i = this.members.indexOf(member)
    return this.#links.flatMap(([a, b]) => (a === i ? [this.members[b]!] : b === i ? [this.members[a]!] : []))
  }

  #reach(member: TestMember): Set<TestMember> {
    const reached = new Set([member])
    for (const next of reached) for (const other of this.#neighboursOf(next)) reached.add(other)
    return reached
  }

  later(run: () => void): void {
    this.#queue.push(run)
  }

  send(from: TestMember, to: TestMember, message: Uint8Array): void {
    this.sent++
    if (this.loses()) return
    this.later(() => {
      if (!this.#neighboursOf(from).includes(to)) return
      to.addressing.receiveControl(message, 0, message.length, from, this.nowMs)
    })
  }

  flood(from: TestMember, frame: Uint8Array): void {
    this.later(() => {
      for (const member of this.#reach(from)) if (member !== from) member.probed(frame, from)
    })
  }

  run(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end; this.nowMs += STEP_MS) {
      const queue = this.#queue
      this.#queue = []
      for (const run of queue) run()
      for (const { addressing } of this.members)
        if (addressing.dueMs(this.nowMs) <= this.nowMs) addressing.tick(this.nowMs)
    }
  }

  /** Addresses that more than one host has. */
  get duplicates(): string[] {
    const seen = new Set<string>()
    const twice: string[] = []
    const all = this.members.flatMap(({ hosts, own }) => [
      ...hosts.filter(({ isOn }) => isOn).map(({ address }) => address),
      ...own.map((cidr) => cidr.split('/')[0]!),
    ])
    for (const address of all) {
      if (address === null) continue
      if (seen.has(address)) twice.push(address)
      seen.add(address)
    }
    return twice
  }
}

export const line = (size: number): (readonly [number, number])[] =>
  Array.from({ length: size - 1 }, (_, i) => [i, i + 1] as const)
