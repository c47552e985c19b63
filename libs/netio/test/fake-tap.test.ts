import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { GSO_TCPV4 } from '@wakunet/interface'
import { FakeTap } from '../src/index.ts'
import { batchOf, type TapPortBench, tapPortCompliance, testFrame } from './tap-port-compliance.ts'

async function makeBench(): Promise<TapPortBench> {
  const port = new FakeTap({ headroomBytes: 100 })
  return {
    port,
    headroomBytes: 100,
    attach: async () => {},
    inject: (frames) => port.inject(frames),
    outside: async (count) => {
      await Promise.resolve()
      const written = port.takeWritten().map(({ frame }) => frame)
      assert.equal(written.length, count)
      return written
    },
    remove: async () => port.fail(),
  }
}

test('the fake TAP is a TAP port', (t: TestContext) => tapPortCompliance(t, makeBench))

test('the fake keeps at most its queue and drops the rest of a batch, as a full kernel queue does', async () => {
  const tap = new FakeTap({ queueFrames: 2 })
  await tap.start()
  assert.equal(tap.write(batchOf([testFrame(1), testFrame(2), testFrame(3), testFrame(4)])), 2)
  assert.equal(tap.stats.writeDropped, 2)
  assert.deepEqual(
    tap.takeWritten().map(({ frame }) => frame),
    [testFrame(1), testFrame(2)],
  )
  assert.equal(tap.write(batchOf([testFrame(5)])), 1)
})

test('the fake hands on the headers that a test injects and keeps those that were written', async () => {
  const tap = new FakeTap()
  await tap.start()
  const header = Uint8Array.of(1, GSO_TCPV4, 0, 0, 100, 0, 34, 0, 16, 0, 0, 0)
  tap.onFrames = (batch) => {
    const at = batch.offsets[0]!
    assert.deepEqual(batch.bytes.slice(at, at + 12), header)
    tap.write(batch)
  }
  tap.inject([{ header, frame: testFrame(1, 200) }])
  assert.deepEqual(tap.takeWritten(), [{ header, frame: testFrame(1, 200) }])
})

test('the fake shows the addresses that were set last, in the spelling of the kernel', async () => {
  const tap = new FakeTap({ addresses: ['10.0.0.1/8'] })
  await tap.start()
  assert.deepEqual(tap.addresses, ['10.0.0.1/8'])
  await tap.setAddresses(['FD00:0:0::1/64'])
  assert.deepEqual(tap.addresses, ['fd00::1/64'])
})
