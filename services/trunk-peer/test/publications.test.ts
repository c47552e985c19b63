import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Libp2p } from '@libp2p/interface'
import { createVlanKey, decodeVlanRecord, signVlanRecord } from '@wakunet/identity'
import type { VlanId } from '@wakunet/interface'
import { FakeClock, recordingLogger, tempDir } from '@wakunet/testing'
import { Directory } from '../src/directory.ts'
import { NO_DHT } from '../src/discovery/dht.ts'
import type { VlanStateEntry } from '../src/stored-vlan.ts'
import { peerNetwork } from '../src/vlan-directory/peer-network.ts'
import { VlanDirectory } from '../src/vlan-directory/vlan-directory.ts'

const DAY_MS = 86_400_000
const HOST = { handle: async () => {}, getConnections: () => [] } as unknown as Libp2p

/** Stored VLANs and the directory of a node that knows no peers. */
async function ownerWith(
  t: TestContext,
  { path: file = null as string | null, clock = new FakeClock() } = {},
) {
  let drawn = 0
  let saved: readonly VlanStateEntry[] = []
  const stored: Directory = new Directory({
    clock,
    logger: recordingLogger(),
    random: (bytes) => new Uint8Array(bytes).fill(++drawn),
    askPeers: () => {},
    lookUp: async () => null,
    publishedRecord: () => null,
    publishedByName: async () => [],
    isJoined: () => false,
    onNewer: () => {},
    save: async (entries) => {
      saved = entries
    },
  })
  const logger = recordingLogger()
  const directory = new VlanDirectory({
    clock,
    logger,
    path: file,
    stored,
    isJoined: () => false,
    random: () => 0.5,
  })
  await directory.start({ host: HOST, dht: () => NO_DHT, trunks: () => [], trunkOf: () => undefined })
  t.after(() => directory.stop())
  return { clock, stored, directory, logger, saved: () => saved }
}

test('a publication is signed anew in time, and for as long as the node runs', async (t) => {
  const { clock, stored, directory } = await ownerWith(t)
  const made = await stored.create({ name: 'club' })
  await stored.setPublished('club', true)
  await directory.reconcile()
  const id = made.id as VlanId
  assert.equal(directory.store.get(id)?.sequence, 2)
  await clock.advanceAsync(0.9 * DAY_MS, DAY_MS / 50)
  assert.equal(directory.store.get(id)?.sequence, 2, 'not before its time')
  await clock.advanceAsync(6 * DAY_MS, DAY_MS / 50)
  const { sequence, untilMs } = directory.store.get(id)!
  assert.ok(sequence >= 6 && sequence <= 9, `${sequence}`)
  assert.ok(untilMs > clock.wallMs() + 1.9 * DAY_MS)
  assert.equal(stored.sequenceOf(id), sequence)
  assert.equal(directory.publicationsSigned, sequence - 2)
})

test('a publication that has ended while the node was off is taken up again', async (t) => {
  const first = await ownerWith(t)
  const made = await first.stored.create({ name: 'club' })
  await first.stored.setPublished('club', true)
  const clock = new FakeClock({ wallMs: first.clock.wallMs() + 30 * DAY_MS })
  const { stored, directory } = await ownerWith(t, { clock })
  stored.load(first.saved())
  await directory.reconcile()
  await directory.reconcile()
  assert.equal(directory.store.get(made.id as VlanId)?.sequence, 3)
  await stored.edit({ vlan: 'club', description: 'open again' })
})

test('what is not published any more is withdrawn until its publication would have ended, even if a copy of it comes back', async (t) => {
  const { stored, directory, clock } = await ownerWith(t)
  const id = (await stored.create({ name: 'club' })).id as VlanId
  await stored.setPublished('club', true)
  await directory.reconcile()
  const { encoded, untilMs } = directory.store.get(id)!
  await stored.setPublished('club', false)
  await directory.reconcile()
  const withdrawal = directory.store.get(id)!
  assert.deepEqual([withdrawal.vlan, withdrawal.sequence, withdrawal.untilMs], [null, 3, untilMs])
  const source = { peer: 'p', network: 'n' }
  assert.equal(directory.store.offer(encoded, source, clock.wallMs()), 'replayed')
  const fresh = await ownerWith(t, { clock })
  fresh.stored.load([{ record: Buffer.from(stored.recordOf(id)!).toString('base64'), privateKey: KEY }])
  fresh.directory.store.offer(encoded, source, clock.wallMs())
  await fresh.directory.reconcile()
  assert.equal(fresh.directory.store.get(id)?.vlan, null, 'a node without its directory withdraws it again')
})

test('the directory is saved, read again, and begins empty where its file is damaged', async (t) => {
  const folder = await tempDir(t)
  const file = path.join(folder, 'directory.json')
  const { stored, directory, clock } = await ownerWith(t, { path: file })
  await stored.create({ name: 'club' })
  await stored.setPublished('club', true)
  await directory.reconcile()
  await directory.stop()
  const again = await ownerWith(t, { path: file, clock: new FakeClock({ wallMs: clock.wallMs() }) })
  again.clock.advance(100)
  assert.equal(again.directory.store.size, 1)
  await again.directory.stop()
  await writeFile(file, 'bent')
  const damaged = await ownerWith(t, { path: file })
  assert.equal(damaged.directory.store.size, 0)
  assert.equal(damaged.logger.messages('warn').length, 1)
  assert.ok((await readdir(folder)).some((name) => name.startsWith('directory.json.damaged-')))
})

test('a VLAN of others whose record has expired is forgotten at the start, an own one is not', async (t) => {
  const { stored, clock } = await ownerWith(t)
  const key = new Uint8Array(32).fill(9)
  const record = signVlanRecord(
    {
      name: 'short',
      description: '',
      policy: 'open',
      subnet4: '10.9.0.0/24',
      subnet6: 'fd00:1:2:3::/64',
      mtu: 1400,
      sequence: 1,
      issuedAtMs: 0,
      expiresAtMs: clock.wallMs(),
    },
    key,
  )
  const entry = { record: Buffer.from(record).toString('base64'), privateKey: null }
  stored.load([entry])
  assert.deepEqual(stored.list(), [])
  stored.load([{ ...entry, privateKey: Buffer.from(key).toString('base64') }])
  assert.equal(stored.list()[0]?.name, 'short')
  assert.throws(
    () => decodeVlanRecord(record, clock.wallMs()),
    /expired/,
    'the control: it would not have loaded',
  )
})

test('peers share the network of their address', () => {
  for (const [address, network] of [
    ['/ip4/192.0.2.77/tcp/4740', '192.0.2.0/24'],
    ['/ip6/2001:db8:1:2::3/tcp/4740', '2001:db8:1::/48'],
    ['/ip6/fd00::1/udp/4740/quic-v1', 'fd00:0:0::/48'],
    ['/ip6/::1/tcp/1', '0:0:0::/48'],
    ['/ip4/192.0.2.1/tcp/1/p2p/12D3KooWHvzxVnbcq1wgkTnHepkZJPsnKd7tsY7CJC9daEDSkuLy/p2p-circuit', 'relayed'],
  ] as const)
    assert.equal(peerNetwork(address), network)
})

/** Of the first VLAN that a fresh directory makes. */
const KEY = Buffer.from(createVlanKey(new Uint8Array(32).fill(1)).privateKey).toString('base64')
