import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemberList } from '@wakunet/testing'
import {
  encodeGossipRequest,
  encodeGossipSummary,
  FIRST_ID,
  type GossipDocument,
  gossipKind,
  HeldDocument,
  LAST_ID,
  MAX_SEQUENCE_AHEAD_MS,
  newGossipMessage,
  OriginExchange,
  type OriginExchangeInit,
  readSequence,
  writeSequence,
} from '../src/index.ts'

const TYPE = 4
const DAY_MS = 24 * 3_600_000

interface Node {
  readonly id: Uint8Array
}
interface Document extends GossipDocument {
  readonly text: number
  readonly isForged: boolean
}

const idOf = (n: number) => new Uint8Array(16).fill(n + 1)
const encode = (document: Document): Uint8Array => {
  const bytes = newGossipMessage(TYPE, 'document', document.isForged ? 1 : 0, 29)
  writeSequence(bytes, 4, document.sequence)
  bytes.set(document.origin, 12)
  bytes[28] = document.text
  return bytes
}
const read = (bytes: Uint8Array, offset: number, length: number): HeldDocument<Document> | null => {
  if (gossipKind(TYPE, bytes, offset, length) !== 'document' || length !== 29) return null
  const sequence = readSequence(bytes, offset + 4)
  if (sequence === null) return null
  const document = {
    sequence,
    origin: bytes.slice(offset + 12, offset + 28),
    text: bytes[offset + 28]!,
    isForged: bytes[offset + 3] === 1,
  }
  return new HeldDocument(document, bytes.slice(offset, offset + length))
}

/** One exchange with two neighbours that are played by the test. */
function setUp(init: Partial<OriginExchangeInit<Node, Document>> = {}) {
  const [left, right] = [{ id: idOf(1) }, { id: idOf(2) }]
  const sent: { to: Node; message: Uint8Array }[] = []
  const heard: Document[] = []
  const exchange = new OriginExchange<Node, Document>(
    {
      type: TYPE,
      nodeId: idOf(0),
      firstSequence: 1_000,
      read,
      encode: (sequence, done) => done(encode({ origin: idOf(0), sequence, text: 0, isForged: false })),
      send: (to, message) => sent.push({ to, message }),
      onDocument: (_, document) => heard.push(document),
      ...init,
    },
    0,
  )
  exchange.setMembers(new MemberList([left, right]), 0)
  exchange.setNeighbours([left, right], 0)
  const receive = (message: Uint8Array, from: Node, nowMs: number) =>
    exchange.receive(message, 0, message.length, from, nowMs)
  const say = (sequence: number, from: Node, nowMs: number, isForged = false, origin = idOf(1)) =>
    receive(encode({ origin, sequence, text: sequence & 0xff, isForged }), from, nowMs)
  const documentsTo = (node: Node) =>
    sent.filter(
      ({ to, message }) => to === node && gossipKind(TYPE, message, 0, message.length) === 'document',
    ).length
  return { exchange, left, right, sent, heard, receive, say, documentsTo }
}

describe('OriginExchange', () => {
  it('refuses a sequence that is more than a day ahead, and takes the next honest one', () => {
    let wallMs = 1_000_000
    const { exchange, left, heard, say } = setUp({ wallMs: () => wallMs })
    say(wallMs + DAY_MS + 1, left, 0)
    assert.equal(exchange.drops['sequence-ahead'], 1)
    assert.equal(heard.length, 0)
    say(wallMs, left, 0)
    say(wallMs + DAY_MS, left, 0)
    assert.equal(heard.length, 2)
    wallMs += 1
    say(wallMs + DAY_MS, left, 0)
    assert.equal(heard.length, 3)
  })

  it('without a wall clock the same sequence locks the origin out: what the bound is for', () => {
    const { exchange, left, heard, say } = setUp()
    say(1_000_000 + DAY_MS + 1, left, 0)
    say(1_000_000, left, 0)
    assert.equal(exchange.drops['sequence-ahead'], 0)
    assert.equal(heard.length, 1)
  })

  it('does not ask for what is too far ahead, nor follow it with its own sequence', () => {
    const { exchange, left, sent, receive } = setUp({ wallMs: () => 1_000_000 })
    const before = sent.length
    const entries = [idOf(0), idOf(1)].map((origin) => ({ origin, sequence: 1_000_001 + DAY_MS }))
    receive(encodeGossipSummary(TYPE, { first: FIRST_ID, last: LAST_ID, entries }), left, 0)
    assert.equal(sent.length, before)
    assert.equal(exchange.ownSequence, 999)
    assert.equal(MAX_SEQUENCE_AHEAD_MS, DAY_MS)
  })

  it('a forgery neither counts nor is passed on, and silences its bearer alone', () => {
    const { exchange, left, right, heard, say, documentsTo } = setUp({
      accept: ({ document }) => !document.isForged,
    })
    for (let i = 0; i < 100; i++) say(5_000 + i, left, 0, true)
    assert.equal(exchange.drops.refused, 16)
    assert.equal(exchange.drops.rate, 84)
    assert.equal(documentsTo(right), 0)
    say(4_000, right, 0)
    assert.equal(heard.length, 1)
    assert.equal(documentsTo(left), 1)
    say(4_001, left, 0)
    assert.equal(heard.length, 1)
    say(4_001, left, 1_000)
    assert.equal(heard.length, 2)
  })

  it('does not read what is no news, what nobody may say or what comes too often: only what may count costs time', () => {
    let reads = 0
    const { exchange, left, heard, say, receive } = setUp({
      wallMs: () => 1_000_000,
      read: (bytes, offset, length) => {
        reads++
        return read(bytes, offset, length)
      },
    })
    say(5, left, 0)
    assert.equal(reads, 1)
    for (let i = 0; i < 100; i++) say(5, left, 0)
    for (let i = 0; i < 100; i++) say(6, left, 0, false, idOf(7))
    for (let i = 0; i < 100; i++) say(2_000_000 + DAY_MS, left, 0)
    receive(newGossipMessage(TYPE, 'document', 0, 27), left, 0)
    assert.equal(reads, 1)
    for (let i = 0; i < 100; i++) say(6 + i, left, 0)
    assert.deepEqual([reads, heard.length], [8, 8])
    const { malformed, rate, 'unknown-member': unknown, 'sequence-ahead': ahead } = exchange.drops
    assert.deepEqual([malformed, rate, unknown, ahead], [1, 93, 100, 100])
  })

  it('asks for what it lacks of a summary, and sends what is newer here, each once and within the range', () => {
    const ids = [1, 2, 3, 4, 5, 6].map(idOf)
    const { exchange, left, sent, say, receive } = setUp()
    exchange.setMembers(new MemberList(ids.map((id) => ({ id }))), 0)
    for (const n of [1, 2, 4, 6]) say(10, left, 0, false, idOf(n))
    sent.length = 0
    const entries = [
      { origin: idOf(1), sequence: 10 },
      { origin: idOf(2), sequence: 11 },
      { origin: idOf(3), sequence: 1 },
      { origin: idOf(9), sequence: 1 },
    ].sort((a, b) => Buffer.compare(a.origin, b.origin))
    receive(encodeGossipSummary(TYPE, { first: FIRST_ID, last: idOf(9), entries }), left, 0)
    const [request, ...documents] = sent.map(({ message }) => message)
    assert.deepEqual(request, encodeGossipRequest(TYPE, [idOf(2), idOf(3)]))
    assert.deepEqual(
      documents.map((bytes) => bytes[12]),
      [5, 7],
    )
    sent.length = 0
    receive(encodeGossipSummary(TYPE, { first: idOf(2), last: idOf(4), entries: [] }), left, 0)
    assert.deepEqual(
      sent.map(({ message }) => message[12]),
      [3, 5],
    )
  })

  it('keeps no more than so many bytes, and takes what fits again when somebody is gone', () => {
    const { exchange, left, right, heard, say } = setUp({ limits: { maxBytes: 29 } })
    say(1, left, 0)
    say(2, right, 0, false, idOf(2))
    assert.equal(exchange.drops.full, 1)
    say(3, left, 0)
    assert.equal(heard.length, 2)
    exchange.setMembers(new MemberList([right]), 0)
    say(2, right, 0, false, idOf(2))
    assert.equal(heard.length, 3)
  })

  it('shows what was said before to who accepts', () => {
    const befores: (number | undefined)[] = []
    const { left, say } = setUp({
      accept: (_, before) => {
        befores.push(before?.sequence)
        return true
      },
    })
    say(1, left, 0)
    say(2, left, 0)
    assert.deepEqual(befores, [undefined, 1])
  })

  it('where documents are signed, asks for its own one before it believes a sequence', () => {
    const { exchange, left, sent, receive, say } = setUp({
      isSigned: true,
      accept: ({ document }) => !document.isForged,
    })
    exchange.changed(0)
    exchange.tick(50)
    const entries = [{ origin: idOf(0), sequence: 7_000 }]
    receive(encodeGossipSummary(TYPE, { first: FIRST_ID, last: LAST_ID, entries }), left, 100)
    assert.equal(exchange.ownSequence, 1_000)
    assert.ok(
      sent.some(
        ({ to, message }) =>
          to === left && Buffer.compare(message, encodeGossipRequest(TYPE, [idOf(0)])) === 0,
      ),
    )
    say(7_000, left, 100, true, idOf(0))
    assert.equal(exchange.ownSequence, 1_000)
    say(7_000, left, 100, false, idOf(0))
    assert.equal(exchange.ownSequence, 7_000)
    exchange.tick(1_200)
    assert.equal(exchange.ownSequence, 7_001)
  })

  it('waits for an own document that takes time, says the newest, and tries a failed one again', () => {
    const pending: ((bytes: Uint8Array | null) => void)[] = []
    const sequences: number[] = []
    const { exchange, left, documentsTo } = setUp({
      encode: (sequence, done) => {
        sequences.push(sequence)
        pending.push(done)
      },
    })
    const document = (sequence: number) => encode({ origin: idOf(0), sequence, text: 0, isForged: false })
    exchange.changed(0)
    exchange.tick(50)
    exchange.changed(60)
    exchange.tick(500)
    assert.equal(pending.length, 1)
    assert.equal(exchange.size, 0)
    pending[0]!(document(1_000))
    assert.equal(documentsTo(left), 1)
    exchange.tick(500)
    pending[1]!(null)
    exchange.tick(1_400)
    assert.equal(pending.length, 2)
    assert.ok(exchange.dueMs(1_400) <= 1_600)
    exchange.tick(1_600)
    pending[2]!(document(1_001))
    assert.equal(documentsTo(left), 2)
    assert.deepEqual(sequences, [1_000, 1_001, 1_001])
    assert.equal(exchange.size, 1)
  })

  it('an own sequence is the wall clock or higher', () => {
    const { exchange } = setUp({ wallMs: () => 5_000 })
    exchange.changed(0)
    exchange.tick(50)
    assert.equal(exchange.ownSequence, 5_000)
    exchange.changed(100)
    exchange.tick(200)
    assert.equal(exchange.ownSequence, 5_001)
  })

  it('a digest that does not match is followed by another soon, and later each time', () => {
    const { exchange, left, receive, sent } = setUp({ limits: { digestAgainMs: 1_000 } })
    const digests = () =>
      sent.filter(
        ({ to, message }) => to === left && gossipKind(TYPE, message, 0, message.length) === 'digest',
      ).length
    exchange.tick(0)
    const times: number[] = []
    const other = Uint8Array.of(TYPE, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8)
    for (let nowMs = 10; nowMs < 40_000; nowMs += 10) {
      const before = digests()
      exchange.tick(nowMs)
      if (digests() > before) {
        times.push(nowMs)
        receive(other, left, nowMs)
      } else if (nowMs === 10) receive(other, left, nowMs)
    }
    assert.deepEqual(times, [1_010, 3_010, 7_010, 15_010, 30_010])
  })
})
