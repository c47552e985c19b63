import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Lab, type LabHost } from '@wakunet/netlab'
import { requirePrograms, requireRoot } from '@wakunet/testing'
import { StationProcess, type StationProgramInit, waitUntil } from '../src/index.ts'

/**
 * ```text
 *   kernel, dig, dhclient, ... ─ wk-home (TAP) ─ VlanStation        one network namespace, no trunks
 * ```
 */
const INTERFACE = 'wk-home'
const LAPTOP4 = '10.77.16.9'
const LAPTOP6 = 'fd12:3456:789a:1::9'
const TIME_SERVER = 'fd12:3456:789a:1::123'
const INIT: StationProgramInit = {
  interface: INTERFACE,
  vlanId: '00112233445566778899aabbccddeeff',
  vlanName: 'Home',
  plan: {
    subnet4: '10.77.16.0/20',
    subnet6: 'fd12:3456:789a:1::/64',
    mtu: 1420,
    domain: 'house.example',
    ntp: [TIME_SERVER],
  },
  hosts: { laptop: [LAPTOP4, LAPTOP6], printer: ['10.77.16.10'] },
}
const PREFIX = 'fd12:3456:789a:1:'
const NEW_PLAN = { ...INIT.plan, subnet6: 'fd12:3456:789a:2::/64' }

interface KernelAddress {
  readonly local: string
  readonly temporary?: boolean
  readonly deprecated?: boolean
  readonly tentative?: boolean
  readonly dadfailed?: boolean
  readonly preferred_life_time: number
  readonly valid_life_time: number
}

describe("the switch's own station, against the programs of a Linux host", () => {
  let lab: Lab
  let host: LabHost
  let station: StationProcess
  let directory: string

  before(async () => {
    requireRoot()
    requirePrograms(['ip', 'ping', 'dig', 'dhclient', 'rdisc6', 'getent', 'busybox', 'mount', 'sysctl'])
    directory = await mkdtemp(path.join(tmpdir(), 'wakunet-station-'))
    lab = await Lab.create({ name: 'ownstation', hosts: 1 })
    host = lab.hosts[0]!
    const settings = ['all.accept_dad=1', 'default.accept_dad=1', 'default.use_tempaddr=2']
    await host.exec('sysctl', ['-q', '-w', ...settings.map((setting) => `net.ipv6.conf.${setting}`)])
    station = await StationProcess.start(host, INIT)
    await host.ip([`addr add 10.77.16.5/20 dev ${INTERFACE}`])
  })
  after(async () => {
    await lab?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const run = async (program: string, ...args: string[]): Promise<string> => {
    const { stdout, stderr } = await host.exec(program, args, { allowFailure: true, timeoutMs: 20_000 })
    return `${stdout}${stderr}`
  }
  const addresses6 = async (): Promise<KernelAddress[]> => {
    const shown = JSON.parse(await run('ip', '-6', '-json', 'addr', 'show', 'dev', INTERFACE)) as {
      addr_info: KernelAddress[]
    }[]
    return shown.flatMap((link) => link.addr_info)
  }
  const dig = (...args: string[]) => run('dig', '+time=2', '+tries=1', ...args)
  /** The host's own resolver, asking the station alone. */
  const resolve = async (...args: string[]): Promise<string> => {
    const file = path.join(directory, 'resolv.conf')
    const { address4, domains } = station.facts
    await writeFile(file, `nameserver ${address4}\nsearch ${domains[0]}\noptions timeout:2 attempts:1\n`)
    // The mount is in a namespace of its own, which ends with the program.
    return run('sh', '-c', `mount --bind ${file} /etc/resolv.conf && exec getent ${args.join(' ')}`)
  }

  it('gives the host an address of the prefix and a temporary one, with the lifetimes of the advertisement', async () => {
    const found = await waitUntil('two addresses of the prefix that nobody else has', async () => {
      const all = await addresses6()
      const global = all.filter(({ local }) => local.startsWith(PREFIX))
      return global.length >= 2 && all.every(({ tentative }) => tentative !== true) && global
    })
    const [stable] = found.filter(({ temporary }) => temporary !== true)
    const [temporary] = found.filter((address) => address.temporary === true)
    assert.ok(stable && temporary, JSON.stringify(found))
    assert.match(stable.local, /ff:fe/, 'made of the MAC address')
    assert.doesNotMatch(temporary.local, /ff:fe/)
    for (const { valid_life_time, preferred_life_time } of [stable, temporary]) {
      assert.ok(valid_life_time > 86_000 && valid_life_time <= 86_400, `${valid_life_time}`)
      assert.ok(preferred_life_time > 14_000 && preferred_life_time <= 14_400, `${preferred_life_time}`)
    }
  })

  it('is no way out: the host has a route to the prefix and no default route', async () => {
    const routes = await run('ip', '-6', 'route', 'show', 'dev', INTERFACE)
    assert.match(routes, /^fd12:3456:789a:1::\/64 /m)
    assert.doesNotMatch(routes, /default/)
  })

  it('answers a solicitation of rdisc6 with prefix, MTU, resolver and search domain', async () => {
    const shown = await run('rdisc6', '-1', '-w', '4000', INTERFACE)
    assert.match(shown, /Stateful other conf\.\s*:\s*Yes/)
    assert.match(shown, /Router lifetime\s*:\s*0 /)
    assert.match(shown, /MTU\s*:\s*1420 bytes/)
    assert.match(shown, /Recursive DNS server\s*: fd12:3456:789a:1::53/)
    assert.match(shown, /DNS search list\s*: house\.example/)
    assert.match(shown, new RegExp(`from ${station.facts.linkLocal}`))
  })

  it('answers ping on all three addresses, up to packets as large as the MTU', async () => {
    const { address4, address6, linkLocal } = station.facts
    for (const [address, payloadBytes] of [
      [address4, 1392],
      [address6, 1372],
      [`${linkLocal}%${INTERFACE}`, 56],
    ] as const) {
      const shown = await run('ping', '-c', '2', '-i', '0.2', '-M', 'do', '-s', String(payloadBytes), address)
      assert.match(shown, / 0% packet loss/, shown)
    }
  })

  it('defends its addresses against ARP probes and duplicate address detection', async () => {
    const probe = ['arping', '-D', '-c', '1', '-w', '2', '-I', INTERFACE, station.facts.address4]
    assert.match(await run('busybox', ...probe), /Received 1 response/)
    await host.ip([`addr add ${station.facts.address6}/64 dev ${INTERFACE}`])
    await waitUntil('duplicate address detection to fail', async () =>
      (await addresses6()).some(({ local, dadfailed }) => local === station.facts.address6 && dadfailed),
    )
    await host.ip([`addr del ${station.facts.address6}/64 dev ${INTERFACE}`])
  })

  it('answers dig for names and addresses over IPv4 and IPv6, and nothing for others', async () => {
    const { address4, address6 } = station.facts
    assert.equal(await dig(`@${address4}`, '+short', 'LapTop.House.example', 'A'), `${LAPTOP4}\n`)
    assert.equal(await dig(`@${address6}`, '+short', 'laptop.house.example', 'AAAA'), `${LAPTOP6}\n`)
    assert.equal(await dig(`@${address4}`, '+short', 'printer.home.waku.internal'), '10.77.16.10\n')
    assert.equal(await dig(`@${address4}`, '+short', '-x', LAPTOP4), 'laptop.house.example.\n')
    assert.equal(await dig(`@${address6}`, '+short', '-x', LAPTOP6), 'laptop.house.example.\n')
    const nobody = await dig(`@${address4}`, 'nobody.house.example')
    assert.match(nobody, /status: NXDOMAIN/)
    assert.match(nobody, /house\.example\.\s+10\s+IN\s+SOA\s+switch\.house\.example\./)
    assert.match(
      await dig(`@${address4}`, 'printer.house.example', 'AAAA'),
      /status: NOERROR[\s\S]*ANSWER: 0/,
    )
    assert.match(await dig(`@${address4}`, 'example.org'), /status: REFUSED/)
    assert.match(await dig(`@${address4}`, '-x', '8.8.8.8'), /status: REFUSED/)
  })

  it('refuses a client that comes over TCP at once', async () => {
    const before = performance.now()
    assert.match(
      await dig(`@${station.facts.address4}`, '+tcp', 'laptop.house.example'),
      /connection refused/,
    )
    assert.ok(performance.now() - before < 1_500, 'no timeout')
  })

  it('is enough for the resolver of the C library, by short and long names, and reverse', async () => {
    assert.match(await resolve('ahosts', 'laptop'), new RegExp(`${LAPTOP4}|${LAPTOP6}`))
    assert.match(await resolve('ahostsv4', 'laptop'), new RegExp(LAPTOP4))
    assert.match(await resolve('ahostsv6', 'laptop.home.waku.internal'), new RegExp(LAPTOP6))
    assert.match(await resolve('hosts', LAPTOP4), /laptop\.house\.example/)
    assert.match(await resolve('hosts', LAPTOP6), /laptop\.house\.example/)
    assert.equal(await resolve('hosts', 'nobody'), '')
  })

  it('tells dhclient resolver, domain and time server, and that there are no addresses', async () => {
    const script = path.join(directory, 'dhclient-script')
    await writeFile(script, '#!/bin/sh\nenv | grep ^new_\n', { mode: 0o755 })
    const files = ['-lf', path.join(directory, 'leases'), '-pf', path.join(directory, 'pid')]
    const dhclient = (...args: string[]) =>
      run('timeout', '12', 'dhclient', '-6', ...args, '-1', '-v', '-d', '-sf', script, ...files, INTERFACE)
    const stateless = await dhclient('-S')
    assert.match(stateless, /new_dhcp6_name_servers=fd12:3456:789a:1::53$/m)
    assert.match(stateless, /new_dhcp6_domain_search=house\.example\.$/m)
    assert.match(stateless, /new_dhcp6_sntp_servers=fd12:3456:789a:1::123$/m)
    const solicitor = host.spawn('dhclient', ['-6', '-1', '-v', '-d', '-sf', script, ...files, INTERFACE])
    await solicitor.waitForOutput(/Status code of no addrs, IA_NA discarded/)
    await solicitor.stop()
  })

  it('drops nothing that an honest host sends', async () => {
    const { drops, stats } = await station.counters()
    assert.deepEqual(
      { malformed: drops.malformed, checksum: drops.checksum, fragment: drops.fragment, rate: drops.rate },
      { malformed: 0, checksum: 0, fragment: 0, rate: 0 },
    )
    assert.ok(stats.echo >= 6 && stats.dhcp6 >= 2, JSON.stringify(stats))
    for (const what of ['arp', 'neighbour', 'dns', 'routerAdvertisements', 'unreachable'] as const) {
      assert.ok(stats[what] > 0, what)
    }
  })

  it('moves the host to another prefix when the plan changes, and withdraws it when the port goes', async () => {
    await station.setPlan(NEW_PLAN)
    await waitUntil('the new prefix, and the old one deprecated', async () => {
      const global = await addresses6()
      const old = global.filter(({ local }) => local.startsWith(PREFIX))
      const hasNew = global.some(({ local }) => local.startsWith('fd12:3456:789a:2:'))
      return hasNew && old.length > 0 && old.every(({ deprecated }) => deprecated === true)
    })
    await station.close()
    await waitUntil('all of them to be deprecated', async () => {
      const global = (await addresses6()).filter(({ local }) => local.startsWith('fd'))
      return global.length > 0 && global.every(({ deprecated }) => deprecated === true)
    })
  })
})
