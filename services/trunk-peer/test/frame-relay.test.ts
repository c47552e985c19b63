import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nodeIdFromBytes, vlanIdFromBytes } from '@wakunet/identity'
import { createLanePair } from '@wakunet/lane'
import { encodeEnvelope, encodeRecordHeader, RECORD_HEADER_BYTES } from '@wakunet/record'
import { FrameRelay } from '../src/frame-relay.ts'
import type { Trunk } from '../src/trunk.ts'

const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill)
const PEER = nodeIdFromBytes(id(2))
const VLAN = vlanIdFromBytes(id(1))
/** All that the relay looks at. */
const trunk = { nodeId: PEER, sendRecord: () => true } as unknown as Trunk

async function relayWithLane() {
  const { server, client } = createLanePair({ name: 'switch' })
  const relay = new FrameRelay(server, () => true)
  await server.start()
  await client.start()
  const messages: { bytes: Uint8Array; buffer: ArrayBufferLike }[] = []
  client.onMessage = (message) => messages.push({ bytes: message.slice(), buffer: message.buffer })
  relay.setVlans('switch', [VLAN])
  relay.addPeer(trunk)
  return { relay, messages }
}

function recordIn(freeBytes: number): Uint8Array {
  const buffer = new Uint8Array(freeBytes + RECORD_HEADER_BYTES).fill(0xee)
  encodeRecordHeader(buffer, freeBytes, {
    hopLimit: 64,
    frameCount: 1,
    epoch: 0,
    sequence: 5,
    bootNonce: new Uint8Array(8),
    vlanId: id(1),
    ingress: id(2),
    egress: id(3),
  })
  return buffer.subarray(freeBytes)
}

describe('FrameRelay', () => {
  test('puts the envelope in front of a record that has free bytes there, and copies any other', async () => {
    const { relay, messages } = await relayWithLane()
    const [roomy, tight] = [recordIn(32), recordIn(16)]
    relay.fromTrunk(trunk, roomy, 32)
    relay.fromTrunk(trunk, tight, 16)
    relay.fromTrunk(trunk, recordIn(32))
    const expected = Uint8Array.from([...encodeEnvelope([id(2)]), ...recordIn(0)])
    assert.deepEqual(
      messages.map(({ bytes }) => bytes),
      [expected, expected, expected],
    )
    assert.equal(messages[0]!.buffer, roomy.buffer)
    assert.notEqual(messages[1]!.buffer, tight.buffer)
    assert.ok(
      new Uint8Array(tight.buffer, 0, 16).every((byte) => byte === 0xee),
      'nothing is written to what is not free',
    )
  })
})
