import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { VlanInfo } from '@wakunet/bus'
import {
  createVlanKey,
  formatVlanRef,
  signVlanRecord,
  type VlanRecordFields,
  vlanIdFromPublicKey,
} from '@wakunet/identity'
import { type VlanId, WakunetError } from '@wakunet/interface'
import { FakeClock, recordingLogger } from '@wakunet/testing'
import { Directory, type NamedVlan } from '../src/directory.ts'
import type { VlanStateEntry } from '../src/stored-vlan.ts'

const withCode = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof WakunetError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

function directoryWith({
  joined = false,
  published = [],
  inTable = null,
}: {
  joined?: boolean
  published?: readonly NamedVlan[]
  inTable?: Uint8Array | null
} = {}) {
  const looked: VlanId[] = []
  const newer: VlanInfo[] = []
  const disk: { saved: readonly VlanStateEntry[]; broken: boolean } = { saved: [], broken: false }
  const logger = recordingLogger()
  const clock = new FakeClock()
  let drawn = 0
  const directory = new Directory({
    clock,
    logger,
    random: (bytes) => new Uint8Array(bytes).fill(++drawn),
    askPeers: () => {},
    lookUp: async (id) => {
      looked.push(id)
      return inTable
    },
    publishedRecord: (id) => published.find((vlan) => vlan.id === id)?.encoded ?? null,
    publishedByName: async () => published,
    isJoined: () => joined,
    onNewer: (vlan) => newer.push(vlan),
    save: async (entries) => {
      if (disk.broken) throw new WakunetError('ERR_SYSTEM_CALL', 'the disk is full')
      disk.saved = entries
    },
  })
  return { directory, newer, disk, logger, clock, looked }
}

/** The key that a fresh directory draws first. */
const KEY = createVlanKey(new Uint8Array(32).fill(1)).privateKey

const signed = (vlan: VlanInfo, fields: Partial<VlanRecordFields>): Uint8Array => {
  const { name, description, policy, subnet4, subnet6, mtu } = vlan
  const record = { name, description, policy, subnet4, subnet6, mtu, sequence: 2, issuedAtMs: 0 }
  return signVlanRecord({ ...record, ...fields }, KEY)
}

describe('making a VLAN', () => {
  test('takes an address plan', async () => {
    const { directory, disk } = directoryWith()
    const plan = {
      pool4: { first: '10.9.0.10', last: '10.9.0.99' },
      router4: '10.9.0.254',
      tags: { mode: 'carry' },
    } as const
    const made = await directory.create({ name: 'lab', subnet4: '10.9.0.0/24', ...plan })
    for (const [field, value] of Object.entries(plan)) assert.deepEqual(made[field as 'tags'], value)
    assert.equal(made.sequence, 1)
    const again = directoryWith().directory
    again.load(disk.saved)
    assert.deepEqual(again.list(), [made])
  })

  test('refuses a plan that does not fit its subnet, and stores nothing', async () => {
    const { directory } = directoryWith()
    await assert.rejects(
      directory.create({ name: 'lab', subnet4: '10.9.0.0/24', router4: '10.8.0.1' }),
      withCode('ERR_VLAN_RECORD_INVALID', /router4: 10\.8\.0\.1 is outside the VLAN's subnet/),
    )
    assert.deepEqual(directory.list(), [])
  })
})

describe('editing a VLAN', () => {
  test('signs a record with the next sequence, saves it and tells of it', async () => {
    const { directory, newer, disk } = directoryWith()
    const made = await directory.create({ name: 'lab', subnet4: '10.9.0.0/24', dns: ['1.1.1.1'] })
    const edited = await directory.edit({ vlan: 'lab', description: 'tables', leaseSeconds: 600 })
    assert.deepEqual(
      { ...edited, encoded: '' },
      { ...made, sequence: 2, description: 'tables', leaseSeconds: 600, encoded: '' },
    )
    assert.deepEqual(newer, [edited])
    const unset = await directory.edit({ vlan: made.ref, unset: ['dns', 'leaseSeconds'] })
    assert.deepEqual([unset.sequence, unset.dns, unset.leaseSeconds], [3, undefined, undefined])
    const again = directoryWith().directory
    again.load(disk.saved)
    assert.deepEqual(again.list(), [unset])
  })

  test('makes no record where nothing changes', async () => {
    const { directory, newer } = directoryWith()
    const made = await directory.create({ name: 'lab', leaseSeconds: 600 })
    assert.deepEqual(await directory.edit({ vlan: 'lab', leaseSeconds: 600, unset: ['dns'] }), made)
    assert.deepEqual(newer, [])
  })

  test('is for who holds the key, of a VLAN that is there, within the limits of a record', async () => {
    const { directory, disk } = directoryWith()
    const made = await directory.create({ name: 'lab', subnet4: '10.9.0.0/24' })
    const member = directoryWith().directory
    member.load(disk.saved.map(({ record }) => ({ record, privateKey: null })))
    await assert.rejects(
      member.edit({ vlan: 'lab', leaseSeconds: 600 }),
      withCode('ERR_VLAN_NOT_OWNED', /does not hold the key of VLAN 'lab' \(v.*: edit it on the host/),
    )
    const empty = directoryWith().directory
    await assert.rejects(empty.edit({ vlan: 'lab' }), withCode('ERR_VLAN_NOT_FOUND', /no VLAN named 'lab'/))
    await assert.rejects(
      empty.edit({ vlan: made.ref }),
      withCode('ERR_VLAN_NOT_FOUND', /is not known here, nor is its key/),
    )
    await assert.rejects(
      directory.edit({ vlan: 'lab', pool4: { first: '10.9.0.1', last: '10.9.0.9' } }),
      withCode('ERR_VLAN_RECORD_INVALID', /pool4\.first: 10\.9\.0\.1 is the address of the switches' own/),
    )
    assert.deepEqual(directory.list(), [made])
  })

  test('leaves the record as it was where it cannot be saved', async () => {
    const { directory, newer, disk } = directoryWith()
    const made = await directory.create({ name: 'lab' })
    disk.broken = true
    await assert.rejects(
      directory.edit({ vlan: 'lab', leaseSeconds: 600 }),
      withCode('ERR_SYSTEM_CALL', /disk/),
    )
    assert.deepEqual(directory.list(), [made])
    assert.deepEqual(newer, [])
  })
})

describe('a record from a peer', () => {
  test('takes the place of an older one, and of no other', async () => {
    const { directory, newer } = directoryWith({ joined: true })
    const made = await directory.create({ name: 'lab' })
    const id = made.id as VlanId
    await directory.renew(id, signed(made, { sequence: 4, leaseSeconds: 600 }))
    assert.equal(newer.length, 1)
    assert.deepEqual([newer[0]!.sequence, newer[0]!.leaseSeconds, newer[0]!.owned], [4, 600, true])
    for (const sequence of [1, 3, 4])
      await directory.renew(id, signed(made, { sequence, leaseSeconds: 1_000 }))
    assert.deepEqual(directory.list(), newer)
    assert.equal(directory.recordsRenewed, 1)
    assert.equal(
      (await directory.edit({ vlan: 'lab', leaseSeconds: 700 })).sequence,
      5,
      'the key stays with it',
    )
  })

  test('is refused and counted where it does not hold, or is of another VLAN', async () => {
    const { directory, newer } = directoryWith()
    const made = await directory.create({ name: 'lab' })
    const other = await directory.create({ name: 'other' })
    const good = signed(made, { sequence: 2 })
    const bent = Uint8Array.from(good)
    bent[bent.length - 1]! ^= 1
    await directory.renew(made.id as VlanId, bent)
    await directory.renew(made.id as VlanId, new Uint8Array(70))
    await directory.renew(other.id as VlanId, good)
    assert.equal(directory.recordsRefused, 3)
    await directory.renew('ff'.repeat(16) as VlanId, good)
    assert.equal(directory.recordsRefused, 3, 'of a VLAN that is not stored it is not even looked at')
    assert.deepEqual(newer, [])
  })

  test('never moves a joined VLAN to another subnet, and warns; one that is not joined moves', async () => {
    for (const joined of [true, false]) {
      const { directory, newer, logger } = directoryWith({ joined })
      const made = await directory.create({ name: 'lab', subnet4: '10.9.0.0/24' })
      for (const [i, moved] of [{ subnet4: '10.8.0.0/24' }, { subnet6: 'fd00::/64' }].entries())
        await directory.renew(made.id as VlanId, signed(made, { sequence: 2 + i, ...moved }))
      assert.equal(newer.length, joined ? 0 : 2)
      assert.equal(directory.subnetsRefused, joined ? 2 : 0)
      const warnings = logger.messages('warn')
      assert.equal(warnings.length, joined ? 2 : 0)
    }
  })
})

describe('finding a VLAN', () => {
  const record = (number: number, name: string): NamedVlan => {
    const key = createVlanKey(new Uint8Array(32).fill(number))
    const encoded = signVlanRecord(
      {
        name,
        description: '',
        policy: 'open',
        subnet4: '10.9.0.0/24',
        subnet6: 'fd00:1:2:3::/64',
        mtu: 1400,
        sequence: 1,
        issuedAtMs: 0,
      },
      key.privateKey,
    )
    const id = vlanIdFromPublicKey(key.publicKey)
    return { id, ref: formatVlanRef(id), name, encoded }
  }

  test('looks in the hash table when no peer has answered within a second, and takes no forgery from there', async () => {
    for (const forged of [false, true]) {
      const { id, encoded } = record(40, 'far')
      const answer = Uint8Array.from(encoded)
      if (forged) answer[answer.length - 1]! ^= 1
      const { directory, clock, looked } = directoryWith({ inTable: answer })
      const found = directory.resolve(id, 5_000)
      await clock.advanceAsync(999)
      assert.deepEqual(looked, [], 'peers first')
      const settled = Promise.allSettled([found])
      await clock.advanceAsync(5_000, 1_000)
      const [outcome] = await settled
      assert.deepEqual(looked, [id])
      assert.equal(outcome?.status, forged ? 'rejected' : 'fulfilled')
      assert.equal(directory.recordsRefused, forged ? 1 : 0)
    }
  })

  test('takes a published record at its word only where it holds', async () => {
    const good = record(41, 'club')
    const { directory } = directoryWith({ published: [good] })
    assert.equal((await directory.resolve(good.id)).id, good.id)
    const lying = { ...record(42, 'club'), encoded: good.encoded }
    const other = directoryWith({ published: [lying] })
    const refused = other.directory.resolve('club', 10)
    const settled = Promise.allSettled([refused])
    await other.clock.advanceAsync(100, 10)
    assert.equal((await settled)[0]?.status, 'rejected')
    assert.equal(other.directory.recordsRefused, 1)
  })
})
