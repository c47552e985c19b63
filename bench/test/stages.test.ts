import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkOffload } from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES } from '@wakunet/interface'
import { renderStages } from '../src/run-stages.ts'
import { codecStages } from '../src/stages/codec-stages.ts'
import { SAMPLE_MTU, sampleBatch, sampleHint } from '../src/stages/sample-frame.ts'

test('the sample frames are what a switch accepts from a trunk', () => {
  for (const payloadBytes of [0, 1_348, 57_600]) {
    const { bytes, offsets, lengths } = sampleBatch(payloadBytes)
    const start = offsets[0]! + FRAME_HEADER_BYTES
    assert.equal(checkOffload(bytes, start, lengths[0]!, sampleHint(payloadBytes), SAMPLE_MTU), 'ok')
  }
})

test('every computing stage runs and counts what it did', async () => {
  for (const stage of codecStages()) {
    const result = await stage.run(0.001)
    assert.equal(result.name, stage.name)
    assert.ok(result.operations > 0 && result.bytes >= result.operations, stage.name)
  }
})

test('stages show their cost by call and by gigabyte', () => {
  const text = renderStages([
    { name: 'seal', operations: 1_000, bytes: 1_000_000_000, wallSeconds: 2, cpuSeconds: 0.5 },
  ])
  assert.match(text, /seal +2,000 +500 +4 +0\.5/)
})
