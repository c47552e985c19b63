import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { getHeapStatistics } from 'node:v8'
import { GSO_NONE, NEEDS_CSUM } from '@wakunet/interface'
import fc from 'fast-check'
import {
  completeChecksum,
  createFrameView,
  createOffloadHint,
  MIN_TCP_SEGMENT_BYTES,
  OFFLOAD_FAULTS,
  parseFrame,
  segment,
} from '../src/index.ts'
import { buildFrame, check, MTU, pattern, shape, type TestFrame } from './support.ts'

describe('checkOffload on arbitrary input', () => {
  const verdicts = new Set<string>(['ok', ...OFFLOAD_FAULTS])
  const any = fc.record({
    base: fc.constantFrom(
      shape(4, 'tcp'),
      shape(6, 'tcp', { ipOptionBytes: 8, tags: 1 }),
      shape(4, 'udp', { tags: 2 }),
      shape(6, 'udp'),
      shape(4, 'udp', { payload: pattern(300), gsoSize: 0 }),
      shape(6, 'tcp', { payload: pattern(300), gsoSize: 0 }),
    ),
    edits: fc.array(fc.tuple(fc.nat(110), fc.nat(255)), { maxLength: 2 }),
    changes: fc.array(
      fc.oneof(
        fc.record({ flags: fc.constantFrom(0, 1, 2, 3, 4, 255) }),
        fc.record({ gsoType: fc.constantFrom(0, 1, 3, 4, 5, 0x80, 0x81, 0x84, 0x85) }),
        fc.record({ gsoSize: fc.oneof(fc.nat(0xffff), fc.nat(1400), fc.integer({ min: 1300, max: 1400 })) }),
        fc.record({ csumStart: fc.oneof(fc.nat(0xffff), fc.nat(120)) }),
        fc.record({ csumOffset: fc.oneof(fc.nat(0xffff), fc.constantFrom(2, 6, 16)) }),
      ),
      { maxLength: 2 },
    ),
  })
  type Input = typeof any extends fc.Arbitrary<infer T> ? T : never
  const build = ({ base, edits, changes }: Input) => {
    const test = buildFrame(base)
    for (const [at, value] of edits) test.frame[at] = value
    Object.assign(test.hint, ...changes)
    return test
  }

  test('what passes can be cut into segments that fit the MTU, in bounded number', () => {
    let passed = 0
    const property = fc.property(any, (input) => {
      const test = build(input)
      const verdict = check(test)
      assert.ok(verdicts.has(verdict))
      if (verdict !== 'ok' || test.hint.gsoType === GSO_NONE) return
      passed++
      const segments = segment(test.frame, test.hint)
      assert.ok(segments.length >= 1 && segments.length <= 65_535 / MIN_TCP_SEGMENT_BYTES)
      const view = createFrameView()
      for (const part of segments) {
        assert.equal(parseFrame(part, 0, part.length, view), 'ok')
        assert.ok(part.length - view.l3Offset <= MTU)
      }
    })
    fc.assert(property, { numRuns: 6000 })
    assert.ok(passed > 500, `only ${passed} frames reached the segmentation`)
  })

  test('what passes with a partial checksum is completed by changing two bytes of the upper layer', () => {
    let passed = 0
    const property = fc.property(any, (input) => {
      const test = build(input)
      if (check(test) !== 'ok' || test.hint.gsoType !== GSO_NONE) return
      const partial = (test.hint.flags & NEEDS_CSUM) !== 0
      const view = createFrameView()
      parseFrame(test.frame, 0, test.frame.length, view)
      const before = Uint8Array.from(test.frame)
      const field = test.hint.csumStart + test.hint.csumOffset
      assert.equal(completeChecksum(test.frame, 0, test.frame.length, test.hint), true)
      assert.equal(test.hint.flags & NEEDS_CSUM, 0)
      for (let i = 0; i < before.length; i++) {
        const mayChange = partial && (i === field || i === field + 1) && i >= view.l4Offset && i < view.ipEnd
        if (!mayChange) assert.equal(test.frame[i], before[i])
      }
      if (partial) passed++
    })
    fc.assert(property, { numRuns: 6000 })
    assert.ok(passed > 500, `only ${passed} frames had a partial checksum`)
  })

  test('random bytes get a verdict', () => {
    const hint = any.map((input) => Object.assign(createOffloadHint(), ...input.changes))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), hint, fc.nat(2000), (frame, random, mtu) => {
        assert.ok(verdicts.has(check({ frame, hint: random }, mtu)))
      }),
      { numRuns: 6000 },
    )
  })

  test('allocates nothing for honest frames', () => {
    const frames = [shape(4, 'tcp'), shape(6, 'udp'), shape(4, 'tcp', { payload: pattern(9), gsoSize: 0 })]
    const tests = frames.map(buildFrame)
    let sink = 0
    const run = (work: (test: TestFrame) => unknown) => {
      const before = getHeapStatistics().used_heap_size
      for (let i = 0; i < 100_000; i++) if (work(tests[i % 3]!) === 'ok') sink++
      return getHeapStatistics().used_heap_size - before
    }
    const keep: unknown[] = []
    run(check)
    // Control: one small object a call shows. It is kept, so that no collection can hide it.
    assert.ok(
      run((test) => {
        keep.push({ test })
        return check(test)
      }) > 1_000_000,
    )
    keep.length = 0
    assert.ok(run(check) < 500_000)
    assert.ok(sink > 0)
  })
})
