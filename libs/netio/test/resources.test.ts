import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { tempDir } from '@wakunet/testing'
import { AeadContext, UdpBatchSocket, UnixStream, UnixStreamListener } from '../src/index.ts'
import { native } from '../src/native.ts'
import { enterNamespace } from './enter-namespace.ts'

enterNamespace(import.meta.filename)

const openDescriptors = (): number => readdirSync('/proc/self/fd').length

/** Handles are closed in the next turn of the event loop. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('1,000 UDP sockets opened and closed leave no descriptor', async () => {
  const open = async () => {
    const socket = new UdpBatchSocket({ host: '127.0.0.1', port: 0 })
    await socket.start()
    await socket.stop()
  }
  await open()
  const before = openDescriptors()
  for (let i = 0; i < 1000; i++) await open()
  assert.equal(openDescriptors(), before)
})

test('1,000 Unix connections opened and closed by either side leave no descriptor', async (t) => {
  const listener = new UnixStreamListener({ path: join(await tempDir(t), 'lane.sock') })
  await listener.start()
  t.after(() => listener.stop())
  const open = async (i: number) => {
    const accepted = Promise.withResolvers<UnixStream>()
    listener.onConnection = accepted.resolve
    const near = UnixStream.connect(listener.path)
    const far = await accepted.promise
    const [first, second] = i % 2 ? [near, far] : [far, near]
    const closed = Promise.withResolvers<void>()
    second.onClose = () => closed.resolve()
    second.onReadable = () => void second.read(new Uint8Array(8))
    first.close()
    await closed.promise
  }
  await open(0)
  const before = openDescriptors()
  for (let i = 0; i < 1000; i++) await open(i)
  assert.equal(openDescriptors(), before)
})

test('1,000 connections that fail leave no descriptor', () => {
  const before = openDescriptors()
  for (let i = 0; i < 1000; i++) assert.throws(() => UnixStream.connect('/nonexistent/socket'))
  assert.equal(openDescriptors(), before)
})

test('TAPs opened and closed, watched or not, leave no descriptor', async () => {
  const { Tap } = native()
  const before = openDescriptors()
  for (let i = 0; i < 40; i++) {
    const tap = new Tap('wkleak', true)
    if (i % 2) tap.watch(() => {})
    assert.throws(() => new Tap('wkleak', true))
    tap.close()
    await turn()
  }
  assert.equal(openDescriptors(), before)
})

test('objects that are dropped without closing are closed by the garbage collector', async () => {
  const program = `
    import { readdirSync } from 'node:fs'
    import { UnixStreamListener, AeadContext } from ${JSON.stringify(join(import.meta.dirname, '../src/index.ts'))}
    import { native } from ${JSON.stringify(join(import.meta.dirname, '../src/native.ts'))}
    const address = new Uint8Array(28)
    native().packAddress(address, 0, '127.0.0.1', 0, 0)
    const count = () => readdirSync('/proc/self/fd').length
    const before = count()
    for (let i = 0; i < 200; i++) new (native().Udp)(address, true, true, 0, 0)
    const most = count()
    for (let i = 0; i < 200; i++) new AeadContext('aes-128-gcm', new Uint8Array(16))
    for (let i = 0; i < 5; i++) { globalThis.gc(); await new Promise((done) => setImmediate(done)) }
    console.log(JSON.stringify({ before, most, after: count() }))`
  const args = ['--expose-gc', '--input-type=module', '--eval', program]
  const { before, most, after } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
  assert.ok(most >= before + 100, `${most} open of 200`)
  assert.equal(after, before)
})

const WORKER = `
  import { parentPort } from 'node:worker_threads'
  import { openTap, UdpBatchSocket, AeadContext } from ${JSON.stringify(join(import.meta.dirname, '../src/index.ts'))}
  const tap = openTap({ name: 'wkworker' })
  await tap.start()
  const socket = new UdpBatchSocket({ host: '127.0.0.1', port: 0 })
  await socket.start()
  new AeadContext('aes-256-gcm', new Uint8Array(32))
  parentPort.postMessage('open')`

test('a worker thread that is terminated with everything open and watched takes it all along', async () => {
  const before = openDescriptors()
  const context = new AeadContext('aes-256-gcm', new Uint8Array(32))
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(WORKER, { eval: true })
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    await worker.terminate()
  }
  assert.equal(openDescriptors(), before)
  const bytes = new Uint8Array(64)
  assert.equal(context.sealOne(new Uint8Array(12), null, bytes, 0, 8, bytes, 0), 24)
})

test('a process ends cleanly with everything open', () => {
  const program = `${WORKER.replace(/parentPort\.postMessage.*/, '')}
    process.exit(7)`
  assert.throws(
    () => execFileSync(process.execPath, ['--input-type=module', '--eval', program]),
    (error: unknown) => (error as { status: number }).status === 7,
  )
})

test('an exception in a callback of the event loop is an uncaught exception, not lost and not a crash', () => {
  const program = `
    import { UdpBatchSocket, packSocketAddress } from ${JSON.stringify(join(import.meta.dirname, '../src/index.ts'))}
    import { createSocket } from 'node:dgram'
    const socket = new UdpBatchSocket({ host: '127.0.0.1', port: 0 })
    await socket.start()
    socket.onDatagrams = () => { throw new Error('from the callback') }
    process.on('uncaughtException', (error) => { console.log(error.message); process.exit(0) })
    createSocket('udp4').send('x', socket.address.port, '127.0.0.1')`
  const out = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' })
  assert.equal(out.trim(), 'from the callback')
})
