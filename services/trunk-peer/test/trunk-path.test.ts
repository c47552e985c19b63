import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeRecordHeader, RECORD_HEADER_BYTES } from '@wakunet/record'
import { FakeClock } from '@wakunet/testing'
import type { DatagramPath, StreamPath } from '@wakunet/trunk'
import { TrunkPath } from '../src/trunk-path.ts'

function record(sealed: boolean): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES + 60_000)
  encodeRecordHeader(bytes, 0, {
    hopLimit: 64,
    frameCount: 1,
    epoch: 0,
    sequence: 1,
    bootNonce: new Uint8Array(8),
    vlanId: new Uint8Array(16).fill(1),
    ingress: new Uint8Array(16).fill(2),
    egress: new Uint8Array(16).fill(3),
    sealed,
  })
  return bytes
}

describe('the two ways of a trunk', () => {
  it('are chosen by record: a sealed one cannot be cut for datagrams and takes the stream', () => {
    const sent = { stream: 0, datagram: 0 }
    const path = new TrunkPath({ clock: new FakeClock(), closeDatagram: () => {} })
    path.attachStream({
      send: () => {
        sent.stream++
        return true
      },
      stats: { queuedBytes: 0 },
      get queuedBytes() {
        return 0
      },
    } as unknown as StreamPath)
    path.attachDatagram({
      usable: true,
      sendRecord: () => {
        sent.datagram++
        return true
      },
    } as unknown as DatagramPath)
    path.send(record(true))
    assert.deepEqual(sent, { stream: 1, datagram: 0 })
    path.send(record(false))
    path.send(record(true))
    assert.deepEqual(sent, { stream: 2, datagram: 1 })
  })

  it('change to datagrams when nothing waits for the stream, at the latest after a second, and back at once', () => {
    const clock = new FakeClock()
    const sent: string[] = []
    const stream = { queuedBytes: 1_000, send: () => sent.push('stream') }
    const datagram = { usable: true, sendRecord: () => sent.push('datagram') > 0 }
    const path = () => {
      const made = new TrunkPath({ clock, closeDatagram: () => {} })
      made.attachStream(stream as unknown as StreamPath)
      made.attachDatagram(datagram as unknown as DatagramPath)
      return made
    }
    const waiting = path()
    waiting.send(record(false))
    clock.advance(999)
    waiting.send(record(false))
    clock.advance(1)
    waiting.send(record(false))
    assert.deepEqual(sent.splice(0), ['stream', 'stream', 'datagram'])
    stream.queuedBytes = 0
    const free = path()
    free.send(record(false))
    datagram.usable = false
    free.send(record(false))
    stream.queuedBytes = 1_000
    datagram.usable = true
    free.send(record(false))
    assert.deepEqual(sent, ['datagram', 'stream', 'stream'])
  })
})
