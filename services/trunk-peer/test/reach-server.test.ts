import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ControlMessage } from '@wakunet/trunk'
import { startNode, until } from './node.ts'

/** Two nodes with a trunk; `ask` sends a request from the first and resolves when the second has dealt with it. */
async function startPair(t: Parameters<typeof startNode>[0]) {
  const b = await startNode(t)
  const a = await startNode(t, { bootstrap: [b.address] })
  const trunk = await until(
    async () => a.service.running.trunks.get(b.nodeId),
    (found) => found !== undefined,
  )
  const { server } = b.service.running.reach
  const sent: ControlMessage[] = []
  const toA = b.service.running.trunks.get(a.nodeId)!
  const send = toA.sendControl.bind(toA)
  toA.sendControl = (message) => {
    if (message.type === 'reach-answer') sent.push(message)
    return send(message)
  }
  let sequence = 0
  const ask = async (addresses: string[]) => {
    const dealtWith = () => server.stats.answered + server.stats.ignored
    const before = dealtWith()
    trunk!.sendControl({ type: 'reach-request', sequence: ++sequence, addresses })
    await until(
      async () => dealtWith(),
      (count) => count > before,
    )
    return sent.at(-1)
  }
  return { a, b, ask, server }
}

test('a peer says as whom it sees us and whether it reaches us there; the trunk is not touched', async (t) => {
  const { a, b, ask, server } = await startPair(t)
  const listens = a.address.replace(`/p2p/${a.peerId}`, '')
  const answer = await ask([listens, '/ip4/127.0.0.1/tcp/1'])
  assert.equal(answer?.type, 'reach-answer')
  if (answer?.type !== 'reach-answer') return
  assert.match(answer.observed, /^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/)
  assert.notEqual(answer.observed, listens)
  assert.deepEqual(answer.reached, [true, false])
  assert.deepEqual({ ...server.stats }, { answered: 1, dialled: 2, reached: 1, ignored: 0 })
  assert.ok(a.service.running.trunks.get(b.nodeId)?.up)
})

test('another node at the address is not us, and hosts other than the one that asks are never dialled', async (t) => {
  const { b, ask, server } = await startPair(t)
  const answer = await ask([
    b.address.replace(`/p2p/${b.peerId}`, ''),
    '/ip4/127.0.0.2/tcp/4740',
    '/dns4/localhost/tcp/4740',
    'nonsense',
  ])
  assert.deepEqual(answer?.type === 'reach-answer' && answer.reached, [false, false, false, false])
  assert.equal(server.stats.dialled, 1)
})

test('requests are bounded in rate', async (t) => {
  const { ask, server } = await startPair(t)
  for (let i = 0; i < 10; i++) await ask([])
  assert.ok(server.stats.answered <= 4)
  assert.ok(server.stats.ignored >= 6)
})
