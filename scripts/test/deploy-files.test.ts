import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { requirePrograms } from '@wakunet/testing'
import { NATS_CONFIG, renderNatsConfig } from '../deploy-files.ts'

const PASSWORDS = { WAKUNET_NATS_TRUNK_PEER: 'a1', WAKUNET_NATS_VLAN_SWITCH: 'b2', WAKUNET_NATS_CLI: 'c3' }

const check = (env: NodeJS.ProcessEnv) =>
  spawnSync('nats-server', ['-t', '-c', NATS_CONFIG], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  })

test('the NATS configuration is what the contract says', () => {
  assert.equal(readFileSync(NATS_CONFIG, 'utf8'), renderNatsConfig(), "run 'node scripts/deploy-files.ts'")
})

test('nats-server takes it, and not without the passwords', () => {
  requirePrograms(['nats-server'])
  const good = check(PASSWORDS)
  assert.equal(good.status, 0, good.stderr)
  assert.notEqual(check({}).status, 0)
})
