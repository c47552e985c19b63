import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MAX_LANE_QUEUE_BYTES } from '@wakunet/interface'
import { recordingLogger } from '@wakunet/testing'
import { createLanePair } from '../src/index.ts'
import { attach, laneCompliance, type MakeLane, text } from './lane-compliance.ts'

const make: MakeLane = async () => ({ ...createLanePair(), [Symbol.asyncDispose]: async () => {} })

laneCompliance('createLanePair', make)

describe('createLanePair', () => {
  it('delivers before send returns, and a single part without a copy', async () => {
    await using lane = await attach(make)
    const part = text('the very same')
    let received: Uint8Array | null = null
    lane.connection.onMessage = (message) => {
      received = message
    }
    lane.client.send([part])
    assert.equal(received, part)
  })

  it('keeps the stack flat however often the two sides answer each other', async () => {
    await using lane = await attach(make)
    let rounds = 0
    const ball = text('x')
    lane.connection.onMessage = () => lane.connection.send([ball])
    lane.client.onMessage = () => {
      if (++rounds < 100_000) lane.client.send([ball])
    }
    lane.client.send([ball])
    assert.equal(rounds, 100_000)
  })

  it('bounds the messages that wait for a handler to return; the oldest go first', async () => {
    await using lane = await attach(make)
    const payload = new Uint8Array(64 * 1024)
    const sent = 200
    const seen: number[] = []
    lane.connection.onMessage = (message) => {
      seen.push(message[0]!)
      if (seen.length > 1) return
      for (let i = 1; i < sent; i++) {
        payload[0] = i
        lane.client.send([payload])
      }
      assert.ok(lane.client.stats.queuedBytes <= MAX_LANE_QUEUE_BYTES)
      assert.ok(lane.client.stats.queuedBytes > MAX_LANE_QUEUE_BYTES - 2 * 65_540)
    }
    lane.client.send([new Uint8Array(1)])
    const { stats } = lane.client
    assert.equal(stats.messagesSent + stats.messagesDropped, sent)
    assert.equal(stats.messagesSent, seen.length)
    assert.ok(stats.messagesDropped > 60)
    assert.deepEqual(
      seen.slice(1),
      Array.from({ length: seen.length - 1 }, (_, i) => sent - seen.length + 1 + i),
    )
    assert.equal(stats.queuedBytes, 0)
  })

  it('logs the first failure of a handler, not each', async () => {
    const logger = recordingLogger()
    await using lane = await attach(async () => ({
      ...createLanePair({ logger, name: 'other' }),
      [Symbol.asyncDispose]: async () => {},
    }))
    assert.equal(lane.connection.name, 'other')
    lane.connection.onMessage = () => {
      throw new Error('on purpose')
    }
    for (let i = 0; i < 10; i++) lane.client.send([text('x')])
    assert.equal(lane.connection.stats.messagesInvalid, 10)
    assert.equal(logger.messages('error').length, 1)
  })
})
