import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Hello, negotiate } from '../src/index.ts'

const hello = (fields: Partial<Hello> = {}): Hello => ({
  type: 'hello',
  versions: [1],
  agent: 'test',
  role: [],
  bootNonce: new Uint8Array(8),
  capabilities: [],
  maxRecordBytes: 131_072,
  maxVlans: 256,
  heartbeatMs: 1_000,
  wallMs: 0,
  ...fields,
})

test('both sides come to the same agreement', () => {
  const a = hello({ versions: [1, 2, 4], capabilities: ['x', 'y'], maxRecordBytes: 70_000, heartbeatMs: 500 })
  const b = hello({
    versions: [3, 2, 1],
    capabilities: ['y', 'z'],
    maxRecordBytes: 1_000_000,
    heartbeatMs: 2_000,
  })
  assert.deepEqual(negotiate(a, b), negotiate(b, a))
  assert.deepEqual(negotiate(a, b), {
    agreed: { version: 2, maxRecordBytes: 70_000, heartbeatMs: 2_000, capabilities: new Set(['y']) },
  })
})

test('a heartbeat interval from a peer is kept within bounds', () => {
  for (const [theirs, agreed] of [
    [0, 1_000],
    [1, 1_000],
    [10_000_000, 30_000],
  ] as const) {
    const outcome = negotiate(hello(), hello({ heartbeatMs: theirs }))
    assert.equal('agreed' in outcome && outcome.agreed.heartbeatMs, agreed)
  }
})

for (const [what, theirs, code] of [
  ['no common version', { versions: [2, 3] }, 'version'],
  ['a node that is gateway and blockchain node', { role: ['gateway', 'chain'] }, 'role'],
  ['a peer that cannot take a super-frame', { maxRecordBytes: 65_711 }, 'limit'],
] as const) {
  test(`${what} is refused`, () => {
    const outcome = negotiate(hello(), hello(theirs as unknown as Partial<Hello>))
    assert.equal('refused' in outcome && outcome.refused, code)
  })
}

for (const role of ['gateway', 'chain'] as const) {
  test(`a ${role} alone is welcome`, () => {
    assert.ok('agreed' in negotiate(hello(), hello({ role: [role] })))
  })
}
