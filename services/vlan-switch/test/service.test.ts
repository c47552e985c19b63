import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { buildService } from '../src/service.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wakunet-switch-'))
})

afterEach(() => rm(directory, { recursive: true }))

describe('vlan-switch as a process', () => {
  it('is built of all its parts, with the lane and the bus before the switch', async () => {
    const service = await buildService([], {
      WAKUNET_STATE_DIR: join(directory, 'state'),
      WAKUNET_LANE_PATH: join(directory, 'lane.sock'),
      WAKUNET_LOG_LEVEL: 'error',
    })
    assert.deepEqual(
      service.parts.map(({ name }) => name),
      ['state-lock', 'http', 'bus', 'lane', 'vlan-switch'],
    )
    await service.parts[0]!.part.stop()
  })

  it('takes the lane over NATS where it is configured', async () => {
    const service = await buildService([], {
      WAKUNET_STATE_DIR: join(directory, 'state'),
      WAKUNET_LANE_KIND: 'nats',
      WAKUNET_LOG_LEVEL: 'error',
    })
    assert.equal(service.parts.length, 5)
    await service.parts[0]!.part.stop()
  })

  it('tells every fault of its configuration at once, with the place', async () => {
    const config = join(directory, 'switch.yaml')
    await writeFile(config, 'switch:\n  maxVlans: 1000\nlane:\n  kind: pigeon\nwrong: 1\n')
    await assert.rejects(buildService(['--config', config], {}), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_CONFIG_INVALID')
      for (const part of ['switch.maxVlans', 'lane.kind', 'wrong', 'switch.yaml'])
        assert.ok(error.message.includes(part), `${part} in: ${error.message}`)
      return true
    })
  })

  it('refuses arguments that it does not know', async () => {
    await assert.rejects(buildService(['--nope'], {}), { code: 'ERR_USAGE' })
  })

  it('refuses a state directory that another process uses', async () => {
    const env = { WAKUNET_STATE_DIR: join(directory, 'state'), WAKUNET_LOG_LEVEL: 'error' }
    const first = await buildService([], env)
    await assert.rejects(buildService([], env), { code: 'ERR_ALREADY_RUNNING' })
    await first.parts[0]!.part.stop()
  })
})
