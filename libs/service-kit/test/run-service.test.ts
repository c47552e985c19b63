import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Startable, WakunetError } from '@wakunet/interface'
import { FakeClock, recordingLogger } from '@wakunet/testing'
import { errorText, exitCodeOf, runService } from '../src/index.ts'

class FakeHost extends EventEmitter {
  readonly exits: number[] = []
  stderrText = ''
  readonly stderr = {
    write: (text: string) => {
      this.stderrText += text
    },
  }

  exit(code: number): void {
    this.exits.push(code)
    this.emit('exited')
  }
}

async function setUp(part: Partial<Startable> = {}) {
  const host = new FakeHost()
  const clock = new FakeClock()
  const logger = recordingLogger()
  const whole = { start: async () => {}, stop: async () => {}, ...part }
  const build = () => ({ logger, clock, parts: [{ name: 'part', part: whole }] })
  await runService({ build, host, stopTimeoutMs: 1_000 })
  return { host, clock, logger }
}

test('the first signal stops the service and exits 0', async () => {
  let stopped = false
  const { host, logger } = await setUp({
    stop: async () => {
      stopped = true
    },
  })
  const exited = once(host, 'exited')
  host.emit('SIGTERM', 'SIGTERM')
  await exited
  assert.ok(stopped)
  assert.deepEqual(host.exits, [0])
  assert.deepEqual(logger.messages('info'), ['started', 'stopping', 'stopped'])
  assert.equal(host.listenerCount('SIGTERM'), 0)
})

test('a second signal exits at once', async () => {
  const { host } = await setUp({ stop: () => new Promise(() => {}) })
  host.emit('SIGINT', 'SIGINT')
  host.emit('SIGINT', 'SIGINT')
  assert.deepEqual(host.exits, [130])
})

test('a stop that takes too long ends with exit 1', async () => {
  const { host, clock } = await setUp({ stop: () => new Promise(() => {}) })
  host.emit('SIGTERM', 'SIGTERM')
  clock.advance(1_000)
  assert.equal(host.exits[0], 1)
})

test('an error that nobody caught is logged and ends the process with 1', async () => {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    const { host, logger } = await setUp()
    host.emit(event, new Error('bug'))
    assert.deepEqual(host.exits, [1])
    assert.deepEqual(logger.messages('error'), ['uncaught error, exiting'])
  }
})

test('a fault of input ends with 2 and its message, without a stack', async () => {
  const host = new FakeHost()
  await runService({
    host,
    build: () => {
      throw new WakunetError('ERR_CONFIG_INVALID', 'trunk.listen is wrong')
    },
  })
  assert.deepEqual(host.exits, [2])
  assert.equal(host.stderrText, 'trunk.listen is wrong [ERR_CONFIG_INVALID]\n')
})

test('a start that fails ends with the code of its error', async () => {
  const taken = await setUp({
    start: () => Promise.reject(new WakunetError('ERR_PORT_TAKEN', 'port 1 is in use')),
  })
  assert.deepEqual(taken.host.exits, [2])
  const bug = await setUp({ start: () => Promise.reject(new TypeError('bug')) })
  assert.deepEqual(bug.host.exits, [1])
  assert.match(bug.host.stderrText, /TypeError: bug\n\s+at /)
})

test('exit codes tell faults of input from failures', () => {
  assert.equal(exitCodeOf(new WakunetError('ERR_VLAN_ID_INVALID', 'x')), 2)
  assert.equal(exitCodeOf(new WakunetError('ERR_BUS_TIMEOUT', 'x')), 1)
  assert.equal(exitCodeOf('text'), 1)
  assert.equal(errorText('text'), 'text')
})

const PROGRAM = `
  import { createLogger, runService, systemClock } from '${join(import.meta.dirname, '../src/index.ts')}'
  const part = {
    start: async () => void process.stdout.write('ready\\n'),
    stop: async () => void process.stdout.write('gone\\n'),
  }
  const logger = createLogger({ name: 'wakunet:child' })
  await runService({ build: () => ({ logger, clock: systemClock, parts: [{ name: 'p', part }] }) })
`

test('a real process with nothing else to do lives until SIGTERM and stops cleanly', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    if (output === '') child.kill('SIGTERM')
    output += chunk.toString()
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  assert.deepEqual([code, signal], [0, null])
  assert.equal(output, 'ready\ngone\n')
})
