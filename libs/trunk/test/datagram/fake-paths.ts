import { FakeClock, seededBytes, seededRandom } from '@wakunet/testing'
import { addressText, PATH_TICK_MS, PathFinder, type PathFinderInit, packAddress } from '../../src/index.ts'

export const packed = (text: string): Uint8Array => {
  const [, host, port] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(text)!
  return packAddress({ host: host!, port: Number(port) })!
}

/** A datagram under way. */
export interface FakeDatagram {
  readonly from: string
  readonly to: string
  readonly bytes: number
}

/** A network without a kernel: who may reach whom, how long it takes, how much fits, what is lost. */
export class FakeNetwork {
  readonly clock = new FakeClock()
  readonly random: () => number
  readonly sent: FakeDatagram[] = []
  readonly #hosts = new Map<string, FakeHost>()
  delayMs: (datagram: FakeDatagram) => number = () => 1
  mtu: (datagram: FakeDatagram) => number = () => 1_472
  lost: (datagram: FakeDatagram) => boolean = () => false
  /** The address that the receiver sees: a NAT. */
  translated: (datagram: FakeDatagram) => string = ({ from }) => from

  constructor(seed = 1) {
    this.random = seededRandom(seed)
  }

  host(name: string, addresses: readonly string[], init: Partial<PathFinderInit> = {}): FakeHost {
    const host = new FakeHost(name, this, addresses, init)
    this.plug(host, addresses)
    this.clock.setInterval(() => host.tick(), PATH_TICK_MS)
    return host
  }

  /** Gives a host other addresses than it had. */
  plug(host: FakeHost, addresses: readonly string[]): void {
    for (const [text, owner] of this.#hosts) if (owner === host) this.#hosts.delete(text)
    for (const text of addresses) this.#hosts.set(text, host)
    host.addresses = addresses
  }

  /** @param copy it was recorded or made by somebody else: it is delivered as it is */
  send(datagram: FakeDatagram, deliver: (host: FakeHost, from: string) => void): void {
    this.sent.push(datagram)
    if (datagram.bytes > this.mtu(datagram) || this.lost(datagram)) return
    this.clock.setTimeout(() => {
      const host = this.#hosts.get(datagram.to)
      if (host !== undefined) deliver(host, this.translated(datagram))
    }, this.delayMs(datagram))
  }
}

/** One node with a path finder, that sends records when it is told to. */
export class FakeHost {
  readonly finder: PathFinder
  readonly name: string
  addresses: readonly string[]
  readonly observed = new Set<string>()
  readonly paths: (string | null)[] = []
  datagramBytes = 0
  received = 0
  sentRecords = 0
  largeRecords = 0
  /** Records of this size go out with every tick. */
  recordBytes = 0
  readonly #network: FakeNetwork

  constructor(
    name: string,
    network: FakeNetwork,
    addresses: readonly string[],
    init: Partial<PathFinderInit>,
  ) {
    this.name = name
    this.#network = network
    this.addresses = addresses
    const { clock, random } = network
    this.finder = new PathFinder({
      clock,
      random,
      newToken: () => seededBytes(8, random),
      send: (message, to, bytes) => this.#sendMessage(message, addressText(to), bytes),
      largestDatagram: (isIpv6) => (isIpv6 ? 1_452 : 1_472),
      recordsReceived: () => this.received,
      recordsSent: () => this.sentRecords,
      largeRecordsSent: () => this.largeRecords,
      onPath: (path) => {
        this.paths.push(path === null ? null : addressText(path.packed))
        this.datagramBytes = path?.mtu.bytes ?? 0
      },
      onObserved: (address) => this.observed.add(addressText(address)),
      onRoundTrip: () => {},
      ...init,
    })
  }

  /** Where records go now. */
  get path(): string | null {
    return this.finder.active === null ? null : addressText(this.finder.active.packed)
  }

  knows(...addresses: string[]): void {
    this.finder.setTold(addresses.map(packed))
  }

  tick(): void {
    this.finder.tick()
    if (this.recordBytes > 0 && this.path !== null)
      this.sendRecord(Math.min(this.recordBytes, this.datagramBytes))
  }

  sendRecord(bytes: number): void {
    this.sentRecords++
    if (bytes > 1_200) this.largeRecords++
    const to = this.path!
    this.#network.send({ from: this.#sourceFor(to), to, bytes }, (host, from) => {
      host.finder.seen(packed(from))
      host.received++
    })
  }

  #sendMessage(message: Uint8Array, to: string, bytes: number): void {
    const copy = message.slice()
    const datagram = { from: this.#sourceFor(to), to, bytes: Math.max(bytes, 64) }
    this.#network.send(datagram, (host, from) => host.finder.receive(copy, packed(from)))
  }

  #sourceFor(to: string): string {
    return this.addresses.find((address) => address.startsWith('[') === to.startsWith('[')) ?? 'nowhere'
  }
}

/** Two hosts that know each other's addresses. */
export function twoHosts(network: FakeNetwork, a = ['10.0.0.1:4740'], b = ['10.0.0.2:4740']) {
  const hosts = { a: network.host('a', a), b: network.host('b', b) }
  hosts.a.knows(...b)
  hosts.b.knows(...a)
  return hosts
}
