import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  createDecodedRecord,
  decodeRecord,
  encodeEnvelope,
  encodeRecordHeader,
  envelopeBytes,
  RECORD_FRAME_HEADER_BYTES,
  RECORD_HEADER_BYTES,
  writeFrameHeader,
} from '@wakunet/record'
import type { RecordSealer } from '../src/index.ts'
import { DatapathNetwork, memberId } from './datapath-network.ts'
import { mac } from './guard-support.ts'

const NO_HINT = { flags: 0, gsoType: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 }
/** Everybody has a trunk to everybody in these networks, so that it is never asked. */
const SEALER: RecordSealer = { sealerFor: () => null, open: () => 'no-key' }
const BROADCAST = new Uint8Array(6).fill(0xff)

/** Whether member 1 takes a frame out of a record to everybody which says that it is of member 2 and came from it. */
function takes(network: DatapathNetwork, destination: Uint8Array, sequence: number): boolean {
  const frame = new Uint8Array(60)
  frame.set(destination)
  frame.set(mac(2), 6)
  frame.set([0x88, 0xb5], 12)
  const record = new Uint8Array(RECORD_HEADER_BYTES + RECORD_FRAME_HEADER_BYTES + frame.length)
  encodeRecordHeader(record, 0, {
    hopLimit: 64,
    frameCount: 1,
    epoch: 0,
    sequence,
    bootNonce: memberId(2).slice(0, 8),
    vlanId: new Uint8Array(16).fill(0x77),
    ingress: memberId(2),
    egress: null,
  })
  writeFrameHeader(record, RECORD_HEADER_BYTES, frame.length, NO_HINT)
  record.set(frame, RECORD_HEADER_BYTES + RECORD_FRAME_HEADER_BYTES)
  const message = new Uint8Array(Buffer.concat([encodeEnvelope([memberId(2)]), record]))
  const decoded = createDecodedRecord()
  assert.equal(decodeRecord(message, decoded, envelopeBytes(1)), 'ok')
  const datapath = network.at(1)
  const sender = datapath.receiveRecord(decoded, 1, network.nowMs)
  assert.ok(sender !== null, JSON.stringify(datapath.fabric.drops))
  const at = decoded.batch.offsets[0]! + RECORD_FRAME_HEADER_BYTES
  return datapath.accept(message, at, decoded.batch.lengths[0]!, sender, network.nowMs)
}

describe('a record to everybody', () => {
  it('brings no frame for one station, where unicast is sealed: that would be the way round', () => {
    const network = new DatapathNetwork(2, { sealer: SEALER })
    assert.equal(takes(network, mac(1), 10_000), false)
    assert.equal(network.at(1).drops['tree-unicast'], 1)
    assert.equal(takes(network, BROADCAST, 10_001), true)
  })

  it('brings one where it is not: the negative control', () => {
    const network = new DatapathNetwork(2)
    assert.equal(takes(network, mac(1), 10_000), true)
  })

  it('is not made of frames for stations that nobody knows, before members have said what is behind them', () => {
    const sealed = new DatapathNetwork(2, { sealer: SEALER })
    const clear = new DatapathNetwork(2)
    const frame = new Uint8Array(60)
    frame.set(mac(0x99))
    frame.set(mac(1), 6)
    frame.set([0x88, 0xb5], 12)
    for (const network of [sealed, clear]) network.send(1, frame)
    assert.deepEqual([sealed.sentFrames, clear.sentFrames], [0, 1])
    assert.equal(sealed.at(1).drops['unknown-unicast'], 1)
  })
})
