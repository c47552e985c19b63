import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EMBEDDED, ping, type Station, useNetwork, waitUntil } from '../src/index.ts'

const DOMAIN = 'home-garden.waku.internal'

describe('names and addresses in a VLAN of three hosts', () => {
  const fixture = useNetwork(
    { name: 'names', shape: EMBEDDED, programs: ['dig', 'rdisc6', 'sysctl'] },
    // Every host is the same machine, so all of them say one host name.
    (network) => network.vlan('Home & Garden'),
  )

  const serverOf = (subnet4: string) =>
    subnet4.replace(/\d+\/\d+$/, (end) => String(Number.parseInt(end, 10) + 1))
  const dig = async (from: Station, ...args: string[]): Promise<string> => {
    const server = `@${serverOf(fixture().vlan.subnet4)}`
    const options = ['+time=2', '+tries=1', '+short', server, ...args]
    return (await from.host.lab.exec('dig', options, { allowFailure: true })).stdout.trim()
  }
  /** Names of all stations as one of them sees them. */
  const namesAt = (from: Station) =>
    Promise.all(fixture().stations.map((station) => dig(from, '-x', station.address4)))

  it('every host has a name of its own, the same on every switch, though all say the same', async () => {
    const { stations } = fixture()
    const seen = await waitUntil('names of all hosts on all hosts', async () => {
      const names = await Promise.all(stations.map(namesAt))
      return names.every((list) => list.join() === names[0]!.join() && !list.includes('')) && names
    })
    const [names] = seen
    assert.equal(new Set(names).size, stations.length, names!.join())
    const bare = names!.filter((name) => !/-[0-9a-f]{4}\./.test(name))
    assert.equal(bare.length, 1, 'one of them has the bare name')
    for (const name of names!) assert.ok(name.endsWith(`.${DOMAIN}.`), name)
  })

  it('a name leads to both addresses of its host, from every host, and each address back', async () => {
    const { stations } = fixture()
    const names = await namesAt(stations[0]!)
    for (const from of stations) {
      for (const [i, { address4, address6 }] of stations.entries()) {
        assert.equal(await dig(from, names[i]!, 'A'), address4)
        assert.equal(await dig(from, names[i]!, 'AAAA'), address6)
        assert.equal(await dig(from, '-x', address6), names[i])
      }
    }
  })

  it('a host with temporary addresses is reached by them over the VLAN', async () => {
    const [one, two] = fixture().stations as [Station, Station]
    await one.host.lab.exec('sysctl', ['-q', '-w', `net.ipv6.conf.${one.interface}.use_tempaddr=2`])
    // The kernel makes one of the next advertisement.
    await one.host.lab.exec('rdisc6', ['-1', '-w', '4000', one.interface])
    const temporary = await waitUntil('a temporary address', async () => {
      const { stdout } = await one.host.lab.exec('ip', ['-6', '-json', 'addr', 'show', 'dev', one.interface])
      const [link] = JSON.parse(stdout) as { addr_info: { local: string; temporary?: boolean }[] }[]
      return link?.addr_info.find((address) => address.temporary === true)?.local ?? null
    })
    const { received, output } = await ping(two, temporary, { count: 3 })
    assert.equal(received, 3, output)
  })

  it('router advertisements do not cross trunks: a host hears those of its own switch alone', async () => {
    const { network, stations } = fixture()
    const [one, two] = stations as [Station, Station]
    const isAdvertisement = 'icmp6 and ip6[40] == 134'
    const [at, beside] = await Promise.all([
      network.capture(one, isAdvertisement),
      network.capture(two, isAdvertisement),
    ])
    const asked = await one.host.lab.exec('rdisc6', ['-1', '-w', '4000', one.interface])
    assert.match(asked.stdout, /Prefix\s*: fd/)
    assert.ok((await at.stop()).packets > 0)
    // The other switch may advertise to its own host meanwhile, but not to the one that asked.
    const heard = (await beside.stop()).lines.filter((line) => !line.includes('> ff02::1:'))
    assert.deepEqual(heard, [])
  })

  it('every host has the station beside it, and none sees the question of another', async () => {
    const { network, stations } = fixture()
    const [one, two] = stations as [Station, Station]
    const station = serverOf(fixture().vlan.subnet4)
    const capture = await network.capture(two, `host ${station}`)
    await one.host.lab.ip([`neigh flush dev ${one.interface}`])
    for (const from of [one, two]) {
      const { received, output } = await ping(from, station, { count: 2 })
      assert.equal(received, 2, output)
    }
    const lines = (await capture.stop()).lines
    assert.deepEqual(
      lines.filter((line) => line.includes(one.address4)),
      [],
    )
  })
})
