import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import fc from 'fast-check'
import { frameUnit, UnitReader } from '../src/index.ts'

const concat = (arrays: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(arrays))

function readAll(chunks: readonly Uint8Array[], maxUnitBytes = 1_000): Uint8Array[] {
  const units: Uint8Array[] = []
  const reader = new UnitReader(maxUnitBytes, (unit) => units.push(unit.slice()))
  for (const chunk of chunks) reader.push(chunk)
  return units
}

test('units come out whole however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 900 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 40 }),
      (units, cuts) => {
        const stream = concat(units.map(frameUnit))
        const chunks: Uint8Array[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const end = Math.min(stream.length, at + cuts[i % cuts.length]!)
          chunks.push(stream.slice(at, end))
          at = end
        }
        assert.deepEqual(readAll(chunks), units)
      },
    ),
  )
})

test('a list of chunks reads like its concatenation', () => {
  const units: Uint8Array[] = []
  const reader = new UnitReader(100, (unit) => units.push(unit.slice()))
  const stream = concat([frameUnit(Uint8Array.of(1, 2, 3)), frameUnit(Uint8Array.of(4))])
  reader.push([stream.subarray(0, 2), stream.subarray(2, 6), stream.subarray(6)])
  assert.deepEqual(units, [Uint8Array.of(1, 2, 3), Uint8Array.of(4)])
})

test('a unit cut off at any byte is not handed out', () => {
  const stream = frameUnit(new Uint8Array(64).fill(7))
  for (let end = 0; end < stream.length; end++) assert.deepEqual(readAll([stream.slice(0, end)]), [])
})

for (const [what, prefix] of [
  ['empty', [0, 0, 0, 0]],
  ['one byte over the limit', [0, 0, 3, 233]],
  ['four gigabytes', [255, 255, 255, 255]],
] as const) {
  test(`a unit that claims to be ${what} is refused before anything is kept for it, in one chunk or cut`, () => {
    for (const chunks of [[Uint8Array.from(prefix)], [...prefix].map((byte) => Uint8Array.of(byte))]) {
      assert.throws(
        () => readAll([...chunks, new Uint8Array(10)]),
        (error) => error instanceof WakunetError && error.code === 'ERR_DECODE',
      )
    }
  })
}

test('nothing is handed out after a refused unit', () => {
  const units: Uint8Array[] = []
  const reader = new UnitReader(10, (unit) => units.push(unit))
  assert.throws(() => reader.push(Uint8Array.of(0, 0, 0, 0)))
  reader.push(frameUnit(Uint8Array.of(1)))
  assert.deepEqual(units, [])
})
