import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { editedFields, type VlanRecordFields } from '../src/index.ts'

const fields: VlanRecordFields = {
  name: 'lab',
  description: 'first',
  policy: 'open',
  subnet4: '10.20.0.0/20',
  subnet6: 'fd00::/64',
  mtu: 1400,
  sequence: 4,
  issuedAtMs: 5,
  leaseSeconds: 600,
  dns: ['1.1.1.1'],
  reservations: [
    { mac: '02:00:00:00:00:01', address4: '10.20.0.7' },
    { nodeId: 'a'.repeat(32), address4: '10.20.0.8' },
  ],
  priorities: [{ nodeId: 'a'.repeat(32), priority: 4096 }],
}

describe('editing a record', () => {
  test('changes nothing where nothing is asked', () => {
    assert.deepEqual(editedFields(fields, {}), fields)
  })

  test('replaces what has one value, and leaves the rest', () => {
    const edited = editedFields(fields, { description: 'second', dns: ['9.9.9.9'], tags: { mode: 'carry' } })
    assert.deepEqual(edited, {
      ...fields,
      description: 'second',
      dns: ['9.9.9.9'],
      tags: { mode: 'carry' },
    })
  })

  test('moves, adds and gives up reservations one by one', () => {
    const edited = editedFields(fields, {
      reservations: [
        { mac: '02:00:00:00:00:01', address4: '10.20.0.9' },
        { mac: '02:00:00:00:00:02', address4: '10.20.0.10' },
        { nodeId: 'a'.repeat(32), address4: null },
        { nodeId: 'b'.repeat(32), address4: null },
      ],
    })
    assert.deepEqual(edited.reservations, [
      { mac: '02:00:00:00:00:01', address4: '10.20.0.9' },
      { mac: '02:00:00:00:00:02', address4: '10.20.0.10' },
    ])
  })

  test('leaves no empty list behind', () => {
    const edited = editedFields(fields, { priorities: [{ nodeId: 'a'.repeat(32), priority: null }] })
    assert.equal('priorities' in edited, false)
  })

  test('takes fields back to their defaults first, so that a list can be made anew', () => {
    const edited = editedFields(fields, {
      unset: ['reservations', 'leaseSeconds', 'dns', 'tags'],
      reservations: [{ mac: '02:00:00:00:00:03', address4: '10.20.0.11' }],
    })
    const { dns: _, leaseSeconds: __, ...rest } = fields
    assert.deepEqual(edited, {
      ...rest,
      reservations: [{ mac: '02:00:00:00:00:03', address4: '10.20.0.11' }],
    })
  })
})
