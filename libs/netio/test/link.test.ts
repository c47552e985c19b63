import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordingLogger } from '@wakunet/testing'
import { configureLink, openTap, readAddresses, renameLink } from '../src/index.ts'
import { enterNamespace } from './enter-namespace.ts'
import { freshName, ip, startTap } from './kernel-tap-bench.ts'

enterNamespace(import.meta.filename)

/** In CIDR form, link-local ones left out. */
async function addressesOf(name: string): Promise<string[]> {
  const addresses = await readAddresses(name)
  return addresses
    .map(({ address, prefixLength }) => `${address}/${prefixLength}`)
    .filter((text) => !text.startsWith('fe80:'))
    .sort()
}

test('addresses are set, changed and removed; what stays is not touched', async (t) => {
  const port = await startTap(t, { addresses: ['10.81.0.1/24', 'fd81::1/64'] })
  assert.deepEqual(await addressesOf(port.name), ['10.81.0.1/24', 'fd81::1/64'])
  await port.setAddresses(['10.81.0.1/24', '10.82.0.1/20', 'FD81:0::2/64'])
  assert.deepEqual(await addressesOf(port.name), ['10.81.0.1/24', '10.82.0.1/20', 'fd81::2/64'])
  await port.setAddresses([])
  assert.deepEqual(await addressesOf(port.name), [])
})

test('an address keeps its secondary when the primary of its subnet goes', async (t) => {
  const port = await startTap(t, { addresses: ['10.83.0.1/24', '10.83.0.2/24'] })
  await port.setAddresses(['10.83.0.2/24'])
  assert.deepEqual(await addressesOf(port.name), ['10.83.0.2/24'])
})

test('an address changes its prefix length', async (t) => {
  const port = await startTap(t, { addresses: ['10.84.0.1/24', 'fd84::1/64'] })
  await port.setAddresses(['10.84.0.1/16', 'fd84::1/48'])
  assert.deepEqual(await addressesOf(port.name), ['10.84.0.1/16', 'fd84::1/48'])
})

test('IPv6 addresses are usable at once, the link-local one too, and it stays', async (t) => {
  const port = await startTap(t, { mac: '02:00:00:00:00:01', addresses: ['fd85::1/64'] })
  await port.setAddresses(['fd85::2/64'])
  const [link] = JSON.parse(ip('-json', 'addr', 'show', 'dev', port.name))
  const v6 = link.addr_info.filter(({ family }: { family: string }) => family === 'inet6')
  assert.deepEqual(v6.map(({ local }: { local: string }) => local).sort(), ['fd85::2', 'fe80::ff:fe00:1'])
  assert.ok(v6.every(({ tentative }: { tentative?: boolean }) => !tentative))
})

test('with duplicate address detection asked for, IPv6 addresses begin tentative', async (t) => {
  const port = await startTap(t, { noDad: false, addresses: ['fd86::1/64'] })
  const [link] = JSON.parse(ip('-json', 'addr', 'show', 'dev', port.name, 'scope', 'global'))
  assert.equal(link.addr_info.find(({ family }: { family: string }) => family === 'inet6').tentative, true)
})

test('addresses that somebody else put there stay when none are asked for', async (t) => {
  const name = freshName('wkp')
  ip('tuntap', 'add', 'dev', name, 'mode', 'tap')
  t.after(() => void ip('link', 'del', name))
  ip('addr', 'add', '10.87.0.1/24', 'dev', name)
  const port = await startTap(t, { name })
  assert.deepEqual(await addressesOf(port.name), ['10.87.0.1/24'])
})

test('addresses that the kernel made out of a router advertisement stay, and the temporary ones beside them', async (t) => {
  const port = await startTap(t, { addresses: ['fd91::1/64'] })
  ip('addr', 'add', 'fd91::5/64', 'dev', port.name, 'mngtmpaddr', 'valid_lft', '900', 'preferred_lft', '800')
  await port.setAddresses(['fd91::2/64'])
  const found = await addressesOf(port.name)
  assert.ok(found.includes('fd91::5/64') && found.includes('fd91::2/64') && !found.includes('fd91::1/64'))
})

test('IPv4 has its broadcast address, but not in subnets that have none', async (t) => {
  const port = await startTap(t, { addresses: ['10.88.0.1/24', '10.89.0.1/31', '10.90.0.1/32'] })
  const [link] = JSON.parse(ip('-json', 'addr', 'show', 'dev', port.name, 'scope', 'global'))
  const broadcasts = link.addr_info
    .filter(({ family }: { family: string }) => family === 'inet')
    .map(({ local, broadcast }: { local: string; broadcast?: string }) => [local, broadcast])
  assert.deepEqual(broadcasts, [
    ['10.88.0.1', '10.88.0.255'],
    ['10.89.0.1', undefined],
    ['10.90.0.1', undefined],
  ])
})

test('an interface is renamed and stays up', async (t) => {
  const port = await startTap(t)
  const name = freshName('wkr')
  await renameLink(port.name, name)
  const [link] = JSON.parse(ip('-json', 'link', 'show', 'dev', name))
  assert.ok(link.flags.includes('UP'))
  await assert.rejects(renameLink(name, 'a b'), { code: 'ERR_INTERFACE_NAME_INVALID' })
  await assert.rejects(renameLink(name, 'lo'), { code: 'ERR_SYSTEM_CALL' })
})

test('a MAC that would be a second command is refused', async () => {
  for (const mac of ['02:00:00:00:00:01 down', '02:00:00:00:00:01\nlink del lo', '02-00-00-00-00-01', '']) {
    await assert.rejects(configureLink('lo', { mac }), { code: 'ERR_ADDRESS_INVALID' })
    assert.throws(() => openTap({ name: 'wk', mac }), { code: 'ERR_ADDRESS_INVALID' })
  }
})

test('where IPv6 cannot be had, IPv4 works and the log says what is left out', async (t) => {
  const logger = recordingLogger()
  // The kernel gives no IPv6 configuration to interfaces whose MTU is below 1,280 (RFC 8200 section 5).
  const port = await startTap(t, { logger, mtu: 1000, addresses: ['10.91.0.1/24', 'fd91::1/64'] })
  assert.deepEqual(await addressesOf(port.name), ['10.91.0.1/24'])
  assert.equal(logger.messages('warn').length, 1)
})
