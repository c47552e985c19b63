import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { networkIdentity } from '../src/host/network-key.ts'
import { startNode, until } from './node.ts'

async function keyFile(t: TestContext, text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'wk-key-'))
  t.after(() => rm(directory, { recursive: true }))
  const path = join(directory, 'network.key')
  await writeFile(path, text)
  return path
}

const digits = (digit: string) => digit.repeat(64)

test('nodes connect where name and key are the same, and nowhere else', async (t) => {
  const [one, two] = [await keyFile(t, digits('a')), await keyFile(t, `${digits('b')}\n`)]
  const networks = [
    {},
    { network: 'lab' },
    { networkKeyFile: one },
    { network: 'lab', networkKeyFile: one },
    { networkKeyFile: two },
  ]
  for (const [at, theirs] of networks.entries()) {
    const server = await startNode(t, { ...theirs, dht: 'off' })
    for (const [from, ours] of networks.entries()) {
      const client = await startNode(t, { ...ours, dht: 'off', bootstrap: [server.address] })
      const known = await until(
        async () => client.service.book.get(server.peerId)!,
        ({ state, failures }) => state === 'connected' || failures > 0,
      )
      assert.equal(
        known.state === 'connected',
        at === from,
        `${JSON.stringify(ours)} to ${JSON.stringify(theirs)}`,
      )
      await client.stop()
    }
    await server.stop()
  }
})

test('a key may have the form of libp2p, and is told from what is none', async (t) => {
  const plain = await networkIdentity('', await keyFile(t, digits('a')))
  const libp2p = await networkIdentity(
    '',
    await keyFile(t, `/key/swarm/psk/1.0.0/\n/base16/\n${digits('A')}\n`),
  )
  assert.deepEqual(libp2p, plain)
  assert.match(plain.serviceTag, /^_wk-[0-9a-f]{10}\._udp\.local$/)
  assert.deepEqual((await networkIdentity('')).prologue, new Uint8Array(0))
  for (const text of ['', 'secret', digits('a').slice(1), `${digits('a')}0`, 'g'.repeat(64)]) {
    const path = await keyFile(t, text)
    await assert.rejects(networkIdentity('', path), { code: 'ERR_CONFIG_INVALID', message: /64 hexadecimal/ })
  }
  await assert.rejects(networkIdentity('', '/nowhere/key'), {
    code: 'ERR_CONFIG_INVALID',
    message: /cannot read/,
  })
})
