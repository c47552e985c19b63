import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { PortInfo, VlanInfo } from '@wakunet/bus'
import type { LabHost } from '@wakunet/netlab'
import {
  DHCP_CLIENTS,
  DhcpClient,
  type DhcpClientInit,
  type DhcpClientKind,
  dhclientLease,
  EMBEDDED,
  type Host,
  type TestNetwork,
  tellFigures,
  useNetwork,
} from '../src/index.ts'

const STATION = '10.60.0.1'
const ROUTER = '10.60.0.254'
const HOME = [
  ...['--subnet', '10.60.0.0/22', '--pool', '10.60.1.0-10.60.2.255', '--mtu', '1380', '--lease', '2m'],
  ...['--router', ROUTER, '--dns', '10.60.0.253', '--domain', 'home.example', '--ntp', '10.60.0.252'],
]
const IN_POOL = /^10\.60\.[12]\.\d+$/
const BRIDGE = 'br-guests'
const GUESTS = 100

/** A VLAN on three hosts in a line. */
interface Joined {
  readonly vlan: VlanInfo
  readonly ports: readonly [PortInfo, PortInfo, PortInfo]
}

interface Fixture {
  readonly home: Joined
  readonly guests: Joined
  readonly tiny: Joined
  readonly split: Joined
}

async function joinOnAll(
  network: TestNetwork,
  name: string,
  create: string[],
  join: string[],
): Promise<Joined> {
  const vlan = await network.createVlan(name, create)
  const ports: PortInfo[] = []
  for (const host of network.hosts) ports.push(await network.joinPort(host, vlan, join))
  return { vlan, ports: ports as unknown as Joined['ports'] }
}

function twoAddresses(net: string): string[] {
  return ['--subnet', `${net}.0/24`, '--pool', `${net}.10-${net}.11`, '--lease', '2m']
}

async function setUp(network: TestNetwork): Promise<Fixture> {
  for (const [index, { lab }] of network.hosts.entries()) {
    await lab.ip([`link add ${BRIDGE} type bridge`, `link set ${BRIDGE} up`])
    const guest = network.lab.host(network.hosts.length + index + 1)
    await network.lab.connect({ host: lab, interface: 'guest' }, { host: guest, interface: 'lan0' })
    await lab.ip([`link set guest master ${BRIDGE}`])
  }
  return {
    home: await joinOnAll(network, 'home', HOME, ['--address', 'dhcp']),
    guests: await joinOnAll(network, 'guests', HOME, ['--bridge', BRIDGE, '--allow-overlap']),
    tiny: await joinOnAll(network, 'tiny', twoAddresses('10.61.0'), ['--address', 'dhcp']),
    split: await joinOnAll(network, 'split', twoAddresses('10.62.0'), ['--address', 'dhcp']),
  }
}

describe('DHCP clients as they are', () => {
  const fixture = useNetwork(
    {
      name: 'dhcp',
      shape: EMBEDDED,
      nodes: 3,
      bareHosts: 3,
      edges: [
        [1, 2],
        [2, 3],
      ],
      programs: ['dhclient', 'udhcpc', 'dig', 'getent', 'unshare', 'mount'],
    },
    setUp,
  )

  const running = new Set<DhcpClient>()
  const start = (init: DhcpClientInit, leases = ''): DhcpClient => {
    const client = DhcpClient.start(init, leases)
    running.add(client)
    return client
  }
  // Also those of a test that failed.
  afterEach(async () => {
    await Promise.all([...running].map((client) => client.kill()))
    running.clear()
  })
  const startOn = (
    host: Host,
    { interface: name }: PortInfo,
    kind: DhcpClientKind,
    hostname = `${kind}-${host.name}`,
  ) => start({ kind, host: host.lab, interface: name, hostname })
  const resolve = async (host: LabHost, name: string) =>
    (
      await host.exec('dig', ['+short', '+time=1', '+tries=1', `@${STATION}`, name], { allowFailure: true })
    ).stdout.trim()
  const isAnswered = async (host: LabHost, address: string) =>
    (await host.exec('ping', ['-c', '1', '-W', '1', address], { allowFailure: true })).code === 0

  /**
   * udhcpc gives its address up while the kernel may still ask for the server's MAC address, and the release is lost: it is
   * asked for before.
   */
  const release = async (host: Host, client: DhcpClient, server: string) => {
    assert.ok(await isAnswered(host.lab, server))
    client.signal('SIGUSR2')
  }

  for (const kind of DHCP_CLIENTS) {
    it(`${kind} on the TAP gets a lease with every option, is reached by others, and gets the same address again`, async () => {
      const { network, home } = fixture()
      const [host, , far] = network.hosts as [Host, Host, Host]
      const first = startOn(host, home.ports[0], kind)
      const other = startOn(far, home.ports[2], 'udhcpc')
      const address = await first.address()
      const otherAddress = await other.address()
      assert.match(address, IN_POOL)
      assert.match(otherAddress, IN_POOL)
      assert.notEqual(address, otherAddress)
      const options = [ROUTER, STATION, 'home.example', '1380', ...(kind === 'udhcpc' ? [] : ['10.60.0.252'])]
      await network.until(`${options.join(' ')} in what ${kind} has made of its options`, async () => {
        const told = await first.options()
        return options.every((option) => told.includes(option))
      })
      await network.until(
        'each to be reached by the other',
        async () => (await isAnswered(far.lab, address)) && (await isAnswered(host.lab, otherAddress)),
      )
      await network.until(
        'the name of the client',
        async () => (await resolve(far.lab, `${kind}-h1.home.waku.internal`)) === address,
      )
      const { stdout } = await far.lab.exec('dig', ['+short', `@${STATION}`, '-x', address])
      assert.equal(stdout.trim(), `${kind}-h1.home.example.`)
      await first.kill()
      await other.kill()
      const again = startOn(host, home.ports[0], kind)
      assert.equal(await again.address(), address)
    })

    it(`${kind} in a guest behind a bridged TAP gets a lease, and reaches a guest elsewhere`, async () => {
      const { network } = fixture()
      const [guest, , far] = [4, 5, 6].map((number) => network.lab.host(number)) as [
        LabHost,
        LabHost,
        LabHost,
      ]
      const clients = [guest, far].map((host) =>
        start({ kind, host, interface: 'lan0', hostname: `${kind}-${host.name}` }),
      )
      const [mine, other] = (await Promise.all(clients.map((client) => client.address()))) as [string, string]
      assert.match(mine, IN_POOL)
      assert.match(other, IN_POOL)
      assert.notEqual(mine, other)
      await network.until('the guests to reach each other', () => isAnswered(guest, other))
    })
  }

  it('renews when asked to, and after a release the name is gone and the address comes again', async () => {
    const { network, home } = fixture()
    const [host, , far] = network.hosts as [Host, Host, Host]
    const client = startOn(host, home.ports[0], 'udhcpc', 'renewer')
    const address = await client.address()
    const leases = () => client.output().split('lease of').length - 1
    const before = leases()
    client.signal('SIGUSR1')
    await network.until('a renewed lease', async () => leases() > before)
    assert.equal(await client.address(), address)
    const other = startOn(far, home.ports[2], 'udhcpc')
    await other.address()
    await network.until(
      'the name',
      async () => (await resolve(far.lab, 'renewer.home.waku.internal')) === address,
    )
    await release(host, client, STATION)
    await network.until(
      'the name to go',
      async () => (await resolve(far.lab, 'renewer.home.waku.internal')) === '',
    )
    await client.kill()
    const again = startOn(host, home.ports[0], 'udhcpc', 'renewer')
    assert.equal(await again.address(), address)
  })

  it('refuses a client that comes with a lease of another network or of somebody else', async () => {
    const { network, home } = fixture()
    const [host, , far] = network.hosts as [Host, Host, Host]
    const other = startOn(far, home.ports[2], 'udhcpc')
    const taken = await other.address()
    for (const wrong of ['192.0.2.77', taken]) {
      const name = home.ports[0].interface
      const init = { kind: 'dhclient', host: host.lab, interface: name, hostname: 'roamer' } as const
      const client = start(init, dhclientLease(name, wrong, STATION))
      await network.until('a lease of this network', async () => {
        const address = await client.addressNow()
        return address !== null && address !== wrong && IN_POOL.test(address)
      })
      assert.match(client.output(), new RegExp(`DHCPREQUEST for ${wrong}`))
      assert.match(client.output(), /DHCPNAK/)
      await client.kill()
    }
  })

  it('gives different addresses to hosts that start together', async () => {
    const { network, home } = fixture()
    for (let round = 0; round < 3; round++) {
      const clients = network.hosts.map((host, index) =>
        startOn(host, home.ports[index]!, 'udhcpc', `together-${index}`),
      )
      const addresses = await Promise.all(clients.map((client) => client.address()))
      assert.equal(new Set(addresses).size, addresses.length, addresses.join(' '))
      await Promise.all(clients.map((client) => client.kill()))
    }
  })

  it(`leases ${GUESTS} addresses to ${GUESTS} hosts behind one TAP`, async (t) => {
    const guest = fixture().network.lab.host(4)
    const names = Array.from({ length: GUESTS }, (_, index) => `m${index}`)
    await guest.ip(
      names.flatMap((name) => [`link add ${name} link lan0 type macvlan mode bridge`, `link set ${name} up`]),
    )
    const startMs = performance.now()
    const runs = names.map(async (name) => {
      const { stdout, stderr } = await guest.exec(
        'udhcpc',
        ['-f', '-q', '-i', name, '-s', '/bin/true', '-t', '20', '-T', '2', '-A', '1'],
        { timeoutMs: 90_000, allowFailure: true },
      )
      return /lease of (\S+) obtained/.exec(`${stdout}${stderr}`)?.[1] ?? `${stdout}${stderr}`
    })
    const addresses = await Promise.all(runs)
    tellFigures(t, `${GUESTS} leases`, { seconds: Math.round((performance.now() - startMs) / 100) / 10 })
    await guest.ip(names.map((name) => `link del ${name}`))
    assert.deepEqual(
      addresses.filter((address) => !IN_POOL.test(address)),
      [],
    )
    assert.equal(new Set(addresses).size, GUESTS)
  })

  it('ends with different addresses where hosts start together and there are hardly enough', async (t) => {
    const { network, tiny } = fixture()
    const clients = network.hosts
      .slice(0, 2)
      .map((host, index) => startOn(host, tiny.ports[index]!, 'systemd-networkd', `few-${index}`))
    await Promise.all(clients.map((client) => client.address()))
    const startMs = performance.now()
    await network.until('an address for each', async () => {
      const now = await Promise.all(clients.map((client) => client.addressNow()))
      return now.every((address) => address !== null) && new Set(now).size === now.length
    })
    tellFigures(t, 'two clients, two addresses', { msUntilApart: Math.round(performance.now() - startMs) })
    for (const client of clients) client.signal('SIGTERM')
  })

  it('has nothing to give when the pool is used up, and gives what is released', async () => {
    const { network, tiny } = fixture()
    const clients: DhcpClient[] = []
    const addresses: string[] = []
    for (const number of [1, 2]) {
      const client = startOn(network.host(number), tiny.ports[number - 1]!, 'udhcpc', `tiny-${number}`)
      clients.push(client)
      addresses.push(await client.address())
    }
    assert.deepEqual(addresses.toSorted(), ['10.61.0.10', '10.61.0.11'])
    const third = startOn(network.host(3), tiny.ports[2], 'udhcpc', 'tiny-3')
    await pause(5_000)
    assert.equal(await third.addressNow(), null)
    await release(network.host(1), clients[0]!, '10.61.0.1')
    assert.equal(await third.address(30_000), addresses[0])
  })

  it('leaves no two hosts with one address after a partition in which both sides leased', async (t) => {
    const { network, split } = fixture()
    const edge = network.lab.edge(1, 2)
    await edge.cut()
    await network.until('the partition to be noticed', async () =>
      (await network.peers(network.host(1))).every(({ state }) => state !== 'connected'),
    )
    const clients: DhcpClient[] = []
    const before: string[] = []
    for (const [index, host] of network.hosts.entries()) {
      const client = startOn(host, split.ports[index]!, 'systemd-networkd', `split-${index}`)
      clients.push(client)
      before.push(await client.address(60_000))
    }
    assert.equal(new Set(before).size, 2, `two addresses for three hosts: ${before.join(' ')}`)
    await edge.heal()
    const healedMs = performance.now()
    await network.until(
      'no address to be on two hosts',
      async () => {
        const now = (await Promise.all(clients.map((client) => client.addressNow()))).filter(
          (address) => address !== null,
        )
        return new Set(now).size === now.length
      },
      60_000,
    )
    const apartMs = Math.round(performance.now() - healedMs)
    await network.cli(network.host(1), ['vlan', 'edit', split.vlan.ref, '--pool', '10.62.0.10-10.62.0.99'])
    const after = await Promise.all(clients.map((client) => client.address(60_000)))
    tellFigures(t, 'partition of leases', {
      msUntilApart: apartMs,
      msUntilAllHaveOne: Math.round(performance.now() - healedMs),
    })
    assert.equal(new Set(after).size, 3, after.join(' '))
  })
})
