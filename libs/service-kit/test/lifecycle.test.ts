import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Startable } from '@wakunet/interface'
import { FakeClock, recordingLogger } from '@wakunet/testing'
import { Lifecycle, startAll } from '../src/index.ts'

function setUp(overrides: Record<string, Partial<Startable>> = {}) {
  const events: string[] = []
  const clock = new FakeClock()
  const logger = recordingLogger()
  const part = (name: string) => ({
    name,
    part: {
      start: async () => void events.push(`+${name}`),
      stop: async () => void events.push(`-${name}`),
      ...overrides[name],
    },
  })
  const parts = ['a', 'b', 'c'].map(part)
  return {
    events,
    clock,
    logger,
    parts,
    lifecycle: new Lifecycle({ logger, clock }, { parts, stopTimeoutMs: 1_000 }),
  }
}

test('parts start in order and stop in reverse', async () => {
  const { lifecycle, events } = setUp()
  await lifecycle.start()
  assert.equal(lifecycle.state, 'started')
  await lifecycle.stop()
  assert.deepEqual(events, ['+a', '+b', '+c', '-c', '-b', '-a'])
  assert.equal(lifecycle.state, 'stopped')
})

test('start and stop are idempotent, also while they run, and it can start again', async () => {
  const { lifecycle, events } = setUp()
  await Promise.all([lifecycle.start(), lifecycle.start()])
  await lifecycle.start()
  await Promise.all([lifecycle.stop(), lifecycle.stop()])
  await lifecycle.stop()
  assert.equal(events.length, 6)
  await lifecycle.start()
  assert.deepEqual(events.slice(6), ['+a', '+b', '+c'])
})

test('a start that fails half-way stops what had started and tells the reason', async () => {
  const { lifecycle, events } = setUp({ c: { start: () => Promise.reject(new Error('no tun')) } })
  await assert.rejects(lifecycle.start(), /no tun/)
  assert.deepEqual(events, ['+a', '+b', '-b', '-a'])
  assert.equal(lifecycle.state, 'stopped')
})

test('stop during start aborts it and leaves nothing running', async () => {
  const waits = Promise.withResolvers<void>()
  const { lifecycle, events } = setUp({
    b: {
      start: (signal) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason as Error))
          waits.resolve()
        }),
    },
  })
  const starting = lifecycle.start()
  await waits.promise
  await Promise.all([lifecycle.stop(), assert.rejects(starting, { code: 'ERR_NOT_STARTED' })])
  assert.deepEqual(events, ['+a', '-a'])
})

test('a part that ignores the abort is stopped once it has started', async () => {
  const gate = Promise.withResolvers<void>()
  const waits = Promise.withResolvers<void>()
  const { lifecycle, events } = setUp({
    a: {
      start: () => {
        waits.resolve()
        return gate.promise
      },
    },
  })
  const starting = lifecycle.start()
  await waits.promise
  const stopping = lifecycle.stop()
  gate.resolve()
  await assert.rejects(starting, { code: 'ERR_NOT_STARTED' })
  await stopping
  assert.deepEqual(events, ['-a'])
})

test('stop right after start leaves nothing running', async () => {
  const { lifecycle, events } = setUp()
  const starting = lifecycle.start()
  await Promise.all([lifecycle.stop(), assert.rejects(starting, { code: 'ERR_NOT_STARTED' })])
  assert.deepEqual(events, [])
})

test('the caller’s signal aborts the start', async () => {
  const { lifecycle, events } = setUp()
  await assert.rejects(lifecycle.start(AbortSignal.abort(new Error('given up'))), /given up/)
  assert.deepEqual(events, [])
})

test('a part that fails to stop does not keep the others from stopping', async () => {
  const { lifecycle, events, logger } = setUp({ b: { stop: () => Promise.reject(new Error('stuck')) } })
  await lifecycle.start()
  await lifecycle.stop()
  assert.deepEqual(events.slice(3), ['-c', '-a'])
  assert.deepEqual(logger.messages('error'), ['a part failed to stop'])
})

test('a part that does not stop in time is left behind and logged', async () => {
  const { lifecycle, events, logger, clock } = setUp({ b: { stop: () => new Promise(() => {}) } })
  await lifecycle.start()
  const stopping = lifecycle.stop()
  await clock.advanceAsync(0)
  await clock.advanceAsync(1_000)
  await stopping
  assert.deepEqual(events.slice(3), ['-c', '-a'])
  assert.deepEqual(logger.messages('warn'), ['a part did not stop in time'])
  assert.equal(clock.pendingTimers, 0)
})

test('startAll gives a started life cycle', async () => {
  const { parts, events, logger, clock } = setUp()
  const running = await startAll({ logger, clock }, parts)
  await running.stop()
  assert.equal(events.length, 6)
})
