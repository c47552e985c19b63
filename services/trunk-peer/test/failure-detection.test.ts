import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lab, type LabHost, type LabProcess } from '@wakunet/netlab'
import { requireRoot } from '@wakunet/testing'

const VLAN = 'ab'.repeat(16)
const PROGRAM = `${import.meta.dirname}/programs/peer.ts`
/** A whole outage has to stay under a second, and the tree needs its part. */
const NOTICED_WITHIN_MS = 700
/** A heartbeat of 1 s, for one of the two after it has missed the other's. */
const UNUSED_NOTICED_WITHIN_MS = 2_500
const BACK_WITHIN_MS = 2_500

requireRoot()

interface PeerOptions {
  readonly bootstrap?: string[]
  readonly busyMs?: number
  readonly unused?: boolean
}

async function startPeer(host: LabHost, { bootstrap = [], ...options }: PeerOptions = {}) {
  const config = { listen: [`/ip4/${host.address4}/tcp/4740`], bootstrap }
  const json = JSON.stringify({ config, vlanId: VLAN, ...options })
  const peer = host.spawn(process.execPath, [PROGRAM, json])
  await peer.waitForOutput(/listening on/, { timeoutMs: 30_000 })
  const address = /listening on (\S+)/.exec(peer.output().stdout)![1]!
  return { peer, address }
}

/** A pair of nodes on two hosts of a switch, with a trunk; the second dials the first. */
async function startPair(t: test.TestContext, options: PeerOptions = {}) {
  const lab = await Lab.create({ name: 'trunkfd', hosts: 2 })
  t.after(() => lab.stop())
  const one = await startPeer(lab.host(1), options)
  const two = await startPeer(lab.host(2), { ...options, bootstrap: [one.address] })
  await Promise.all([one, two].map(({ peer }) => peer.waitForOutput(/members 1/, { timeoutMs: 30_000 })))
  return { lab, one: one.peer, two: two.peer }
}

/** When the number of members last became `count`, as Unix milliseconds. Waits for a change after `afterMs`. */
async function changed(peer: LabProcess, count: number, afterMs: number): Promise<number> {
  const all = () =>
    [...peer.output().stdout.matchAll(/members (\d) at (\d+)/g)]
      .map(([, members, at]) => ({ members: Number(members), at: Number(at) }))
      .find(({ members, at }) => members === count && at >= afterMs)
  const deadline = Date.now() + 10_000
  for (;;) {
    const found = all()
    if (found !== undefined) return found.at
    assert.ok(Date.now() < deadline, `no change to ${count} members: ${peer.output().stdout}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('a pulled cable is noticed at both ends in time, and the trunk is back soon after it is plugged in', async (t) => {
  const { lab, one, two } = await startPair(t)
  for (const [round, cutMs] of [100, 1_500].entries()) {
    const cutAt = Date.now()
    await lab.host(1).setLink('down')
    const noticed = (await Promise.all([one, two].map((peer) => changed(peer, 0, cutAt)))).map(
      (at) => at - cutAt,
    )
    t.diagnostic(`noticed after ${noticed.join(' and ')} ms`)
    assert.ok(Math.max(...noticed) < NOTICED_WITHIN_MS, `round ${round}: noticed after ${noticed} ms`)
    await new Promise((resolve) => setTimeout(resolve, cutMs))
    const healedAt = Date.now()
    await lab.host(1).setLink('up')
    const back = Math.max(...(await Promise.all([one, two].map((peer) => changed(peer, 1, healedAt)))))
    t.diagnostic(`back after ${back - healedAt} ms`)
    assert.ok(back - healedAt < BACK_WITHIN_MS, `round ${round}: back after ${back - healedAt} ms`)
  }
})

test('a cut of a trunk that nobody uses is noticed with the next heartbeat', async (t) => {
  const { lab, one, two } = await startPair(t, { unused: true })
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const cutAt = Date.now()
  await lab.host(1).setLink('down')
  const noticed = (await Promise.all([one, two].map((peer) => changed(peer, 0, cutAt)))).map(
    (at) => at - cutAt,
  )
  t.diagnostic(`noticed after ${noticed.join(' and ')} ms`)
  assert.ok(Math.max(...noticed) < UNUSED_NOTICED_WITHIN_MS, `noticed after ${noticed} ms`)
})

test('a quiet trunk costs little, and less where no switch uses it', async (t) => {
  const [used, unused] = await Promise.all(
    [false, true].map(async (unused) => {
      const { lab } = await startPair(t, { unused })
      const sent = async () => {
        const { stdout } = await lab.host(1).exec('cat', ['/proc/net/dev'])
        return Number(stdout.split('eth0:')[1]!.trim().split(/\s+/)[8])
      }
      // What a new trunk has to say, libp2p's identify too, is over by then.
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      const before = await sent()
      await new Promise((resolve) => setTimeout(resolve, 3_000))
      return (((await sent()) - before) * 8) / 3_000
    }),
  )
  t.diagnostic(
    `${used!.toFixed(1)} kbit/s each way where failures are looked for quickly, else ${unused!.toFixed(1)}`,
  )
  assert.ok(used! < 20, `${used}`)
  assert.ok(unused! < 5, `${unused}`)
})

test('a killed peer is noticed at once', async (t) => {
  const { one, two } = await startPair(t)
  const killedAt = Date.now()
  two.kill('SIGKILL')
  assert.ok((await changed(one, 0, killedAt)) - killedAt < 300)
})

test('event loops that are held up for most of every second lose no trunk', async (t) => {
  const { one, two } = await startPair(t, { busyMs: 800 })
  await new Promise((resolve) => setTimeout(resolve, 6_000))
  for (const peer of [one, two]) peer.kill('SIGTERM')
  for (const peer of [one, two]) {
    const [told] = await peer.waitForOutput(/late \d+ lost \d+.*/, { timeoutMs: 20_000 })
    // The first to stop says so to the other; that is no loss.
    assert.match(told, /lost 0/)
  }
})
