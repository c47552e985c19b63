import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import { tempDir } from '@wakunet/testing'
import { UnixStream, UnixStreamListener } from '../src/index.ts'

interface Scope {
  after(cleanUp: () => Promise<void> | void): void
}

/** A connected pair; both ends are closed after the test. */
async function pair(t: Scope, bufferBytes?: number): Promise<{ near: UnixStream; far: UnixStream }> {
  const path = join(await tempDir(t), 'lane.sock')
  const listener = new UnixStreamListener({ path, ...(bufferBytes !== undefined && { bufferBytes }) })
  await listener.start()
  t.after(() => listener.stop())
  const accepted = Promise.withResolvers<UnixStream>()
  listener.onConnection = accepted.resolve
  const near = UnixStream.connect(path, bufferBytes)
  const far = await accepted.promise
  t.after(() => {
    near.close()
    far.close()
  })
  return { near, far }
}

/** Everything that arrives until the end of the stream. */
function collect(stream: UnixStream): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  const buffer = Buffer.alloc(300_000)
  stream.onReadable = () => {
    const got = stream.read(buffer)
    if (got > 0) chunks.push(Buffer.from(buffer.subarray(0, got)))
  }
  stream.onClose = (error) => (error ? reject(error) : resolve(Buffer.concat(chunks)))
  return promise
}

/** Writes all parts, however often the buffer is full, then closes. */
async function sendAll(stream: UnixStream, parts: readonly Uint8Array[]): Promise<number> {
  const total = parts.reduce((sum, part) => sum + part.length, 0)
  let sent = 0
  let waits = 0
  while (sent < total) {
    const taken = stream.writev(parts, sent)
    sent += taken
    if (sent === total) break
    waits++
    const { promise, resolve } = Promise.withResolvers<void>()
    stream.onWritable = resolve
    await promise
  }
  stream.close()
  return waits
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

test('parts larger than every buffer arrive whole and in order', async (t) => {
  const { near, far } = await pair(t, 64 * 1024)
  const there = [randomBytes(3_000_000), randomBytes(1), new Uint8Array(0), randomBytes(2_000_000)]
  const receivedThere = collect(far)
  const waits = await sendAll(near, there)
  assert.ok(waits > 0, 'the buffer was never full')
  assert.equal(sha256(await receivedThere), sha256(Buffer.concat(there)))
})

test('bytes flow in both directions of one connection', async (t) => {
  const { near, far } = await pair(t)
  const buffer = Buffer.alloc(16)
  const echoed = Promise.withResolvers<string>()
  far.onReadable = () => far.writev([Buffer.from('echo '), buffer.subarray(0, far.read(buffer))])
  near.onReadable = () => {
    const target = Buffer.alloc(32)
    echoed.resolve(target.subarray(0, near.read(target)).toString())
  }
  near.writev([Buffer.from('hello')])
  assert.equal(await echoed.promise, 'echo hello')
})

test('a range of a buffer is filled and nothing beside it', async (t) => {
  const { near, far } = await pair(t)
  const target = new Uint8Array(8).fill(9)
  const read = Promise.withResolvers<number>()
  far.onReadable = () => read.resolve(far.read(target, 2, 3))
  near.writev([Uint8Array.of(1, 2, 3, 4)])
  assert.equal(await read.promise, 3)
  assert.deepEqual([...target], [9, 9, 1, 2, 3, 9, 9, 9])
})

test('a reader that stops pushes back: the writer is told that nothing more fits', async (t) => {
  const { near, far } = await pair(t, 64 * 1024)
  far.onReadable = null
  const chunk = new Uint8Array(65_536)
  let sent = 0
  for (let taken = 1; taken > 0; sent += taken) taken = near.writev([chunk])
  assert.ok(sent < 4_000_000, `${sent} bytes fitted`)
  assert.equal(near.writev([chunk]), 0)
  const writable = Promise.withResolvers<void>()
  near.onWritable = writable.resolve
  const received = collect(far)
  await writable.promise
  near.close()
  assert.equal((await received).length, sent)
})

test('what was sent before the other side closed is still read, then the close is told once', async (t) => {
  const { near, far } = await pair(t)
  near.writev([Buffer.from('last words')])
  near.close()
  assert.equal((await collect(far)).toString(), 'last words')
  assert.equal(far.closed, true)
  assert.equal(far.read(new Uint8Array(4)), 0)
  assert.equal(far.writev([Buffer.from('x')]), 0)
})

test('bytes that wait are read even when the connection broke with unread bytes of ours', async (t) => {
  const { near, far } = await pair(t)
  far.writev([Buffer.from('never read')])
  near.writev([Buffer.from('before the reset')])
  near.close()
  const buffer = Buffer.alloc(100)
  const chunks: string[] = []
  const closed = Promise.withResolvers<Error | undefined>()
  far.onClose = closed.resolve
  far.onReadable = () => chunks.push(buffer.toString('utf8', 0, far.read(buffer)))
  const error = await closed.promise
  assert.equal(chunks.join(''), 'before the reset')
  assert.ok(error instanceof WakunetError && error.message.includes('ECONNRESET'))
})

test('writing to a connection that broke tells by onClose, without a signal and without a throw', async (t) => {
  const { near, far } = await pair(t)
  far.close()
  const closed = Promise.withResolvers<Error | undefined>()
  near.onClose = closed.resolve
  assert.equal(near.writev([Buffer.from('x')]), 0)
  assert.ok((await closed.promise) instanceof WakunetError)
})

test('node:net speaks to both ends', async (t) => {
  const directory = await tempDir(t)
  const listener = new UnixStreamListener({ path: join(directory, 'ours') })
  await listener.start()
  t.after(() => listener.stop())
  const accepted = Promise.withResolvers<UnixStream>()
  listener.onConnection = accepted.resolve
  createConnection(listener.path).end('from node')
  assert.equal((await collect(await accepted.promise)).toString(), 'from node')

  const server = createServer((socket) => socket.end('to us')).listen(join(directory, 'theirs'))
  t.after(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  assert.equal((await collect(UnixStream.connect(join(directory, 'theirs')))).toString(), 'to us')
})

test('the socket file has mode 0600 whatever the umask is, and goes away on stop', async (t) => {
  const path = join(await tempDir(t), 'lane.sock')
  const umask = process.umask(0)
  t.after(() => void process.umask(umask))
  const listener = new UnixStreamListener({ path })
  await listener.start()
  await listener.start()
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await listener.stop()
  await listener.stop()
  assert.equal(existsSync(path), false)
})

test('a socket file that a crashed process left behind is replaced', async (t) => {
  const path = join(await tempDir(t), 'lane.sock')
  const crash =
    'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))'
  spawnSync(process.execPath, ['-e', crash, path])
  assert.equal(statSync(path).isSocket(), true)
  const listener = new UnixStreamListener({ path })
  await listener.start()
  t.after(() => listener.stop())
  assert.equal(UnixStream.connect(path).closed, false)
})

test('a second listener is refused, and stopping leaves a socket file that another one put there', async (t) => {
  const path = join(await tempDir(t), 'lane.sock')
  const first = new UnixStreamListener({ path })
  await first.start()
  await assert.rejects(new UnixStreamListener({ path }).start(), { code: 'ERR_PORT_TAKEN' })
  unlinkSync(path)
  const second = new UnixStreamListener({ path })
  await second.start()
  t.after(() => second.stop())
  await first.stop()
  assert.equal(statSync(path).isSocket(), true)
})

test('a path that somebody listens on, a plain file, and a path that is too long are refused', async (t) => {
  const directory = await tempDir(t)
  const file = join(directory, 'file')
  writeFileSync(file, 'precious')
  await assert.rejects(new UnixStreamListener({ path: file }).start(), { code: 'ERR_PORT_TAKEN' })
  assert.equal(statSync(file).size, 8)
  const long = join(directory, 'x'.repeat(120))
  await assert.rejects(new UnixStreamListener({ path: long }).start(), { code: 'ERR_CONFIG_INVALID' })
  await assert.rejects(new UnixStreamListener({ path: join(directory, 'no/such') }).start(), {
    code: 'ERR_SYSTEM_CALL',
  })
})

test('connecting to nothing says why', async (t) => {
  const path = join(await tempDir(t), 'nobody')
  assert.throws(
    () => UnixStream.connect(path),
    (error: unknown) =>
      error instanceof WakunetError &&
      error.code === 'ERR_SYSTEM_CALL' &&
      (error.cause as { code: string }).code === 'ENOENT',
  )
})
