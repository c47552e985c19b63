import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkProperty, FakeClock } from '@wakunet/testing'
import fc from 'fast-check'
import { LineSplitter } from '../src/control-line.ts'
import { EventQueue } from '../src/event-queue.ts'
import {
  keepTrying,
  MAX_QUEUED_EVENT_BYTES,
  MAX_QUEUED_EVENTS,
  MAX_REQUEST_TIMEOUT_MS,
} from '../src/index.ts'
import { PendingRequests } from '../src/pending-requests.ts'
import { withCode } from './support.ts'

describe('EventQueue', () => {
  it('takes a bounded number of events and of bytes, and as many again when it was emptied', async () => {
    const queue = new EventQueue()
    let delivered = 0
    const deliver = () => delivered++
    for (let round = 1; round <= 2; round++) {
      for (let i = 0; i < MAX_QUEUED_EVENTS; i++) assert.equal(queue.push(new Uint8Array(1), deliver), true)
      assert.equal(queue.push(new Uint8Array(1), deliver), false)
      await new Promise(setImmediate)
      assert.equal(delivered, round * MAX_QUEUED_EVENTS)
    }
    assert.equal(queue.push(new Uint8Array(MAX_QUEUED_EVENT_BYTES), deliver), true)
    assert.equal(queue.push(new Uint8Array(1), deliver), false)
  })

  it('delivers in order, what handlers add too, and nothing after clear', async () => {
    const queue = new EventQueue()
    const order: number[] = []
    const add = (value: number) =>
      queue.push(new Uint8Array(1), () => {
        order.push(value)
        if (value < 3) add(value + 1)
      })
    add(1)
    for (let i = 0; i < 4; i++) await new Promise(setImmediate)
    assert.deepEqual(order, [1, 2, 3])
    add(9)
    queue.clear()
    await new Promise(setImmediate)
    assert.deepEqual(order, [1, 2, 3])
  })
})

describe('PendingRequests', () => {
  it('ends at the timeout that was asked for, at 5 s where none was, at 300 s where it was more', async () => {
    for (const [timeoutMs, effectiveMs] of [
      [20, 20],
      [undefined, 5_000],
      [1e9, MAX_REQUEST_TIMEOUT_MS],
    ] as const) {
      const clock = new FakeClock()
      const pending = new PendingRequests(clock)
      let ended = false
      const options = timeoutMs === undefined ? {} : { timeoutMs }
      const run = pending.run('trunk.status', options, () => new Promise(() => {}))
      const outcome = assert.rejects(run, withCode('ERR_BUS_TIMEOUT')).then(() => {
        ended = true
      })
      await clock.advanceAsync(effectiveMs - 1)
      assert.equal(ended, false)
      await clock.advanceAsync(1)
      await outcome
      assert.equal(pending.size, 0)
    }
  })

  it('leaves no timer and tells its work to stop, however it ends', async () => {
    const clock = new FakeClock()
    const pending = new PendingRequests(clock)
    const signals: AbortSignal[] = []
    const work = (answer: Promise<string>) => (options: { signal: AbortSignal }) => {
      signals.push(options.signal)
      return answer
    }
    assert.equal(await pending.run('a', {}, work(Promise.resolve('yes'))), 'yes')
    await assert.rejects(pending.run('a', {}, work(Promise.reject(new Error('no')))), /no/)
    const abort = new AbortController()
    const aborted = pending.run('a', { signal: abort.signal }, work(new Promise(() => {})))
    abort.abort(new Error('changed my mind'))
    await assert.rejects(aborted, /changed my mind/)
    assert.equal(clock.pendingTimers, 0)
    assert.deepEqual(
      signals.map((signal) => signal.aborted),
      [true, true, true],
    )
  })
})

describe('keepTrying', () => {
  it('waits longer after each failure, no longer than 2 s, and begins anew after a good session', async () => {
    const clock = new FakeClock()
    const stop = new AbortController()
    const startsMs: number[] = []
    const loop = keepTrying(clock, stop.signal, async () => {
      startsMs.push(clock.monotonicMs())
      return startsMs.length === 30
    })
    while (startsMs.length < 32) await clock.advanceAsync(10)
    const gapsMs = startsMs.slice(1).map((ms, i) => ms - startsMs[i]!)
    assert.ok(gapsMs.every((gap) => gap <= 2_010))
    assert.ok(gapsMs[0]! <= 110)
    assert.ok(Math.max(...gapsMs) > 400)
    assert.ok(gapsMs[29]! <= 110)
    stop.abort()
    await loop
    assert.equal(clock.pendingTimers, 0)
  })
})

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 20 })
    await checkProperty(
      fc.property(fc.array(line), fc.array(fc.nat(7), { minLength: 1 }), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
        const splitter = new LineSplitter(20)
        const found: string[] = []
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const end = at + 1 + cuts[i % cuts.length]!
          found.push(...splitter.push(bytes.subarray(at, end))!.map(String))
          at = end
        }
        assert.deepEqual(found, lines)
      }),
    )
  })

  it('refuses a line over the limit, whether its end is in sight or not', () => {
    const limit = 10
    assert.equal(new LineSplitter(limit).push(Buffer.from(`${'x'.repeat(11)}\n`)), null)
    const splitter = new LineSplitter(limit)
    assert.deepEqual(splitter.push(Buffer.from('x'.repeat(10))), [])
    assert.equal(splitter.push(Buffer.from('x')), null)
  })
})
