import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { FRAME_HEADER_BYTES, type FrameBatch, GSO_TCPV4, NEEDS_CSUM, type TapPort } from '@wakunet/interface'

/** A port under test, not started, and the other end of its cable. */
export interface TapPortBench {
  readonly port: TapPort
  readonly headroomBytes: number
  /** Connects the other end; after `port.start()`. */
  attach(): Promise<void>
  /** Sends frames to the port. */
  inject(frames: readonly Uint8Array[]): void
  /** The next frames that the port wrote, as they come out. */
  outside(count: number): Promise<Uint8Array[]>
  /** The interface disappears under the port. */
  remove(): Promise<void>
}

/** IEEE 802 local experimental EtherType: nothing else on the cable uses it. */
const TEST_ETHERTYPE = [0x88, 0xb5]

export function testFrame(mark: number, length = 60): Uint8Array {
  const frame = new Uint8Array(length)
  frame.set([255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, mark, ...TEST_ETHERTYPE])
  for (let i = 14; i < length; i++) frame[i] = (i * 7 + mark) & 0xff
  return frame
}

export function isTestFrame(frame: Uint8Array): boolean {
  return frame[12] === TEST_ETHERTYPE[0] && frame[13] === TEST_ETHERTYPE[1]
}

/** Frames behind headers of zeros, or behind the headers given. */
export function batchOf(frames: readonly Uint8Array[], headers: readonly Uint8Array[] = []): FrameBatch {
  const total = frames.reduce((sum, frame) => sum + FRAME_HEADER_BYTES + frame.length, 0)
  const bytes = new Uint8Array(total)
  const offsets = new Uint32Array(frames.length)
  let offset = 0
  for (const [i, frame] of frames.entries()) {
    offsets[i] = offset
    bytes.set(headers[i] ?? [], offset)
    bytes.set(frame, offset + FRAME_HEADER_BYTES)
    offset += FRAME_HEADER_BYTES + frame.length
  }
  return { bytes, offsets, lengths: Uint32Array.from(frames, (frame) => frame.length), count: frames.length }
}

/** The test frames that a port reads, with what stood in front of them. */
export function collectFrames(
  port: TapPort,
  count: number,
): Promise<{ frames: Uint8Array[]; first: number[] }> {
  const { promise, resolve } = Promise.withResolvers<{ frames: Uint8Array[]; first: number[] }>()
  const frames: Uint8Array[] = []
  const first: number[] = []
  port.onFrames = (batch) => {
    first.push(batch.offsets[0]!)
    for (let i = 0; i < batch.count; i++) {
      const start = batch.offsets[i]! + FRAME_HEADER_BYTES
      const frame = batch.bytes.slice(start, start + batch.lengths[i]!)
      if (isTestFrame(frame)) frames.push(frame)
    }
    if (frames.length >= count) resolve({ frames, first })
  }
  return promise
}

/** What every TAP port does, whatever is behind it. `make` gives a fresh one and cleans up after the test. */
export async function tapPortCompliance(
  t: TestContext,
  make: (t: TestContext) => Promise<TapPortBench>,
): Promise<void> {
  const started = async (scope: TestContext): Promise<TapPortBench> => {
    const bench = await make(scope)
    await bench.port.start()
    await bench.attach()
    return bench
  }

  await t.test('it starts and stops any number of times and knows its MAC', async (scope) => {
    const { port } = await make(scope)
    await Promise.all([port.start(), port.start()])
    await port.start()
    assert.match(port.mac, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
    await Promise.all([port.stop(), port.stop()])
    await port.stop()
    await port.start()
    await port.stop()
  })

  await t.test('frames arrive whole and in order, behind a header slot and headroom', async (scope) => {
    const bench = await started(scope)
    const sent = [testFrame(1), testFrame(2, 1000), testFrame(3, 1514), testFrame(4, 60)]
    const collected = collectFrames(bench.port, sent.length)
    bench.inject(sent)
    const { frames, first } = await collected
    assert.deepEqual(frames, sent)
    assert.deepEqual(new Set(first), new Set([bench.headroomBytes]))
    assert.ok(bench.port.stats.framesRead >= sent.length)
    assert.ok(bench.port.stats.bytesRead >= 60 + 1000 + 1514 + 60)
  })

  await t.test('written frames come out whole and in order', async (scope) => {
    const bench = await started(scope)
    const sent = [testFrame(1), testFrame(2, 777), testFrame(3, 1514)]
    const outside = bench.outside(sent.length)
    assert.equal(bench.port.write(batchOf(sent)), sent.length)
    assert.deepEqual(await outside, sent)
    assert.equal(bench.port.stats.framesWritten, 3)
    assert.equal(bench.port.stats.bytesWritten, 60 + 777 + 1514)
  })

  await t.test('frames that are refused are counted and do not stop those after them', async (scope) => {
    const bench = await started(scope)
    const noSegmentSize = new Uint8Array(FRAME_HEADER_BYTES)
    noSegmentSize.set([0, GSO_TCPV4])
    const checksumBeyond = new Uint8Array(FRAME_HEADER_BYTES)
    checksumBeyond.set([NEEDS_CSUM, 0, 0, 0, 0, 0, 255, 255, 16, 0])
    const frames = [new Uint8Array(13), testFrame(1), testFrame(2), testFrame(3)]
    const headers = [new Uint8Array(12), noSegmentSize, checksumBeyond, new Uint8Array(12)]
    const outside = bench.outside(1)
    assert.equal(bench.port.write(batchOf(frames, headers)), 1)
    assert.deepEqual(await outside, [testFrame(3)])
    const { writeRefused, writeDropped, framesWritten } = bench.port.stats
    assert.deepEqual([writeRefused, writeDropped, framesWritten], [3, 0, 1])
  })

  await t.test('a frame outside its buffer is a programming error', async (scope) => {
    const { port } = await started(scope)
    const batch = batchOf([testFrame(1)])
    assert.throws(() => port.write({ ...batch, lengths: Uint32Array.of(61) }), RangeError)
    assert.throws(() => port.write({ ...batch, offsets: Uint32Array.of(0xffffffff) }), RangeError)
  })

  await t.test('what is written while it is stopped is dropped and counted', async (scope) => {
    const { port } = await make(scope)
    assert.equal(port.write(batchOf([testFrame(1), testFrame(2)])), 0)
    await port.start()
    await port.stop()
    assert.equal(port.write(batchOf([testFrame(1)])), 0)
    assert.equal(port.stats.writeDropped, 3)
  })

  await t.test(
    'it may be stopped from within its own callback, and reads nothing afterwards',
    async (scope) => {
      const bench = await started(scope)
      const stopped = Promise.withResolvers<void>()
      bench.port.onFrames = () => {
        bench.port.onFrames = () => assert.fail('frames after stop')
        bench.port.stop().then(stopped.resolve)
      }
      bench.inject([testFrame(1)])
      await stopped.promise
      assert.equal(bench.port.write(batchOf([testFrame(2)])), 0)
    },
  )

  await t.test('addresses are set on an open port only, and wrong ones are refused', async (scope) => {
    const { port } = await make(scope)
    await assert.rejects(port.setAddresses([]), { code: 'ERR_NOT_STARTED' })
    await port.start()
    await port.setAddresses(['10.77.0.1/24', 'fd77::1/64'])
    for (const wrong of [
      '10.77.0.1',
      '10.77.0.1/33',
      '10.77.0.1/24\nlink del lo',
      'fd77::1%1/64',
      '/24',
      '',
    ]) {
      await assert.rejects(port.setAddresses([wrong]), { code: 'ERR_ADDRESS_INVALID' })
    }
  })

  await t.test('when the interface goes away it tells once and has stopped', async (scope) => {
    const bench = await started(scope)
    const errors: Error[] = []
    const told = Promise.withResolvers<void>()
    bench.port.onError = (error) => {
      errors.push(error)
      assert.equal(bench.port.write(batchOf([testFrame(1)])), 0)
      told.resolve()
    }
    await bench.remove()
    bench.port.write(batchOf([testFrame(1)]))
    await told.promise
    await bench.port.stop()
    assert.equal(errors.length, 1)
    assert.equal((errors[0] as { code?: string }).code, 'ERR_SYSTEM_CALL')
  })
}
