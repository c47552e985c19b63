import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
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

interface Pair {
  readonly lab: Lab
  readonly one: LabProcess
  readonly two: LabProcess
}

/** A pair of nodes on two hosts of a switch, with a trunk; the second dials the first. For all claims of a `describe`. */
function usePair(options: PeerOptions = {}): () => Pair {
  let pair: Pair | null = null
  before(async () => {
    pair = await startPair(options)
  })
  after(() => pair?.lab.stop())
  return () => pair!
}

async function startPair(options: PeerOptions): Promise<Pair> {
  const lab = await Lab.create({ name: 'trunkfd', hosts: 2 })
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

/** Bits on the wire from the first host in a quiet time, in kbit/s. */
async function quietCost({ lab }: Pair): Promise<number> {
  const sent = async () => {
    const { stdout } = await lab.host(1).exec('cat', ['/proc/net/dev'])
    return Number(stdout.split('eth0:')[1]!.trim().split(/\s+/)[8])
  }
  // What a new trunk has to say, identify, the exchange of peers and the first questions to the DHT, is over by then.
  await pause(4_000)
  const before = await sent()
  await pause(3_000)
  return (((await sent()) - before) * 8) / 3_000
}

/** Pulls the first host's cable. @returns after how many milliseconds each side had noticed */
async function noticed({ lab, one, two }: Pair): Promise<number[]> {
  const cutAt = Date.now()
  await lab.host(1).setLink('down')
  const times = await Promise.all([one, two].map((peer) => changed(peer, 0, cutAt)))
  return times.map((at) => at - cutAt)
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('a trunk that a switch may use', () => {
  const pair = usePair()

  it('costs little while it is quiet', async (t) => {
    const cost = await quietCost(pair())
    t.diagnostic(`${cost.toFixed(1)} kbit/s each way`)
    assert.ok(cost < 20, `${cost}`)
  })

  it('is known to be cut in time at both ends, and is back soon after the cable', async (t) => {
    const { lab, one, two } = pair()
    for (const [round, cutMs] of [100, 1_500].entries()) {
      const times = await noticed(pair())
      t.diagnostic(`noticed after ${times.join(' and ')} ms`)
      assert.ok(Math.max(...times) < NOTICED_WITHIN_MS, `round ${round}: noticed after ${times} ms`)
      await pause(cutMs)
      const healedAt = Date.now()
      await lab.host(1).setLink('up')
      const back = Math.max(...(await Promise.all([one, two].map((peer) => changed(peer, 1, healedAt)))))
      t.diagnostic(`back after ${back - healedAt} ms`)
      assert.ok(back - healedAt < BACK_WITHIN_MS, `round ${round}: back after ${back - healedAt} ms`)
    }
  })

  it('ends with a process that is killed', async (t) => {
    const { one, two } = pair()
    const killedAt = Date.now()
    two.kill('SIGKILL')
    const after = (await changed(one, 0, killedAt)) - killedAt
    t.diagnostic(`noticed after ${after} ms`)
    assert.ok(after < NOTICED_WITHIN_MS, `noticed after ${after} ms`)
  })
})

describe('a trunk that no switch uses', () => {
  const pair = usePair({ unused: true })

  it('costs less', async (t) => {
    const cost = await quietCost(pair())
    t.diagnostic(`${cost.toFixed(1)} kbit/s each way`)
    assert.ok(cost < 5, `${cost}`)
  })

  it('is known to be cut with the next heartbeat', async (t) => {
    const times = await noticed(pair())
    t.diagnostic(`noticed after ${times.join(' and ')} ms`)
    assert.ok(Math.max(...times) < UNUSED_NOTICED_WITHIN_MS, `noticed after ${times} ms`)
  })
})

describe('a trunk between processes that are held up for most of every second', () => {
  const pair = usePair({ busyMs: 800 })

  it('is not lost', async () => {
    const { one, two } = pair()
    await pause(6_000)
    for (const peer of [one, two]) peer.kill('SIGTERM')
    for (const peer of [one, two]) {
      const [told] = await peer.waitForOutput(/late \d+ lost \d+.*/, { timeoutMs: 20_000 })
      // The first to stop says so to the other; that is no loss.
      assert.match(told, /lost 0/)
    }
  })
})
