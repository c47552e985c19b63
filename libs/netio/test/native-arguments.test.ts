import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { withSeed } from '@wakunet/testing'
import { native } from '../src/native.ts'
import { enterNamespace } from './enter-namespace.ts'

enterNamespace(import.meta.filename)

type Anything = unknown
type Constructor = new (...args: Anything[]) => object
type Random = () => number

// Random paths become socket files: in a folder that goes away.
const folder = mkdtempSync(join(tmpdir(), 'wakunet-netio-'))
process.chdir(folder)
after(() => {
  process.chdir('/')
  rmSync(folder, { recursive: true })
})

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!

function detached(): Uint8Array {
  const bytes = new Uint8Array(64)
  structuredClone(bytes, { transfer: [bytes.buffer] })
  return bytes
}

function shrunk(): Uint8Array {
  const buffer = new ArrayBuffer(100_000, { maxByteLength: 100_000 })
  const bytes = new Uint8Array(buffer)
  buffer.resize(3)
  return bytes
}

/** An array whose getter takes away the buffer of an element that was fetched before. */
function treacherous(): Uint8Array[] {
  const first = new Uint8Array(4096)
  const parts = [first, first]
  Object.defineProperty(parts, 1, {
    get() {
      if (first.length > 0) structuredClone(first, { transfer: [first.buffer] })
      return new Uint8Array(16)
    },
  })
  return parts
}

const NUMBERS = [
  0,
  1,
  2,
  12,
  16,
  28,
  63,
  64,
  65,
  511,
  512,
  65_507,
  65_536,
  70_000,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
]
const ODD_NUMBERS = [
  -1,
  -0,
  0.5,
  2 ** 53,
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
]

const MAKERS: readonly ((random: Random) => Anything)[] = [
  (random) => pick(random, NUMBERS),
  (random) => pick(random, NUMBERS),
  (random) => pick(random, ODD_NUMBERS),
  (random) => new Uint8Array(pick(random, [0, 1, 12, 16, 28, 32, 56, 64, 4096, 65_600, 70_000, 1 << 20])),
  (random) => new Uint8Array(pick(random, [12, 16, 28, 32, 70_000])).fill(255),
  (random) => new Uint8Array(100).subarray(pick(random, [0, 50, 99, 100])),
  (random) => new Uint32Array(pick(random, [0, 1, 2, 64, 300])),
  (random) => new Uint32Array(pick(random, [1, 2, 64, 300])).map(() => pick(random, NUMBERS)),
  (random) => new BigUint64Array(pick(random, [0, 1, 64])).fill(2n ** 64n - 1n),
  (random) => new Float64Array(pick(random, [0, 2, 3, 4])),
  (random) => Array.from({ length: pick(random, [0, 1, 3, 256, 257, 513]) }, () => new Uint8Array(8)),
  (random) =>
    pick(random, ['', 'a', 'aes-256-gcm', 'chacha20-poly1305', '127.0.0.1', '::1', 'x'.repeat(200), 'a\0b']),
  (random) => pick(random, [true, false]),
  (random) => pick(random, [null, undefined, 1n, Symbol('s'), {}, [], new Date(), Buffer.alloc(32)]),
  () => [1, 'two', null],
  () => () => {},
  () => detached(),
  () => shrunk(),
  () => treacherous(),
  () => new Uint8Array(new SharedArrayBuffer(100)),
  () => new DataView(new ArrayBuffer(32)),
  () => new Proxy([new Uint8Array(4)], {}),
  () => new Proxy(new Uint8Array(32), {}),
]

/** Objects of every class, made anew for each round and closed after it. */
function makeReceivers(): Map<string, object> {
  const { Aead, DatagramOpener, DatagramSealer, Tap, Udp, UnixListener, UnixStream, packAddress } = native()
  const address = new Uint8Array(28)
  packAddress(address, 0, '127.0.0.1', 0, 0)
  rmSync('listener', { force: true })
  const listener = new UnixListener('listener', 0o600)
  return new Map<string, object>([
    ['Aead', new Aead('aes-128-gcm', new Uint8Array(16))],
    ['DatagramOpener', new DatagramOpener('aes-128-gcm', new Uint8Array(16), new Uint8Array(12), 0)],
    ['DatagramSealer', new DatagramSealer('aes-128-gcm', new Uint8Array(16), new Uint8Array(12), 0)],
    ['Tap', new Tap('wkfuzz', true)],
    ['Udp', new Udp(address, true, true, 0, 0)],
    ['UnixListener', listener],
    ['UnixStream', new UnixStream('listener', 0)],
  ])
}

/** A call may do anything but crash; a throw must be an Error. */
function attempt(run: () => Anything): void {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof Error, `threw ${String(error)}`)
  }
}

const close = (object: object): void => (object as { close(): void }).close()

const METHODS = (object: object): string[] =>
  Object.getOwnPropertyNames(Object.getPrototypeOf(object)).filter((name) => name !== 'constructor')

test('no arguments of any type or value crash a method; it returns or throws an Error', () =>
  withSeed((random) => {
    for (let round = 0; round < 60; round++) {
      const receivers = makeReceivers()
      for (const object of receivers.values()) {
        for (const name of METHODS(object)) {
          if (name === 'close') continue
          const method = (object as Record<string, (...args: Anything[]) => Anything>)[name]!
          for (let i = 0; i < 12; i++) {
            const args = Array.from({ length: Math.floor(random() * 12) }, () => pick(random, MAKERS)(random))
            attempt(() => method.apply(object, args))
          }
        }
      }
      for (const object of receivers.values()) close(object)
    }
  }))

test('arguments that are right but for one crash nothing either', () =>
  withSeed((random) => {
    const table = () => new Uint32Array(4)
    const bytes = () => new Uint8Array(70_000)
    const right: Record<string, () => [string, Anything[]][]> = {
      Aead: () => [
        ['sealOne', [new Uint8Array(12), null, bytes(), 0, 100, bytes(), 0]],
        ['openOne', [new Uint8Array(12), bytes(), bytes(), 0, 100, bytes(), 0]],
        ['seal', [new Uint8Array(12), null, [new Uint8Array(900)], bytes(), 0]],
        ['open', [new Uint8Array(12), null, [bytes(), new Uint8Array(9)], bytes(), 0]],
        [
          'sealBatch',
          [
            new Uint8Array(12),
            new BigUint64Array(4),
            0,
            bytes(),
            table(),
            table(),
            bytes(),
            table(),
            4,
            bytes(),
          ],
        ],
        [
          'openBatch',
          [
            new Uint8Array(12),
            new BigUint64Array(4),
            0,
            bytes(),
            table(),
            table(),
            bytes(),
            table(),
            4,
            bytes(),
          ],
        ],
      ],
      DatagramSealer: () => [
        ['sealBatch', [bytes(), table(), table(), 4]],
        ['sealSlices', [bytes(), 100, 60_000, 54, 1_000, new Uint8Array(10), new Uint8Array(1 << 20), 0]],
      ],
      DatagramOpener: () => [
        [
          'open',
          [bytes(), 0, 60_000, 100, new Uint8Array(1 << 20), new Uint32Array(600), new Float64Array(6)],
        ],
      ],
      Tap: () => [
        ['readBatch', [bytes(), 0, table(), table(), 4]],
        ['writeBatch', [bytes(), table(), table(), 4, new Float64Array(4)]],
      ],
      Udp: () => [
        [
          'sendBatch',
          [bytes(), table(), table(), table(), new Uint8Array(28), table(), 4, new Float64Array(3)],
        ],
        [
          'receiveBatch',
          [bytes(), 1000, table(), table(), table(), new Uint8Array(112), 4, new Float64Array(2)],
        ],
        ['localAddress', [new Uint8Array(28), 0]],
      ],
      UnixStream: () => [
        ['read', [bytes(), 0, 100]],
        ['writev', [[bytes(), new Uint8Array(3)], 5]],
      ],
    }
    const receivers = makeReceivers()
    for (const [className, calls] of Object.entries(right)) {
      const object = receivers.get(className) as Record<string, (...args: Anything[]) => Anything>
      for (const [name, args] of calls()) {
        // The negative control: these are the right ones.
        object[name]!(...args)
      }
      for (let round = 0; round < 300; round++) {
        for (const [name, args] of calls()) {
          args[Math.floor(random() * args.length)] = pick(random, MAKERS)(random)
          attempt(() => object[name]!(...args))
        }
      }
    }
    for (const object of receivers.values()) close(object)
  }))

test('no constructor arguments crash', () =>
  withSeed((random) => {
    const addon = native() as unknown as Record<string, Constructor>
    for (let i = 0; i < 3_000; i++) {
      const Class =
        addon[
          pick(random, ['Aead', 'DatagramOpener', 'DatagramSealer', 'Udp', 'UnixListener', 'UnixStream'])
        ]!
      const args = Array.from({ length: Math.floor(random() * 7) }, () => pick(random, MAKERS)(random))
      attempt(() => close(new Class(...args)))
      attempt(() => (Class as unknown as (...a: Anything[]) => Anything)(...args))
    }
  }))

test('a method of one class on an object of another, or on none, throws', () => {
  const receivers = makeReceivers()
  const strangers = [
    ...receivers.values(),
    {},
    Object.create([...receivers.values()][0]!),
    1,
    undefined,
    null,
  ]
  for (const object of receivers.values()) {
    for (const name of METHODS(object)) {
      const method = (object as Record<string, (...args: Anything[]) => Anything>)[name]!
      for (const stranger of strangers) {
        if (stranger !== object) assert.throws(() => method.call(stranger), Error, name)
      }
    }
  }
  for (const object of receivers.values()) close(object)
})

test('everything but close throws on a closed object', () => {
  for (const object of makeReceivers().values()) {
    close(object)
    close(object)
    for (const name of METHODS(object)) {
      if (name === 'close') continue
      const method = (object as Record<string, (...args: Anything[]) => Anything>)[name]!
      assert.throws(() => method.call(object, [], 0), Error, name)
    }
  }
})

test('a descriptor is watched once, and not before it is watched', () => {
  const receivers = makeReceivers()
  const udp = receivers.get('Udp') as InstanceType<ReturnType<typeof native>['Udp']>
  assert.throws(() => udp.interest(1), /not watched/)
  udp.watch(() => {})
  assert.throws(() => udp.watch(() => {}), /watched already/)
  assert.throws(() => udp.interest(4), RangeError)
  for (const object of receivers.values()) close(object)
})
