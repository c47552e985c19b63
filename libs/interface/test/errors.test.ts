import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERROR_CODES, WakunetError } from '../src/index.ts'

test('an error carries its code and its cause', () => {
  const cause = new Error('inner')
  const error = new WakunetError('ERR_PORT_TAKEN', 'port 4001 is in use', { cause })
  assert.ok(error instanceof Error)
  assert.equal(error.code, 'ERR_PORT_TAKEN')
  assert.equal(error.name, 'WakunetError')
  assert.equal(error.cause, cause)
})

test('every code has the same form', () => {
  for (const code of ERROR_CODES) assert.match(code, /^ERR_[A-Z]+(_[A-Z]+)*$/)
})
