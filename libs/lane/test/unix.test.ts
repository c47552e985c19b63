import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, connect as netConnect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type Clock, MAX_LANE_MESSAGE_BYTES, MAX_LANE_QUEUE_BYTES, WakunetError } from '@wakunet/interface'
import { systemClock } from '@wakunet/service-kit'
import { FakeClock, recordingLogger, seededBytes, tempDir, withSeed } from '@wakunet/testing'
import { encodeHello } from '../src/hello.ts'
import { UnixLaneClient, UnixLaneServer } from '../src/index.ts'
import { MAX_LANE_CLIENTS, MAX_UNATTACHED } from '../src/limits.ts'
import { laneCompliance, listen, text, until } from './lane-compliance.ts'
import { socketLaneCompliance } from './socket-compliance.ts'

const MAX_QUEUED = MAX_LANE_QUEUE_BYTES + 64 * 1024 + MAX_LANE_MESSAGE_BYTES + 4

async function makeFixture() {
  const folder = await mkdtemp(join(tmpdir(), 'wakunet-lane-'))
  const path = join(folder, 'lane')
  const clients: UnixLaneClient[] = []
  const server = serverOn(path)
  const makeClient = (name: string) => {
    const client = clientOn(path, name)
    clients.push(client)
    return client
  }
  return {
    server,
    makeClient,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.stop()))
      await server.stop()
      await rm(folder, { recursive: true })
    },
  }
}

laneCompliance('Unix lane', async () => {
  const fixture = await makeFixture()
  return { ...fixture, client: fixture.makeClient('vlan-switch') }
})
socketLaneCompliance('Unix lane', makeFixture)

describe('Unix lane: a receiver that does not read', () => {
  it('queues up to the bound, drops the oldest whole messages, and loses count of none', async (t) => {
    const { server, path } = await startedServer(t)
    const connected = Promise.withResolvers<void>()
    server.onConnection = () => connected.resolve()
    const socket = await rawClient(t, path, 'slow')
    await connected.promise
    const connection = server.connections.get('slow')!
    const sizes = [100, 60_000, 9_000, 0, 200_000]
    const calls = 600
    const body = new Uint8Array(MAX_LANE_MESSAGE_BYTES)
    for (let i = 0; i < calls; i++) {
      const header = new Uint8Array(4)
      new DataView(header.buffer).setUint32(0, i)
      connection.send([header, body.subarray(0, sizes[i % sizes.length]!)])
      assert.ok(connection.stats.queuedBytes <= MAX_QUEUED)
    }
    const full = connection.stats
    assert.ok(full.messagesDropped > 0)
    assert.ok(full.queuedBytes > MAX_LANE_QUEUE_BYTES - 2 * MAX_LANE_MESSAGE_BYTES)

    const received = readMessages(socket, calls - 1)
    const order = (await received).map((message) => message.readUInt32BE(0))
    const { messagesSent, messagesDropped, bytesSent, queuedBytes } = connection.stats
    assert.equal(messagesSent + messagesDropped, calls)
    assert.equal(messagesDropped, full.messagesDropped)
    assert.equal(order.length, messagesSent)
    assert.equal(
      bytesSent,
      order.reduce((sum, i) => sum + 4 + sizes[i % sizes.length]!, 0),
    )
    assert.equal(queuedBytes, 0)
    // One gap: what the socket had taken, then the newest.
    const gaps = order.filter((value, i) => i > 0 && value !== order[i - 1]! + 1)
    assert.equal(gaps.length, 1)
    assert.equal(order[0], 0)
    assert.equal(order.at(-1), calls - 1)
  })

  it('counts what waits as dropped when the connection goes away', async (t) => {
    const { server, path } = await startedServer(t)
    const socket = await rawClient(t, path, 'slow')
    await until(() => server.connections.has('slow'))
    const connection = server.connections.get('slow')!
    const gone = Promise.withResolvers<void>()
    connection.onDisconnect = gone.resolve
    const message = new Uint8Array(60_000)
    for (let i = 0; i < 100; i++) connection.send([message])
    socket.destroy()
    await gone.promise
    const { stats } = connection
    assert.equal(stats.messagesSent + stats.messagesDropped, 100)
    assert.ok(stats.messagesDropped > 0)
    assert.equal(stats.queuedBytes, 0)
  })

  it('gathers many parts and many small messages without mixing them up', async (t) => {
    const { server, path } = await startedServer(t)
    const socket = await rawClient(t, path, 'parts')
    await until(() => server.connections.has('parts'))
    const connection = server.connections.get('parts')!
    const parts = Array.from({ length: 2_000 }, (_, i) => new Uint8Array([i, i >> 8, 7]))
    connection.send([text('small')])
    connection.send(parts)
    connection.send([text('after')])
    const [small, joined, after] = await readMessages(socket, 3)
    assert.equal(small?.toString(), 'small')
    assert.deepEqual(joined, Buffer.concat(parts))
    assert.equal(after?.toString(), 'after')
  })
})

describe('Unix lane: hostile bytes', () => {
  const hello = (name: string) => framed(encodeHello(name))
  const wrong = (change: (bytes: Uint8Array) => void) => {
    const bytes = encodeHello('evil')
    change(bytes)
    return framed(bytes)
  }
  const attacks: Record<string, Uint8Array> = {
    'another magic': wrong((bytes) => bytes.fill(0x58, 0, 1)),
    'another version': wrong((bytes) => bytes.fill(2, 4, 5)),
    'a name length that lies': wrong((bytes) => bytes.fill(3, 5, 6)),
    'a name with forbidden characters': wrong((bytes) => bytes.fill(0x2f, 6, 7)),
    'no name': hello(''),
    'an empty hello': framed(new Uint8Array(0)),
    'a hello longer than any': framed(new Uint8Array(71)),
    'a length of 4 GiB': new Uint8Array([0xff, 0xff, 0xff, 0xff]),
    HTTP: text('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  }

  for (const [what, bytes] of Object.entries(attacks)) {
    it(`closes and counts a connection that opens with ${what}`, async (t) => {
      const { server, path } = await startedServer(t)
      const honest = await attachedClient(t, server, path)
      const socket = await rawSocket(t, path)
      socket.write(bytes)
      await closed(socket)
      assert.equal(server.stats.connectionsRefused, 1)
      await stillWorks(server, honest)
    })
  }

  it('closes and counts a hello that ends at any byte, and accepts one that comes byte by byte', async (t) => {
    const { server, path } = await startedServer(t)
    const bytes = hello('slow')
    for (let length = 0; length < bytes.length; length++) {
      const socket = await rawSocket(t, path)
      socket.end(bytes.subarray(0, length))
      await closed(socket)
      assert.equal(server.stats.connectionsRefused, length + 1)
    }
    const socket = await rawSocket(t, path)
    for (const byte of bytes) {
      socket.write(new Uint8Array([byte]))
      await new Promise(setImmediate)
    }
    await until(() => server.connections.has('slow'))
  })

  it('survives random bytes of any length, before and after a hello', async (t) => {
    const { server, path } = await startedServer(t)
    const honest = await attachedClient(t, server, path)
    await withSeed(async (random) => {
      for (let i = 0; i < 100; i++) {
        const socket = await rawSocket(t, path)
        if (i % 2 === 0) socket.write(hello('random'))
        socket.end(seededBytes(Math.floor(random() * 3_000), random))
        await closed(socket)
      }
    })
    await until(() => !server.connections.has('random'))
    await stillWorks(server, honest)
  })

  it('closes and counts an attached client that announces a message over the limit', async (t) => {
    const { server, path } = await startedServer(t)
    const honest = await attachedClient(t, server, path)
    const socket = await rawClient(t, path, 'evil')
    await until(() => server.connections.has('evil'))
    const connection = server.connections.get('evil')!
    const received = listen(connection, 1)
    socket.write(framed(text('good')))
    assert.deepEqual(await received, ['good'])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(MAX_LANE_MESSAGE_BYTES + 1)
    socket.write(length)
    await closed(socket)
    assert.equal(connection.stats.messagesInvalid, 1)
    assert.equal(connection.connected, false)
    await stillWorks(server, honest)
  })

  it('closes connections that say nothing in time, and refuses more than a few of them', async (t) => {
    const clock = new FakeClock()
    const { server, path } = await startedServer(t, clock)
    const silent: Socket[] = []
    for (let i = 0; i < MAX_UNATTACHED; i++) silent.push(await rawSocket(t, path))
    await closed(await rawSocket(t, path))
    assert.equal(server.stats.connectionsRefused, 1)
    clock.advance(3_000)
    await Promise.all(silent.map(closed))
    assert.equal(server.stats.connectionsRefused, 1 + MAX_UNATTACHED)
    assert.equal(clock.pendingTimers, 0)
    await rawClient(t, path, 'welcome')
    await until(() => server.connections.has('welcome'))
    assert.equal(clock.pendingTimers, 0)
  })

  it('attaches a bounded number of clients; a known name still gets in', async (t) => {
    const { server, path } = await startedServer(t)
    for (let i = 0; i < MAX_LANE_CLIENTS; i++) await rawClient(t, path, `client-${i}`)
    await until(() => server.connections.size === MAX_LANE_CLIENTS)
    await closed(await rawClient(t, path, 'one-too-many'))
    assert.equal(server.connections.size, MAX_LANE_CLIENTS)
    await rawClient(t, path, 'client-3')
    await until(() => server.stats.connectionsReplaced === 1)
    assert.equal(server.connections.size, MAX_LANE_CLIENTS)
  })
})

describe('Unix lane: client', () => {
  it('does not take just anything that listens for a lane, and says so once', async (t) => {
    const path = join(await tempDir(t), 'lane')
    const answers = [text('HTTP/1.1 400 Bad Request\r\n\r\n'), framed(encodeHello('name')), framed(text(''))]
    let connections = 0
    const impostor = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(answers[connections++ % answers.length]!)
    })
    impostor.listen(path)
    t.after(() => impostor.close())
    const logger = recordingLogger()
    const client = new UnixLaneClient({ path, name: 'x', logger, clock: systemClock })
    t.after(() => client.stop())
    client.onConnect = () => assert.fail('must not connect')
    await client.start()
    await until(() => connections >= answers.length)
    assert.equal(client.connected, false)
    assert.equal(logger.messages('warn').length, 1)
  })

  it('gives up a server that says nothing, and tries again', async (t) => {
    const path = join(await tempDir(t), 'lane')
    const silent = createServer(() => {}).listen(path)
    t.after(() => silent.close())
    await once(silent, 'listening')
    const clock = new FakeClock()
    const client = new UnixLaneClient({ path, name: 'x', logger: recordingLogger(), clock })
    t.after(() => client.stop())
    const started = client.start()
    await new Promise(setImmediate)
    clock.advance(3_000)
    await started
    assert.equal(client.connected, false)
  })

  it('refuses names and paths that cannot be used', () => {
    const init = { logger: recordingLogger(), clock: systemClock }
    const invalid = (error: unknown) => error instanceof WakunetError && error.code === 'ERR_CONFIG_INVALID'
    for (const name of ['', 'a b', 'ä', 'x'.repeat(65), 'a/b', 'a.b']) {
      assert.throws(() => new UnixLaneClient({ ...init, name, path: '/tmp/x' }), invalid)
    }
    for (const path of ['', 'x'.repeat(108)]) {
      assert.throws(() => new UnixLaneClient({ ...init, name: 'x', path }), invalid)
    }
  })
})

describe('Unix lane: server', () => {
  it('makes its folder for its own user alone, and the socket with the mode that was asked for', async (t) => {
    const folder = join(await tempDir(t), 'made')
    const server = serverOn(join(folder, 'lane'))
    t.after(() => server.stop())
    await server.start()
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    assert.equal((await stat(join(folder, 'lane'))).mode & 0o777, 0o600)
    await server.stop()
    await assert.rejects(stat(join(folder, 'lane')), { code: 'ENOENT' })
    const open = new UnixLaneServer({
      path: join(folder, 'lane'),
      mode: 0o660,
      logger: recordingLogger(),
      clock: systemClock,
    })
    t.after(() => open.stop())
    await open.start()
    assert.equal((await stat(join(folder, 'lane'))).mode & 0o777, 0o660)
  })

  it('refuses a path where another server or a file is', async (t) => {
    const { path } = await startedServer(t)
    const taken = (error: unknown) => error instanceof WakunetError && error.code === 'ERR_PORT_TAKEN'
    await assert.rejects(serverOn(path).start(), taken)
    const folder = await tempDir(t)
    await mkdir(join(folder, 'sub'))
    await writeFile(join(folder, 'sub', 'file'), 'precious')
    await chmod(join(folder, 'sub'), 0o755)
    await assert.rejects(serverOn(join(folder, 'sub', 'file')).start(), taken)
  })

  it('goes on when an owner throws in onConnection', async (t) => {
    const { server, path } = await startedServer(t)
    server.onConnection = () => {
      throw new Error('on purpose')
    }
    await rawClient(t, path, 'any')
    await until(() => server.connections.get('any')?.connected === true)
  })
})

function serverOn(path: string, clock: Clock = systemClock): UnixLaneServer {
  return new UnixLaneServer({ path, logger: recordingLogger(), clock })
}

function clientOn(path: string, name: string): UnixLaneClient {
  return new UnixLaneClient({ path, name, logger: recordingLogger(), clock: systemClock })
}

async function startedServer(t: TestContext, clock?: Clock) {
  const path = join(await tempDir(t), 'lane')
  const server = serverOn(path, clock)
  t.after(() => server.stop())
  await server.start()
  return { server, path }
}

async function attachedClient(t: TestContext, server: UnixLaneServer, path: string): Promise<UnixLaneClient> {
  const client = clientOn(path, 'honest')
  t.after(() => client.stop())
  await client.start()
  await until(() => server.connections.has('honest'))
  return client
}

async function stillWorks(server: UnixLaneServer, client: UnixLaneClient): Promise<void> {
  const connection = server.connections.get(client.name)!
  const received = listen(connection, 1)
  client.send([text('still here')])
  assert.deepEqual(await received, ['still here'])
  assert.equal(connection.stats.messagesInvalid, 0)
}

/** A socket of `node:net`, which knows nothing of the lane. */
async function rawSocket(t: TestContext, path: string): Promise<Socket> {
  const socket = netConnect(path)
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** The same, after it said hello; it does not read. */
async function rawClient(t: TestContext, path: string, name: string): Promise<Socket> {
  const socket = await rawSocket(t, path)
  socket.write(framed(encodeHello(name)))
  return socket
}

async function closed(socket: Socket): Promise<void> {
  socket.resume()
  if (!socket.closed) await once(socket, 'close')
}

function framed(message: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(4 + message.length)
  bytes.writeUInt32BE(message.length)
  bytes.set(message, 4)
  return bytes
}

/** Reads messages, without the hello, until `count` or the one numbered `count` in its first bytes came. */
async function readMessages(socket: Socket, last: number): Promise<Buffer[]> {
  const messages: Buffer[] = []
  let pending = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
      const end = 4 + pending.readUInt32BE(0)
      messages.push(pending.subarray(4, end))
      pending = pending.subarray(end)
    }
    const newest = messages.at(-1)
    if (newest !== undefined && messages.length > 1 && newest.length >= 4 && newest.readUInt32BE(0) === last)
      break
    if (messages.length === last + 1) break
  }
  return messages.slice(1)
}
