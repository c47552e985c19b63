import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkProperty } from '@wakunet/testing'
import fc from 'fast-check'
import { MAX_MEMBERS, MAX_RETIRED_MEMBERS, MemberTable } from '../src/index.ts'
import { id, memberInit, nonce } from './frames.ts'

function numbered(i: number) {
  const bytes = id(0)
  bytes[14] = i >> 8
  bytes[15] = i
  return { nodeId: Buffer.from(bytes).toString('hex'), id: bytes, bootNonce: nonce(1), mac: null }
}

describe('MemberTable', () => {
  it('finds members by id, also those whose first 48 bits are the same', () => {
    const table = new MemberTable()
    table.replace([numbered(1), numbered(2), numbered(3)])
    for (const i of [1, 2, 3]) assert.equal(table.find(numbered(i).id, 0)?.nodeId, numbered(i).nodeId)
    assert.equal(table.find(numbered(4).id, 0), null)
    assert.deepEqual(
      table.ids,
      [1, 2, 3].map((i) => numbered(i).id),
    )
  })

  it('keeps a member that stays as it is, and its window', () => {
    const table = new MemberTable()
    table.replace([memberInit(1)])
    const member = table.find(id(1), 0)
    member?.window.accept(5)
    const changes = table.replace([memberInit(1), memberInit(2)])
    assert.equal(table.find(id(1), 0), member)
    assert.equal(member?.window.accept(5), 'seen')
    assert.deepEqual(changes.removed, [])
  })

  it('starts a new window for a new boot nonce, and only then', () => {
    const table = new MemberTable()
    table.replace([memberInit(1, null, 1)])
    const member = table.find(id(1), 0)!
    member.window.accept(5)
    table.replace([memberInit(1, 0x0200_0000_0001, 1)])
    assert.equal(member.window.accept(5), 'seen')
    table.replace([memberInit(1, null, 2)])
    assert.equal(member.window.accept(5), 'new')
  })

  it('remembers the window of a member that went away and comes back', () => {
    const table = new MemberTable()
    table.replace([memberInit(1)])
    table.find(id(1), 0)?.window.accept(5)
    assert.deepEqual(
      table.replace([]).removed.map((member) => member.nodeId),
      [memberInit(1).nodeId],
    )
    assert.equal(table.find(id(1), 0), null)
    table.replace([memberInit(1)])
    assert.equal(table.find(id(1), 0)?.window.accept(5), 'seen')
  })

  it('holds no more members than its limit and counts the rest', () => {
    const table = new MemberTable()
    const many = Array.from({ length: MAX_MEMBERS + 3 }, (_, i) => numbered(i))
    assert.equal(table.replace(many).refused, 3)
    assert.equal(table.size, MAX_MEMBERS)
    table.replace([])
    assert.equal(table.retired, MAX_RETIRED_MEMBERS)
  })

  it('takes the first of two entries with one id', () => {
    const table = new MemberTable()
    table.replace([memberInit(1, 0x0200_0000_0001), memberInit(1, 0x0200_0000_0002)])
    assert.equal(table.size, 1)
    assert.equal(table.find(id(1), 0)?.mac, 0x0200_0000_0001)
  })

  it('takes over changes as if the whole set had been said anew', () =>
    checkProperty(
      fc.property(
        fc.array(fc.array(fc.tuple(fc.nat(9), fc.nat(2)), { maxLength: 6 }), { maxLength: 20 }),
        (rounds) => {
          const [whole, changes] = [new MemberTable(), new MemberTable()]
          const said = new Map<number, number>()
          for (const steps of rounds) {
            const before = new Set(said.keys())
            for (const [i, boot] of steps)
              if (boot === 0) said.delete(i)
              else said.set(i, boot)
            const inits = [...said].map(([i, boot]) => ({ ...numbered(i), bootNonce: nonce(boot) }))
            const gone = [...before].filter((i) => !said.has(i)).map((i) => numbered(i).id)
            whole.replace(inits)
            changes.change(inits, gone)
            const shown = (table: MemberTable) =>
              table.all.map(({ nodeId, bootNonce }) => `${nodeId} ${bootNonce.join()}`).sort()
            assert.deepEqual(shown(changes), shown(whole))
            for (let i = 0; i < 10; i++)
              assert.equal(changes.find(numbered(i).id, 0)?.nodeId, whole.find(numbered(i).id, 0)?.nodeId)
            assert.equal(changes.size, said.size)
          }
        },
      ),
      { runs: 100 },
    ))
})
