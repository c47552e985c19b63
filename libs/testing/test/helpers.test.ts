import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  checkProperty,
  freePort,
  recordingLogger,
  requirePrograms,
  seededBytes,
  seededRandom,
  tempDir,
  testSeed,
  withSeed,
} from '../src/index.ts'

test('the same seed gives the same numbers, another seed others', () => {
  const take = (seed: number) => Array.from({ length: 8 }, seededRandom(seed))
  assert.deepEqual(take(7), take(7))
  assert.notDeepEqual(take(7), take(8))
  assert.ok(take(9).every((n) => n >= 0 && n < 1))
  assert.equal(seededBytes(33, seededRandom(1)).length, 33)
})

test('a failing property names the seed that replays it', async () => {
  const property = fc.property(fc.integer(), (n) => n < 10)
  await assert.rejects(checkProperty(property), new RegExp(`TEST_SEED=${testSeed}`))
  await assert.rejects(
    withSeed(() => assert.fail('no')),
    new RegExp(`TEST_SEED=${testSeed}`),
  )
})

test('a missing program is an error that says how to install it', () => {
  requirePrograms(['sh'])
  assert.throws(() => requirePrograms(['no-such-program-here']), /apt-get install no-such-program-here/)
})

test('a recording logger keeps the lines of its children with their names', () => {
  const logger = recordingLogger('wakunet:a')
  logger.child('b').warn('careful', { n: 1 })
  assert.deepEqual(logger.records, [
    { level: 'warn', name: 'wakunet:a:b', message: 'careful', fields: { n: 1 } },
  ])
  assert.deepEqual(logger.messages('warn'), ['careful'])
})

test('a temporary folder goes away after the test', async (t) => {
  let path = ''
  await t.test('inner', async (inner) => {
    path = await tempDir(inner)
    assert.ok(existsSync(path))
  })
  assert.ok(!existsSync(path))
})

test('a free port is one that can be used', async () => {
  assert.ok((await freePort()) > 0)
  assert.ok((await freePort('udp')) > 0)
})
