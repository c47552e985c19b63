import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { joinBridge, leaveBridge, openTap, readAddresses, readBridge } from '../src/index.ts'
import { enterNamespace } from './enter-namespace.ts'
import { freshName, ip, readFrames, startTap } from './kernel-tap-bench.ts'
import { batchOf, isTestFrame, testFrame } from './tap-port-compliance.ts'

enterNamespace(import.meta.filename)

function addBridge(t: TestContext, ...options: string[]): string {
  const name = freshName('wkb')
  ip('link', 'add', name, 'type', 'bridge', ...options)
  t.after(() => void ip('link', 'del', name))
  ip('link', 'set', 'dev', name, 'up')
  return name
}

test('a bridge is read as it is', async (t) => {
  const name = addBridge(
    t,
    'stp_state',
    '1',
    'priority',
    '4096',
    'ageing_time',
    '20000',
    'forward_delay',
    '400',
  )
  const { mac, ...info } = await readBridge(name)
  assert.match(mac, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
  assert.deepEqual(info, {
    name,
    mtu: 1500,
    isUp: true,
    stp: 'kernel',
    priority: 4096,
    ageingMs: 200_000,
    forwardDelayMs: 4_000,
    ports: [],
  })
  assert.equal((await readBridge(addBridge(t))).stp, 'off')
})

test('who names no bridge is told which there are, or how to make one', async (t) => {
  await assert.rejects(readBridge('br77'), {
    code: 'ERR_BRIDGE_MISSING',
    message: /no bridge br77.*'ip link add br77 type bridge'/,
  })
  const name = addBridge(t)
  await assert.rejects(readBridge('br77'), {
    code: 'ERR_BRIDGE_MISSING',
    message: new RegExp(`Bridges here: ${name}`),
  })
  await assert.rejects(readBridge('lo'), {
    code: 'ERR_BRIDGE_MISSING',
    message: /lo is a network interface, not a bridge/,
  })
  await assert.rejects(readBridge('a b'), { code: 'ERR_INTERFACE_NAME_INVALID' })
  const port = openTap({ name: freshName('wkt'), bridge: 'br77' })
  t.after(() => port.stop())
  await assert.rejects(port.start(), { code: 'ERR_BRIDGE_MISSING' })
  assert.throws(() => ip('link', 'show', 'dev', port.name), 'the TAP is gone again')
})

test('a TAP is a port of a bridge: no addresses, frames pass, and it leaves with its end', async (t) => {
  const bridge = addBridge(t, 'stp_state', '0', 'mcast_snooping', '0')
  const outside = await startTap(t, { offloads: false })
  await joinBridge(outside.name, bridge)
  const port = await startTap(t, { bridge, mac: 'fe:00:00:00:00:01', mtu: 1400 })
  assert.deepEqual((await readBridge(bridge)).ports.toSorted(), [outside.name, port.name].sort())
  assert.deepEqual(await readAddresses(port.name), [], 'no link-local address either')
  const out = readFrames(outside, 1, isTestFrame)
  const into = readFrames(port, 1, isTestFrame)
  port.write(batchOf([testFrame(1)]))
  outside.write(batchOf([testFrame(2)]))
  assert.deepEqual((await out)[0], testFrame(1))
  assert.deepEqual((await into)[0], testFrame(2))
  await port.stop()
  assert.deepEqual((await readBridge(bridge)).ports, [outside.name])
})

test('the port of a bridge with a spanning tree says how long that takes', async (t) => {
  const port = await startTap(t, { bridge: addBridge(t, 'stp_state', '1', 'forward_delay', '400') })
  assert.equal(port.bridgeDelayMs, 8_000)
  assert.equal((await startTap(t, { bridge: addBridge(t) })).bridgeDelayMs, 0)
  assert.equal((await startTap(t)).bridgeDelayMs, 0)
})

test('a TAP whose bridge was removed, or that was taken out of it, fails', async (t) => {
  const bridge = addBridge(t)
  const ends = [(name: string) => leaveBridge(name, bridge), () => void ip('link', 'del', bridge)]
  for (const end of ends) {
    const port = openTap({ name: freshName('wkt'), bridge, bridgeCheckMs: 50 })
    const failed = Promise.withResolvers<Error>()
    port.onError = failed.resolve
    await port.start()
    await end(port.name)
    assert.match((await failed.promise).message, /is no longer a port of the bridge/)
    assert.throws(() => ip('link', 'show', 'dev', port.name))
  }
  ip('link', 'add', bridge, 'type', 'bridge')
})

test('a bridge keeps its MTU when a VLAN with a smaller one comes', async (t) => {
  const bridge = addBridge(t)
  const port = await startTap(t, { bridge, mtu: 1400 })
  assert.equal((await readBridge(bridge)).mtu, 1500)
  await joinBridge(port.name, bridge)
  assert.deepEqual((await readBridge(bridge)).ports, [port.name], 'a second time changes nothing')
})

test('addresses for the port of a bridge are refused', async (t) => {
  const bridge = addBridge(t)
  assert.throws(() => openTap({ name: 'wkx', bridge, addresses: ['10.1.0.1/24'] }), {
    code: 'ERR_ADDRESS_INVALID',
  })
  const port = await startTap(t, { bridge })
  await assert.rejects(port.setAddresses(['10.1.0.1/24']), { code: 'ERR_ADDRESS_INVALID' })
  await port.setAddresses([])
})

test('a TAP is taken out of its bridge, and of no other', async (t) => {
  const [one, other] = [addBridge(t), addBridge(t)]
  const port = await startTap(t, { bridge: one })
  await leaveBridge(port.name, other)
  assert.deepEqual((await readBridge(one)).ports, [port.name])
  await leaveBridge(port.name, one)
  await leaveBridge(port.name, one)
  assert.deepEqual((await readBridge(one)).ports, [])
})

test('a carrier that flaps is seen by who watches it, and the addresses stay', async (t) => {
  const port = await startTap(t, { addresses: ['10.92.0.1/24', 'fd92::1/64'] })
  const monitor = spawn('ip', ['monitor', 'link', 'dev', port.name], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => monitor.kill())
  await once(monitor, 'spawn')
  const events: string[] = []
  const lines = createInterface({ input: monitor.stdout })
  const back = Promise.withResolvers<void>()
  lines.on('line', (line) => {
    const state = /state (\w+)/.exec(line)?.[1]
    if (state === undefined) return
    if (events.at(-1) !== state) events.push(state)
    if (events.includes('DOWN') && state === 'UP') back.resolve()
  })
  // The monitor has subscribed as soon as it shows anything; what happened before that it does not show.
  const subscribed = once(lines, 'line').then(() => true)
  for (let i = 0; ; i++) {
    ip('link', 'set', 'dev', port.name, 'alias', `watched ${i}`)
    if (await Promise.race([subscribed, pause(100, false)])) break
  }
  const before = await readAddresses(port.name)
  await Promise.all([port.flapCarrier(), port.flapCarrier()])
  await back.promise
  assert.deepEqual(events.filter((state) => state === 'DOWN').length, 1)
  assert.deepEqual(await readAddresses(port.name), before)
  assert.ok(before.length >= 2)
  await port.stop()
  await assert.rejects(port.flapCarrier(), { code: 'ERR_NOT_STARTED' })
})
