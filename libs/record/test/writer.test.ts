import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FrameBatch, MAX_BATCH_FRAMES, MAX_FRAME_BYTES } from '@wakunet/interface'
import fc from 'fast-check'
import {
  createDecodedRecord,
  decodeEnvelope,
  decodeRecord,
  envelopeNodeOffset,
  idEquals,
  MAX_RECORD_BYTES,
  RECORD_FIELD,
  RECORD_HEADER_BYTES,
  RECORD_HEADROOM_BYTES,
  RecordWriter,
  readOpenedFrames,
  SEAL_TAG_BYTES,
} from '../src/index.ts'
import { batchOf, encodeRecord, id } from './records.ts'

const writerInit = { vlanId: id(0x11), ingress: id(0x22), bootNonce: new Uint8Array(8).fill(0xb0) }
const all = (batch: FrameBatch) => Uint16Array.from({ length: batch.count }, (_, i) => i)

interface Message {
  parts: number
  peers: Uint8Array[]
  record: Uint8Array
}

/** What a lane does with the parts, and what the far end then finds in the message. */
function collect(into: Message[]) {
  return (parts: readonly Uint8Array[]): void => {
    const message = new Uint8Array(Buffer.concat(parts))
    const envelope = { nodeCount: 0, recordOffset: 0 }
    assert.ok(decodeEnvelope(message, envelope))
    const peers = Array.from({ length: envelope.nodeCount }, (_, i) =>
      message.slice(envelopeNodeOffset(i), envelopeNodeOffset(i + 1)),
    )
    into.push({ parts: parts.length, peers, record: message.slice(envelope.recordOffset) })
    // A receiver may scribble over a message of one part.
    if (parts.length === 1) parts[0]!.fill(0xee)
  }
}

function framesOf(messages: readonly Message[]): Uint8Array[] {
  const out = createDecodedRecord()
  return messages.flatMap(({ record }) => {
    assert.equal(decodeRecord(record, out), 'ok')
    return Array.from({ length: out.batch.count }, (_, i) =>
      record.slice(out.batch.offsets[i]! + 12, out.batch.offsets[i]! + 12 + out.batch.lengths[i]!),
    )
  })
}

describe('RecordWriter', () => {
  it('sends a batch for one peer as one view of the batch itself', () => {
    const frames = [new Uint8Array(60).fill(1), new Uint8Array(1400).fill(2)]
    const batch = batchOf(frames, RECORD_HEADROOM_BYTES)
    let sent: readonly Uint8Array[] = []
    new RecordWriter(writerInit).write(batch, all(batch), 2, id(0x33), [id(0x33)], (parts) => {
      sent = [...parts]
    })
    assert.equal(sent.length, 1)
    assert.equal(sent[0]!.buffer, batch.bytes.buffer)
    assert.deepEqual(new Uint8Array(sent[0]!.subarray(17)), encodeRecord({ egress: id(0x33) }, frames))
  })

  it('gathers frames that are not all for the same peers', () => {
    const frames = [1, 2, 3, 4].map((fill) => new Uint8Array(60).fill(fill))
    const batch = batchOf(frames, RECORD_HEADROOM_BYTES)
    const messages: Message[] = []
    const writer = new RecordWriter(writerInit)
    writer.write(batch, Uint16Array.of(0, 1, 3), 3, null, [id(5), id(6)], collect(messages))
    writer.write(batch, Uint16Array.of(2), 1, id(5), [id(5)], collect(messages))
    assert.deepEqual(messages[0], {
      parts: 3,
      peers: [id(5), id(6)],
      record: encodeRecord({ egress: null, sequence: 1 }, [frames[0]!, frames[1]!, frames[3]!]),
    })
    assert.deepEqual(messages[1]!.record, encodeRecord({ egress: id(5), sequence: 4 }, [frames[2]!]))
  })

  it('splits by size and by count, and loses and changes nothing, however a batch is divided', () => {
    const size = fc.oneof(
      fc.integer({ min: 14, max: 100 }),
      fc.constantFrom(1514, 30_000, 65_000, MAX_FRAME_BYTES),
    )
    // Each frame goes to one of three groups, or to none.
    const divided = fc.array(fc.tuple(size, fc.nat(3)), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(divided, fc.integer({ min: 1, max: 3 }), (list, peerCount) => {
        const frames = list.map(([bytes], i) => new Uint8Array(bytes).fill(i))
        const batch = batchOf(frames, RECORD_HEADROOM_BYTES)
        const peers = Array.from({ length: peerCount }, (_, i) => id(i + 1))
        const groupOf = list.map(([, group]) => group)
        const groups = [...new Set(groupOf)].filter((group) => group < 3)
        const writer = new RecordWriter(writerInit)
        for (const group of groups) {
          const indexes = [...groupOf.keys()].filter((i) => groupOf[i] === group)
          const messages: Message[] = []
          const egress = group === 0 ? null : id(1)
          writer.write(batch, Uint16Array.from(indexes), indexes.length, egress, peers, collect(messages))
          for (const message of messages) {
            assert.ok(message.record.length <= MAX_RECORD_BYTES)
            assert.deepEqual(message.peers, peers)
          }
          const sent = framesOf(messages)
          assert.equal(sent.length, indexes.length)
          for (const [i, index] of indexes.entries())
            assert.equal(Buffer.compare(sent[i]!, frames[index]!), 0, `frame ${index}`)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('splits a full batch of small frames after 255', () => {
    const frames = Array.from({ length: MAX_BATCH_FRAMES }, (_, i) => new Uint8Array(60).fill(i))
    const batch = batchOf(frames, RECORD_HEADROOM_BYTES)
    const messages: Message[] = []
    new RecordWriter(writerInit).write(batch, all(batch), 256, null, [id(1)], collect(messages))
    assert.equal(messages.length, 2)
    assert.deepEqual(framesOf(messages), frames)
  })

  it('sends the same record in several messages where one envelope cannot name all peers', () => {
    const frames = [new Uint8Array(60).fill(1)]
    const batch = batchOf(frames, RECORD_HEADROOM_BYTES)
    const peers = Array.from({ length: 600 }, (_, i) => {
      const peer = id(1)
      peer[0] = i >> 8
      peer[1] = i
      return peer
    })
    const messages: Message[] = []
    new RecordWriter(writerInit).write(batch, all(batch), 1, null, peers, collect(messages))
    assert.deepEqual(
      messages.map((message) => message.peers.length),
      [255, 255, 90],
    )
    assert.deepEqual(
      messages.flatMap((message) => message.peers),
      peers,
    )
    for (const message of messages) assert.deepEqual(message.record, messages[0]!.record)
  })

  it('copes with too little headroom by gathering', () => {
    const frames = [new Uint8Array(60).fill(1)]
    const batch = batchOf(frames, 10)
    const messages: Message[] = []
    new RecordWriter(writerInit).write(batch, all(batch), 1, id(2), [id(2)], collect(messages))
    assert.equal(messages[0]!.parts, 2)
    assert.deepEqual(framesOf(messages), frames)
  })

  it('makes nothing for nobody, and uses up no sequence', () => {
    const batch = batchOf([new Uint8Array(60)], RECORD_HEADROOM_BYTES)
    const writer = new RecordWriter(writerInit)
    const none = writer.write(batch, all(batch), 1, null, [], () => assert.fail('nobody is there'))
    assert.equal(none, 0)
    assert.equal(writer.sequence, 0)
  })

  it('gives a frame a sequence for every 512 bytes that it has begun, so that its pieces have their own', () => {
    const lengths = [60, 511, 512, 1_414, 60_000]
    const batch = batchOf(
      lengths.map((length) => new Uint8Array(length)),
      RECORD_HEADROOM_BYTES,
    )
    const writer = new RecordWriter(writerInit)
    const sequences = lengths.map((_, i) => {
      writer.write(batch, Uint16Array.of(i), 1, id(5), [id(5)], () => {})
      return writer.sequence
    })
    assert.deepEqual(sequences, [1, 2, 3, 5, 8])
    writer.write(batch, Uint16Array.of(0), 1, id(5), [id(5)], () => {})
    assert.equal(writer.sequence, 8 + 118)
  })

  it('names the peers in the order given', () => {
    const batch = batchOf([new Uint8Array(60)], RECORD_HEADROOM_BYTES)
    const messages: Message[] = []
    new RecordWriter(writerInit).write(batch, all(batch), 1, null, [id(9), id(8)], collect(messages))
    assert.ok(idEquals(messages[0]!.peers[0]!, 0, id(9)))
  })

  it('writes sealed records for one node as one part each, with room for the tag, in the same sequence', () => {
    const frames = Array.from({ length: 3 }, (_, i) => new Uint8Array(60_000).fill(i + 1))
    const batch = batchOf(frames, RECORD_HEADROOM_BYTES)
    const messages: Message[] = []
    const headers: Uint8Array[] = []
    const sealer = {
      seal: (
        header: Uint8Array,
        sequence: number,
        parts: readonly Uint8Array[],
        out: Uint8Array,
        offset: number,
      ) => {
        headers.push(header.slice())
        const bytes = Buffer.concat(parts)
        out.set(bytes, offset)
        out.fill(sequence, offset + bytes.length, offset + bytes.length + SEAL_TAG_BYTES)
      },
    }
    const writer = new RecordWriter(writerInit)
    const send = collect(messages)
    assert.equal(writer.writeSealed(batch, all(batch), 3, id(5), [id(9)], sealer, send), 2)
    assert.deepEqual(
      messages.map(({ parts, peers }) => [parts, peers]),
      [
        [1, [id(9)]],
        [1, [id(9)]],
      ],
    )
    const out = createDecodedRecord()
    for (const [i, { record }] of messages.entries()) {
      assert.ok(record.length <= MAX_RECORD_BYTES)
      assert.equal(decodeRecord(record, out), 'ok')
      assert.deepEqual([out.sealed, out.sequence, out.hopLimit, out.batch.count], [true, i + 1, 64, 0])
      assert.deepEqual([...record.subarray(-SEAL_TAG_BYTES)], new Array(SEAL_TAG_BYTES).fill(i + 1))
      const header = record.slice(0, RECORD_HEADER_BYTES)
      header[RECORD_FIELD.hopLimit] = 0
      assert.deepEqual(headers[i], header, 'what is authenticated is the header but for its hop limit')
      assert.equal(readOpenedFrames(out), 'ok')
    }
    assert.deepEqual([out.batch.count, out.batch.lengths[0]], [1, 60_000])
    writer.write(batch, all(batch), 1, id(5), [id(5)], send)
    assert.equal(decodeRecord(messages[2]!.record, out), 'ok')
    assert.deepEqual([out.sealed, out.sequence], [false, 3])
  })

  it('sends control messages in records of their own, in the same sequence', () => {
    const batch = batchOf([new Uint8Array(60)], 0)
    const messages: Message[] = []
    const control = [Uint8Array.of(1, 1, 7), Uint8Array.of(2, 1)]
    const writer = new RecordWriter(writerInit)
    writer.write(batch, all(batch), 1, id(5), [id(5)], collect(messages))
    writer.writeControl(control, id(5), 1, [id(5)], collect(messages))
    writer.write(batch, all(batch), 1, id(5), [id(5)], collect(messages))
    assert.deepEqual(
      messages[1]!.record,
      encodeRecord({ egress: id(5), sequence: 2, control: true, hopLimit: 1 }, control),
    )
    const out = createDecodedRecord()
    assert.equal(decodeRecord(messages[2]!.record, out), 'ok')
    assert.deepEqual([out.control, out.hopLimit, out.sequence], [false, 64, 4])
  })

  it('splits control messages by count and by size, and sends none to nobody', () => {
    const writer = new RecordWriter(writerInit)
    const messages: Message[] = []
    const small = Array.from({ length: 300 }, (_, i) => Uint8Array.of(1, i))
    assert.equal(writer.writeControl(small, null, 64, [id(5)], collect(messages)), 2)
    assert.deepEqual(framesOf(messages), small)
    const large = Array.from({ length: 3 }, (_, i) => new Uint8Array(60_000).fill(i))
    messages.length = 0
    assert.equal(writer.writeControl(large, null, 64, [id(5)], collect(messages)), 2)
    assert.deepEqual(framesOf(messages), large)
    assert.equal(writer.writeControl(small, null, 64, [], collect(messages)), 0)
    assert.equal(writer.sequence, 1 + 300 + 2 * (1 + Math.floor(60_000 / 512)))
  })
})
