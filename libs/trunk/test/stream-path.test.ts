import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { frameUnit, StreamPath, type StreamPathInit } from '../src/index.ts'

function pathOver(stream: Stream, init: Partial<StreamPathInit> = {}): StreamPath {
  return new StreamPath({
    stream,
    maxRecordBytes: 10_000,
    queueBytes: 100_000,
    onRecord: () => {},
    onMalformed: (error) => assert.fail(String(error)),
    ...init,
  })
}

/** Resolves when `onRecord` has been called `count` times. */
function collector(count: number) {
  const records: Uint8Array[] = []
  const done = Promise.withResolvers<Uint8Array[]>()
  const onRecord = (record: Uint8Array): void => {
    records.push(record.slice())
    if (records.length === count) done.resolve(records)
  }
  return { onRecord, done: done.promise }
}

test('records arrive in order and whole, though their buffer is reused after every send', async () => {
  const [here, there] = await streamPair()
  const { onRecord, done } = collector(200)
  pathOver(there, { onRecord })
  const path = pathOver(here)
  const buffer = new Uint8Array(5_000)
  for (let i = 0; i < 200; i++) {
    buffer.fill(i)
    path.send(buffer.subarray(0, 1 + ((i * 37) % 400)))
  }
  const records = await done
  for (const [i, record] of records.entries()) {
    assert.equal(record.length, 1 + ((i * 37) % 400))
    assert.ok(record.every((byte) => byte === i))
  }
  assert.equal(path.stats.recordsSent, 200)
  assert.equal(path.stats.recordsDropped, 0)
})

test('while the stream takes nothing the queue fills to its bound and drops the oldest', async () => {
  const [here, there] = await streamPair()
  const { onRecord, done } = collector(9)
  pathOver(there, { onRecord })
  const path = pathOver(here, { queueBytes: 10_000 })
  here.writableNeedsDrain = true
  for (let i = 0; i < 50; i++) path.send(new Uint8Array(1_000).fill(i))
  assert.ok(path.stats.queuedBytes <= 10_000)
  assert.equal(path.stats.recordsDropped, 41)
  here.dispatchEvent(new Event('drain'))
  const records = await done
  assert.deepEqual(
    records.map(([first]) => first),
    [41, 42, 43, 44, 45, 46, 47, 48, 49],
  )
})

test('a record over what was agreed is dropped and counted, the next one passes', async () => {
  const [here, there] = await streamPair()
  const { onRecord, done } = collector(1)
  pathOver(there, { onRecord })
  const path = pathOver(here)
  path.send(new Uint8Array(10_001))
  path.send(Uint8Array.of(1))
  assert.deepEqual(await done, [Uint8Array.of(1)])
  assert.equal(path.stats.recordsDropped, 1)
})

test('a peer that announces an oversized record is reported once and not listened to any more', async () => {
  const [here, there] = await streamPair()
  const malformed = Promise.withResolvers<unknown>()
  let records = 0
  pathOver(there, { onRecord: () => records++, onMalformed: malformed.resolve })
  here.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff))
  here.send(frameUnit(Uint8Array.of(1)))
  assert.equal(((await malformed.promise) as { code?: string }).code, 'ERR_DECODE')
  assert.equal(records, 0)
})

test('after close nothing is sent and nothing waits', async () => {
  const [here] = await streamPair()
  const path = pathOver(here)
  path.close()
  path.send(Uint8Array.of(1))
  assert.deepEqual([path.stats.recordsSent, path.stats.queuedBytes], [0, 0])
})
