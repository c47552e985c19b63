import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ReplyOf, VlanInfo } from '@wakunet/bus'
import { DIRECTORY_PROTOCOL } from '@wakunet/directory'
import { createVlanKey, decodeVlanRecord, parseVlanLink, signVlanRecord } from '@wakunet/identity'
import { type VlanId, WakunetError } from '@wakunet/interface'
import { tempDir } from '@wakunet/testing'
import { vlanRecordKey } from '../src/discovery/vlan-keys.ts'
import { startNode, type TestNode, until } from './node.ts'

const ICON = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z" fill="#a00"/></svg>',
).toString('base64')

const withCode = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof WakunetError, String(error))
  assert.equal(error.code, code, error.message)
  assert.match(error.message, message)
  return true
}

/** a - b - c, where a and c have no trunk to each other. */
async function line(t: TestContext): Promise<[TestNode, TestNode, TestNode]> {
  const a = await startNode(t, { dht: 'off' })
  const b = await startNode(t, { dht: 'off', bootstrap: [a.address] })
  const c = await startNode(t, { dht: 'off', bootstrap: [b.address] })
  await until(
    () => b.cliBus.request('trunk.status', {}),
    ({ peersConnected }) => peersConnected === 2,
  )
  return [a, b, c]
}

const create = (node: TestNode, name: string): Promise<VlanInfo> =>
  node.cliBus.request('directory.create', { name })
const publish = (node: TestNode, vlan: string, published = true): Promise<VlanInfo> =>
  node.cliBus.request('directory.publish', { vlan, published })

/** Resolves when a search of what a node has heard of is as wanted. */
const finds = (
  node: TestNode,
  query: string,
  wanted: (found: ReplyOf<'directory.search'>) => boolean,
): Promise<ReplyOf<'directory.search'>> =>
  until(() => node.cliBus.request('directory.search', { query, limit: 64, timeoutMs: 0 }), wanted)

test('what one node publishes another finds over a third that is no member: update and withdrawal as well', async (t) => {
  const [a, , c] = await line(t)
  const made = await a.cliBus.request('directory.create', {
    name: 'chess club',
    description: 'weekly games',
    icon: ICON,
  })
  assert.deepEqual(made.icon, { type: 'svg', width: 8, height: 8, bytes: 97 })
  const published = await publish(a, 'chess club')
  assert.ok((published.publishedUntilMs ?? 0) > Date.now() + 2.9 * 86_400_000)
  const { vlans, listed } = await finds(c, 'GAMES', ({ vlans }) => vlans.length === 1)
  assert.equal(listed, 1)
  const { publishedUntilMs: _, ...found } = vlans[0]!
  assert.deepEqual(found, {
    id: made.id,
    ref: made.ref,
    name: 'chess club',
    description: 'weekly games',
    policy: 'open',
    subnet4: made.subnet4,
    sequence: 2,
    icon: made.icon,
    known: false,
    alike: false,
  })
  const joined = await c.cliBus.request('directory.resolve', { vlan: 'chess club', timeoutMs: 5_000 })
  assert.deepEqual(joined, { ...published, owned: false })
  const { icon } = decodeVlanRecord(Buffer.from(joined.encoded, 'base64'), Date.now())
  assert.equal(Buffer.from(icon!).toString('base64'), ICON)

  await a.cliBus.request('directory.edit', { vlan: made.ref, description: 'daily games' })
  await finds(c, 'daily', ({ vlans }) => vlans[0]?.known === true)
  await until(
    () => c.cliBus.request('directory.resolve', { vlan: made.ref }),
    ({ description }) => description === 'daily games',
  )
  const withdrawn = await publish(a, made.ref, false)
  assert.deepEqual([withdrawn.publishedUntilMs, withdrawn.sequence], [undefined, 4])
  await finds(c, '', ({ listed }) => listed === 0)
  assert.equal(c.service.published.store.outcomes.withdrawn, 1)
})

test('a name that several published VLANs have, or look like, is refused with their ids; the id is not', async (t) => {
  const [a, b, c] = await line(t)
  const one = await create(a, 'office')
  const two = await create(b, 'оffice')
  for (const [node, { ref }] of [
    [a, one],
    [b, two],
  ] as const)
    await publish(node, ref)
  const { vlans } = await finds(c, 'office', ({ vlans }) => vlans.length === 2)
  assert.deepEqual(
    vlans.map(({ alike }) => alike),
    [true, true],
  )
  const resolve = (vlan: string) => c.cliBus.request('directory.resolve', { vlan, timeoutMs: 1_000 })
  await assert.rejects(resolve('office'), withCode('ERR_VLAN_NAME_AMBIGUOUS', new RegExp(one.ref)))
  await assert.rejects(resolve('office'), withCode('ERR_VLAN_NAME_AMBIGUOUS', new RegExp(two.ref)))
  assert.equal((await resolve(one.ref)).id, one.id)
  assert.equal((await resolve('office')).id, one.id, 'what is stored has its name')
  await publish(a, one.ref, false)
  await finds(b, 'office', ({ listed }) => listed === 1)
  await assert.rejects(
    b.cliBus.request('directory.resolve', { vlan: 'office', timeoutMs: 500 }),
    withCode('ERR_VLAN_NOT_FOUND', /looks like it, 'оffice'/),
  )
  await assert.rejects(resolve('nothing like it'), withCode('ERR_VLAN_NOT_FOUND', /vlan browse/))
})

test('publishing is for who holds the key', async (t) => {
  const [a, , c] = await line(t)
  await create(a, 'club')
  await publish(a, 'club')
  await finds(c, 'club', ({ vlans }) => vlans.length === 1)
  await c.cliBus.request('directory.resolve', { vlan: 'club', timeoutMs: 5_000 })
  await assert.rejects(publish(c, 'club'), withCode('ERR_VLAN_NOT_OWNED', /does not hold the key/))
  assert.equal((await publish(a, 'club', false)).sequence, 3)
  assert.equal((await publish(a, 'club', false)).sequence, 3, 'nothing to take back')
})

test('a look at a VLAN that is published stores nothing', async (t) => {
  const [a, , c] = await line(t)
  const made = await create(a, 'club')
  await publish(a, 'club')
  await finds(c, 'club', ({ vlans }) => vlans.length === 1)
  const seen = await c.cliBus.request('directory.resolve', { vlan: 'club', timeoutMs: 0, keep: false })
  assert.equal(seen.id, made.id)
  assert.deepEqual(c.service.directory.list(), [])
})

test('the directory is there again after a restart, and so is a withdrawal', async (t) => {
  const [folderA, folderB] = [await tempDir(t), await tempDir(t)]
  const a = await startNode(t, { dht: 'off' }, folderA)
  const before = await startNode(t, { dht: 'off', bootstrap: [a.address] }, folderB)
  for (const name of ['kept', 'taken back']) {
    await create(a, name)
    await publish(a, name)
  }
  await finds(before, '', ({ listed }) => listed === 2)
  await publish(a, 'taken back', false)
  await finds(before, '', ({ listed }) => listed === 1)
  await a.stop()
  await before.stop()
  const alone = await startNode(t, { dht: 'off' }, folderB)
  const { vlans } = await finds(alone, '', ({ listed }) => listed === 1)
  assert.equal(vlans[0]?.name, 'kept')
  await until(
    async () => alone.service.published.store.size,
    (size) => size === 2,
  )
  const owner = await startNode(t, { dht: 'off' }, folderA)
  await until(
    async () => owner.service.published.store.size,
    (size) => size === 2,
  )
  assert.equal((await finds(owner, '', () => true)).listed, 1)
})

test('a link leads a node that knows nobody to the VLAN', async (t) => {
  const a = await startNode(t, { dht: 'off' })
  const made = await create(a, 'club')
  const { link, vlan } = await a.cliBus.request('directory.link', { vlan: 'club' })
  assert.equal(vlan.id, made.id)
  const { peers, ...rest } = parseVlanLink(link)
  assert.deepEqual(rest, { id: made.id, name: 'club' })
  assert.deepEqual(peers, [{ peerId: a.peerId, addresses: [a.address.replace(/\/p2p\/.*/, '')] }])
  const stranger = await startNode(t, { dht: 'off' })
  await assert.rejects(
    stranger.cliBus.request('directory.resolve', { vlan: made.ref, timeoutMs: 100 }),
    withCode('ERR_VLAN_NOT_FOUND', /no peer/),
  )
  const opened = await stranger.cliBus.request('directory.open', {
    link: link.toUpperCase(),
    timeoutMs: 10_000,
  })
  assert.deepEqual(opened, { ...made, owned: false })
  await assert.rejects(
    stranger.cliBus.request('directory.open', { link: link.slice(0, -1) }),
    withCode('ERR_VLAN_LINK_INVALID', /copy it again/),
  )
  assert.deepEqual((await stranger.cliBus.request('trunk.peers', {})).peers[0]?.sources, ['vlan'])
})

test('known VLANs come in pages that fit a message, each once', async (t) => {
  const a = await startNode(t, { dht: 'off' })
  const reservations = Array.from({ length: 250 }, (_, i) => ({
    nodeId: i.toString(16).padStart(32, '0'),
    address4: `10.9.0.${i + 2}`,
  }))
  for (let i = 0; i < 60; i++)
    await a.cliBus.request('directory.create', { name: `vlan ${i}`, subnet4: '10.9.0.0/24', reservations })
  assert.ok(JSON.stringify(a.service.directory.list()).length > 2 * 1_048_576, 'more than a page holds')
  const ids: string[] = []
  let pages = 0
  for (let after: string | null = ''; after !== null; pages++) {
    const page: ReplyOf<'directory.list'> = await a.cliBus.request(
      'directory.list',
      after === '' ? {} : { after },
    )
    assert.ok(JSON.stringify(page).length < 2 * 1_048_576)
    ids.push(...page.vlans.map(({ id }) => id))
    after = page.next
  }
  assert.ok(pages > 1)
  assert.deepEqual(
    ids,
    a.service.directory
      .list()
      .map(({ id }) => id)
      .toSorted(),
  )
})

test('a peer that sends what is no message loses the stream for a while, not its trunk', async (t) => {
  const a = await startNode(t, { dht: 'off' })
  const b = await startNode(t, { dht: 'off', bootstrap: [a.address] })
  await until(
    async () => a.service.published.exchange.peers,
    (peers) => peers === 1,
  )
  const [connection] = b.service.running.host.getConnections()
  const stream = await connection!.newStream(DIRECTORY_PROTOCOL)
  stream.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1))
  await until(
    async () => a.service.published.peers?.malformed,
    (malformed) => malformed === 1,
  )
  assert.equal(a.service.published.exchange.peers, 0)
  assert.equal([...a.service.running.trunks.up()].length, 1)
  const again = await connection!.newStream(DIRECTORY_PROTOCOL)
  await until(
    async () => again.status,
    (status) => status !== 'open',
  )
  assert.equal(a.service.published.exchange.peers, 0, 'it is left out')
  a.skip(61_000)
  b.skip(61_000)
  await until(
    async () => a.service.published.exchange.peers,
    (peers) => peers === 1,
  )
})

test('1,000 published VLANs come over real streams through a node in between, and are searched there; figures', async (t) => {
  const a = await startNode(t, { dht: 'off' })
  const { store } = a.service.published
  for (let i = 0; i < 1_000; i++) {
    const key = createVlanKey(Uint8Array.from(Buffer.from(i.toString(16).padStart(64, '0'), 'hex')))
    const record = signVlanRecord(
      {
        name: `vlan ${i}`,
        description: `room ${i % 10}`,
        policy: 'open',
        subnet4: '10.9.0.0/24',
        subnet6: 'fd00:1:2:3::/64',
        mtu: 1400,
        sequence: 1,
        issuedAtMs: Date.now(),
        publishedUntilMs: Date.now() + 86_400_000,
      },
      key.privateKey,
    )
    assert.equal(store.offer(record, null, Date.now()), 'added')
  }
  const b = await startNode(t, { dht: 'off', bootstrap: [a.address] })
  const startedMs = performance.now()
  const c = await startNode(t, { dht: 'off', bootstrap: [b.address] })
  await finds(c, '', ({ listed }) => listed === 1_000)
  const syncedMs = performance.now()
  const all = await c.cliBus.request('directory.search', { query: '', limit: 1_024, timeoutMs: 0 })
  assert.equal(all.vlans.length, 1_000)
  assert.ok(all.vlans.every(({ alike }) => !alike))
  const browsedMs = performance.now()
  const { vlans } = await c.cliBus.request('directory.search', {
    query: 'VLAN 777',
    limit: 64,
    timeoutMs: 2_000,
  })
  assert.equal(vlans[0]?.name, 'vlan 777')
  t.diagnostic(
    `1,000 VLANs over two hops of real streams: ${Math.round(syncedMs - startedMs)} ms; all of them as one answer: ` +
      `${Math.round(browsedMs - syncedMs)} ms; a search here and at a peer: ${Math.round(performance.now() - browsedMs)} ms`,
  )
})

test('a published record is kept in the hash table, where it is found by its id', async (t) => {
  const a = await startNode(t, { dht: 'server' })
  const b = await startNode(t, { dht: 'server', bootstrap: [a.address] })
  await until(
    async () => a.service.running.discovery.dht.size,
    (size) => size > 0,
  )
  const made = await create(a, 'club')
  const published = await publish(a, made.ref)
  await until(
    async () => {
      a.service.published.table?.tick()
      return a.service.published.table?.stored
    },
    (stored) => stored === 1,
  )
  const found = await b.service.running.discovery.dht.get(vlanRecordKey(made.id as VlanId), {
    timeoutMs: 5_000,
  })
  assert.equal(Buffer.from(found!).toString('base64'), published.encoded)
})
