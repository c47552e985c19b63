import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openTap } from '../src/index.ts'
import { enterNamespace } from './enter-namespace.ts'
import { freshName, ip, startTap } from './kernel-tap-bench.ts'

enterNamespace(import.meta.filename)

/** What opening a TAP ends with when the process is started by `wrapper`. */
function openUnder(wrapper: readonly string[]): { code: string; message?: string } {
  const child = [process.execPath, join(import.meta.dirname, 'programs/open-tap.ts')]
  const [program = '', ...args] = [...wrapper, ...child]
  return JSON.parse(execFileSync(program, args, { encoding: 'utf8' }))
}

/** Runs in a mount namespace where the folders are empty; that of `mount` itself comes last. */
function without(...folders: string[]): string[] {
  const mounts = folders.map((folder) => `mount -t tmpfs none ${folder}`)
  return ['unshare', '--mount', 'sh', '-c', `${mounts.join(' && ')} && exec "$@"`, 'sh']
}

const linkNames = (): string[] =>
  (JSON.parse(ip('-json', 'link', 'show')) as { ifname: string }[]).map(({ ifname }) => ifname)

test('the interface has the MAC, MTU, queue and super-frame size that were asked for, and is up', async (t) => {
  const port = await startTap(t, {
    mac: '02:00:00:00:0a:0b',
    mtu: 1380,
    gsoMaxBytes: 50_000,
    txQueueLength: 64,
  })
  assert.equal(port.mac, '02:00:00:00:0a:0b')
  const [link] = JSON.parse(ip('-json', '-details', 'link', 'show', 'dev', port.name))
  assert.equal(link.address, '02:00:00:00:0a:0b')
  assert.deepEqual([link.mtu, link.txqlen, link.gso_max_size], [1380, 64, 50_000])
  assert.ok(link.flags.includes('UP'))
})

test('a persistent TAP is opened, left there by stop, and opened again', async (t) => {
  const name = freshName('wkp')
  ip('tuntap', 'add', 'dev', name, 'mode', 'tap')
  t.after(() => void ip('link', 'del', name))
  for (let i = 0; i < 3; i++) {
    const port = openTap({ name, addresses: ['10.80.0.1/24'] })
    await port.start()
    await port.stop()
    assert.ok(linkNames().includes(name))
  }
})

test('a TAP of our own goes away with stop', async (t) => {
  const port = await startTap(t)
  assert.ok(linkNames().includes(port.name))
  await port.stop()
  assert.ok(!linkNames().includes(port.name))
})

test('a name that something else has is refused, saying what it is', async (t) => {
  const [dummy, tun, multi] = [freshName('wkd'), freshName('wkn'), freshName('wkm')]
  ip('link', 'add', dummy, 'type', 'bridge')
  ip('tuntap', 'add', 'dev', tun, 'mode', 'tun')
  ip('tuntap', 'add', 'dev', multi, 'mode', 'tap', 'multi_queue')
  t.after(() => {
    for (const name of [dummy, tun, multi]) ip('link', 'del', name)
  })
  const ours = await startTap(t)
  for (const [name, saying] of [
    [dummy, /kind 'bridge'/],
    ['lo', /kind 'device'/],
    [tun, /a TUN interface/],
    [multi, /several queues/],
    [ours.name, /another program has/],
  ] as const) {
    await assert.rejects(openTap({ name }).start(), { code: 'ERR_INTERFACE_NAME_TAKEN', message: saying })
  }
})

test('names that Linux or its tools would misread are refused before anything is opened', () => {
  const wrong = ['', 'a'.repeat(16), 'a b', 'a/b', 'wk%d', 'ä', '-x', '.', '..', 'a\n', 'a:b', 'a\0b']
  for (const name of wrong) {
    assert.throws(() => openTap({ name }), { code: 'ERR_INTERFACE_NAME_INVALID' }, JSON.stringify(name))
  }
  openTap({ name: 'a'.repeat(15) })
})

test('addresses that are none are refused before anything is opened', () => {
  assert.throws(() => openTap({ name: 'wk', addresses: ['10.0.0.1'] }), { code: 'ERR_ADDRESS_INVALID' })
})

test('a missing /dev/net/tun is named with the ways to get it', () => {
  const { code, message } = openUnder(without('/dev/net'))
  assert.equal(code, 'ERR_TUN_DEVICE_MISSING')
  assert.match(message ?? '', /modprobe tun/)
})

test('without CAP_NET_ADMIN the missing capability is named', () => {
  const { code, message } = openUnder(['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'])
  assert.equal(code, 'ERR_MISSING_PRIVILEGE')
  assert.match(message ?? '', /CAP_NET_ADMIN/)
})

test('an unprivileged user who may not open the device is told so', () => {
  const { code, message } = openUnder(['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'])
  assert.equal(code, 'ERR_MISSING_PRIVILEGE')
  assert.match(message ?? '', /\/dev\/net\/tun/)
})

test("a host without 'ip' is told what to install, and no interface is left behind", () => {
  const { code, message } = openUnder(without('/usr/sbin', '/usr/bin'))
  assert.equal(code, 'ERR_MISSING_PROGRAM')
  assert.match(message ?? '', /iproute2/)
  assert.ok(!linkNames().includes('wkchild'))
})

test('a setting that the kernel refuses fails the start with its words, and leaves nothing behind', async () => {
  const before = readdirSync('/proc/self/fd').length
  const name = freshName('wkt')
  await assert.rejects(openTap({ name, mtu: 10 }).start(), { code: 'ERR_SYSTEM_CALL', message: /ip -batch/ })
  await assert.rejects(openTap({ name, mac: '01:00:00:00:00:01' }).start(), { code: 'ERR_SYSTEM_CALL' })
  assert.ok(!linkNames().includes(name))
  assert.equal(readdirSync('/proc/self/fd').length, before)
})

test('stopping or aborting in the middle of a start leaves nothing behind', async () => {
  const name = freshName('wkt')
  const port = openTap({ name })
  const starting = assert.rejects(port.start())
  await port.stop()
  await starting
  assert.ok(!linkNames().includes(name))
  const controller = new AbortController()
  const aborted = assert.rejects(port.start(controller.signal), { name: 'AbortError' })
  controller.abort()
  await aborted
  assert.ok(!linkNames().includes(name))
  await port.start()
  await port.stop()
})
