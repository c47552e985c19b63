import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Lab, type LabHost, type SiteInit } from '../src/index.ts'

const PROGRAMS = `${import.meta.dirname}/programs`
const PUBLIC: SiteInit = { nat: 'none', ipv6: true }
/** RFC 4787 §4.1 and §5. */
const ANY = 'endpoint-independent'
const BY_ADDRESS = 'address-dependent'
const BY_PORT = 'address-and-port-dependent'

const BEHIND: readonly { site: SiteInit; mapping: string; filtering: string; keepsPort: boolean }[] = [
  { site: { nat: 'none' }, mapping: ANY, filtering: ANY, keepsPort: true },
  { site: { nat: 'firewall', ipv6: true }, mapping: ANY, filtering: BY_PORT, keepsPort: true },
  { site: { nat: 'full-cone' }, mapping: ANY, filtering: ANY, keepsPort: true },
  { site: { nat: 'address-restricted' }, mapping: ANY, filtering: BY_ADDRESS, keepsPort: true },
  {
    site: { nat: 'port-restricted', forwards: [4740], ipv6: true },
    mapping: ANY,
    filtering: BY_PORT,
    keepsPort: true,
  },
  { site: { nat: 'symmetric' }, mapping: BY_PORT, filtering: BY_PORT, keepsPort: false },
]
const FIREWALL = 4
const FORWARDED = 7
const SYMMETRIC = 8

describe('sites on an internet', () => {
  let lab: Lab
  before(async () => {
    lab = await Lab.create({
      name: 'sites',
      hosts: 2 + BEHIND.length,
      sites: [PUBLIC, PUBLIC, ...BEHIND.map(({ site }) => site)],
    })
    await Promise.all(
      [1, 2].map((number) =>
        lab
          .host(number)
          .spawn(process.execPath, [`${PROGRAMS}/reflector.ts`])
          .waitForOutput(/listening on 5002/, { timeoutMs: 20_000 }),
      ),
    )
  })
  after(() => lab.stop())

  for (const [index, { site, ...expected }] of BEHIND.entries())
    test(`${site.nat} maps and filters as its name says`, async () => {
      const reflectors = [lab.host(1).address4, lab.host(2).address4]
      const host = lab.host(3 + index)
      const { stdout } = await host.exec(process.execPath, [`${PROGRAMS}/nat-probe.ts`, ...reflectors])
      assert.deepEqual(JSON.parse(stdout), expected)
    })

  test('nobody gets in by TCP uninvited, except where a port is forwarded or nothing is between', async () => {
    for (const [index, { site }] of BEHIND.entries()) {
      const host = lab.host(3 + index)
      const outside = lab.routers[2 + index]?.address4 ?? host.address4
      const target = site.nat === 'firewall' ? host.address4 : outside
      const listens = host.spawn('nc', ['-l', '4740'])
      await until(() => listensOn(host, 4740))
      const code = await connects(lab.host(1), target)
      assert.equal(code, site.nat === 'none' || site.forwards !== undefined, site.nat)
      await listens.stop()
    }
  })

  test('IPv6 goes out and comes back, and is let in where nothing is between alone', async () => {
    const [outside, inside] = [lab.host(1), lab.host(FORWARDED)]
    await inside.exec('ping', ['-c', '1', '-W', '2', outside.address6])
    await lab.host(FIREWALL).exec('ping', ['-c', '1', '-W', '2', outside.address6])
    await outside.exec('ping', ['-c', '1', '-W', '2', lab.host(2).address6])
    const into = await outside.exec('ping', ['-c', '1', '-W', '0.5', inside.address6], { allowFailure: true })
    assert.notEqual(into.code, 0)
  })

  test('a router blocks UDP, or all but the web, and lets through again', async () => {
    const host = lab.host(SYMMETRIC)
    const probe = () =>
      host.exec(process.execPath, [`${PROGRAMS}/nat-probe.ts`, lab.host(1).address4, lab.host(2).address4], {
        allowFailure: true,
      })
    const server = lab.host(2).spawn('nc', ['-lk', '4740'])
    await until(() => listensOn(lab.host(2), 4740))
    await lab.block(SYMMETRIC, 'udp')
    assert.notEqual((await probe()).code, 0)
    assert.equal(await connects(host, lab.host(2).address4), true)
    await lab.block(SYMMETRIC, 'all-but-web')
    assert.equal(await connects(host, lab.host(2).address4), false)
    await lab.block(SYMMETRIC, 'nothing')
    assert.equal((await probe()).code, 0)
    await server.stop()
  })

  test('a pulled cable takes the way to the internet, and gives it back', async () => {
    const host = lab.host(3)
    await host.setLink('down')
    await host.setLink('up')
    await host.exec('ping', ['-c', '1', '-W', '3', lab.host(1).address4])
  })
})

test('sites are checked before anything is built', async () => {
  const invalid = { code: 'ERR_USAGE' }
  await assert.rejects(Lab.create({ hosts: 2, sites: [PUBLIC] }), invalid)
  await assert.rejects(Lab.create({ hosts: 1, topology: 'bridge', sites: [PUBLIC] }), invalid)
  await assert.rejects(Lab.create({ hosts: 1, sites: [{ nat: 'none', blocked: 'udp' }] }), invalid)
})

async function connects(from: LabHost, address: string): Promise<boolean> {
  return (await from.exec('nc', ['-z', '-w', '1', address, '4740'], { allowFailure: true })).code === 0
}

async function listensOn(host: LabHost, port: number): Promise<boolean> {
  return (await host.exec('ss', ['-ltn'])).stdout.includes(`:${port} `)
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}
