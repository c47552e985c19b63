/**
 * ```text
 *   h1 (member) ───── h2 (no member) ───── h3 (member)
 * ```
 *
 * No packet of h1 reaches h3: between them is h2's trunk-peer alone.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lab, type LabHost } from '@wakunet/netlab'
import { requireRoot } from '@wakunet/testing'

const PROGRAM = `${import.meta.dirname}/programs/peer.ts`
const VLAN = 'ab'.repeat(16)

requireRoot()

async function startPeer(host: LabHost, bootstrap: string[], vlanId?: string) {
  const config = { listen: ['/ip4/0.0.0.0/tcp/4740'], bootstrap }
  const peer = host.spawn(process.execPath, [PROGRAM, JSON.stringify({ config, vlanId })])
  await peer.waitForOutput(/listening on/, { timeoutMs: 30_000 })
  return peer
}

test('members on two networks have a trunk over the host between, and have it again after a cut', async (t) => {
  const lab = await Lab.create({
    name: 'trunkvl',
    hosts: 3,
    edges: [
      [1, 2],
      [2, 3],
    ],
  })
  t.after(() => lab.stop())
  const middle = (end: number) => `/ip4/${lab.edge(end, 2).endAt(lab.host(2))!.address4}/tcp/4740`
  await startPeer(lab.host(2), [])
  const [one, three] = await Promise.all([
    startPeer(lab.host(1), [middle(1)], VLAN),
    startPeer(lab.host(3), [middle(3)], VLAN),
  ])
  const startedAt = Date.now()
  await Promise.all(
    [one, three].map((peer) =>
      peer.waitForOutput(/members 1 at \d+ by \S+p2p-circuit/, { timeoutMs: 20_000 }),
    ),
  )
  t.diagnostic(`found after ${Date.now() - startedAt} ms`)

  const before = one.output().stdout.length
  const cutAt = Date.now()
  await lab.edge(1, 2).cut()
  const gone = () => /members 0 at (\d+)/.exec(one.output().stdout.slice(before))
  while (gone() === null) {
    assert.ok(Date.now() - cutAt < 10_000, 'the cut was not noticed')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.diagnostic(`noticed after ${Number(gone()![1]) - cutAt} ms`)
  const healedAt = Date.now()
  await lab.edge(1, 2).heal()
  const back = () =>
    /members 0[\s\S]*members 1 at (\d+) by \S+p2p-circuit/.exec(one.output().stdout.slice(before))
  while (back() === null) {
    assert.ok(Date.now() - healedAt < 20_000, one.output().stdout)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.diagnostic(`back after ${Number(back()![1]) - healedAt} ms`)
})
