import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { systemClock } from '@wakunet/service-kit'
import { recordingLogger, seededBytes, tempDir, withSeed } from '@wakunet/testing'
import {
  type Bus,
  ControlSocketClient,
  ControlSocketServer,
  InProcessBusHub,
  MAX_CONTROL_CLIENTS,
  MAX_CONTROL_LINE_BYTES,
  MAX_CONTROL_REQUESTS,
} from '../src/index.ts'
import { requestCompliance } from './bus-compliance.ts'
import { trunkStatus } from './samples.ts'
import { collector, withCode } from './support.ts'

const newHub = () => new InProcessBusHub({ logger: recordingLogger(), clock: systemClock })
const newClient = (path: string) => new ControlSocketClient({ path, clock: systemClock })

requestCompliance('Control socket', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wakunet-control-'))
  const hub = newHub()
  const cli = hub.connect('cli')
  await cli.start()
  const server = new ControlSocketServer({
    path: join(folder, 'control'),
    bus: cli,
    logger: recordingLogger(),
  })
  await server.start()
  const client = newClient(join(folder, 'control'))
  return {
    connect: async (role) => {
      const bus = hub.connect(role)
      await bus.start()
      return bus
    },
    requester: async () => client,
    settled: async () => {},
    [Symbol.asyncDispose]: async () => {
      await client.stop()
      await server.stop()
      await rm(folder, { recursive: true })
    },
  }
})

describe('Control socket: the file', () => {
  it('belongs to its user alone from the moment it exists, whatever the umask, and so does its folder', async (t) => {
    const path = join(await tempDir(t), 'run', 'wakunet', 'control')
    const umask = process.umask(0)
    t.after(() => process.umask(umask))
    await startedServer(t, path)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal((await stat(dirname(path))).mode & 0o777, 0o700)
    assert.equal(process.umask(), 0)
  })

  it('refuses to start where a node is running, and that node goes on', async (t) => {
    const path = join(await tempDir(t), 'control')
    const { trunk } = await startedServer(t, path)
    trunk.respond('trunk.status', () => trunkStatus)
    await assert.rejects(serverOn(path, trunk).start(), withCode('ERR_ALREADY_RUNNING'))
    assert.deepEqual(await ask(t, path), trunkStatus)
  })

  it('replaces the socket of a process that was killed', async (t) => {
    const path = join(await tempDir(t), 'control')
    const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.ok((await stat(path)).isSocket())
    const { trunk } = await startedServer(t, path)
    trunk.respond('trunk.status', () => trunkStatus)
    assert.deepEqual(await ask(t, path), trunkStatus)
  })

  it('leaves a file that is no socket alone', async (t) => {
    const path = join(await tempDir(t), 'precious')
    await writeFile(path, 'precious')
    await assert.rejects(serverOn(path, newHub().connect('cli')).start(), withCode('ERR_PORT_TAKEN'))
    assert.equal((await stat(path)).size, 8)
  })

  it('names paths that cannot be used', async (t) => {
    const bus = newHub().connect('cli')
    await assert.rejects(serverOn('x'.repeat(108), bus).start(), withCode('ERR_CONFIG_INVALID'))
    assert.throws(() => newClient(''), withCode('ERR_CONFIG_INVALID'))
    const file = join(await tempDir(t), 'file')
    await writeFile(file, '')
    await assert.rejects(serverOn(join(file, 'x', 'control'), bus).start(), withCode('ERR_SYSTEM_CALL'))
  })

  it('goes away with the server, and comes back with it', async (t) => {
    const path = join(await tempDir(t), 'control')
    const { server, trunk } = await startedServer(t, path)
    trunk.respond('trunk.status', () => trunkStatus)
    const client = newClient(path)
    t.after(() => client.stop())
    await client.request('trunk.status', {})
    await server.start()
    await server.stop()
    await server.stop()
    await assert.rejects(stat(path), { code: 'ENOENT' })
    // The client may not have noticed yet when it asks for the first time.
    await assert.rejects(client.request('trunk.status', {}))
    await assert.rejects(client.request('trunk.status', {}), withCode('ERR_NOT_RUNNING'))
    await server.start()
    assert.deepEqual(await client.request('trunk.status', {}), trunkStatus)
  })
})

describe('Control socket: client', () => {
  it('says what to do when no node is running', async (t) => {
    const path = join(await tempDir(t), 'control')
    await assert.rejects(newClient(path).start(), (error: Error) => {
      assert.match(error.message, /wakunet up/)
      return withCode('ERR_NOT_RUNNING')(error)
    })
  })

  it('fails what waits when the node goes away', async (t) => {
    const path = join(await tempDir(t), 'control')
    const { server, trunk } = await startedServer(t, path)
    const { promise, resolve } = Promise.withResolvers<typeof trunkStatus>()
    const asked = collector<void>(1)
    trunk.respond('trunk.status', () => {
      asked.add()
      return promise
    })
    const client = newClient(path)
    const waiting = assert.rejects(client.request('trunk.status', {}), withCode('ERR_BUS_DISCONNECTED'))
    await asked.items
    await server.stop()
    await waiting
    resolve(trunkStatus)
  })

  it('survives a server that answers nonsense', async (t) => {
    const path = join(await tempDir(t), 'control')
    const answers = ['nonsense\n', '{"id":0}\n', '{"id":99,"reply":{}}\n\n\0', '{"id":2,"reply":{"no":1}}\n']
    let connections = 0
    const impostor = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(answers[connections++]!))
    }).listen(path)
    t.after(() => impostor.close())
    await once(impostor, 'listening')
    const client = newClient(path)
    t.after(() => client.stop())
    for (let i = 0; i < 3; i++) {
      await assert.rejects(client.request('trunk.status', {}), withCode('ERR_BUS_DISCONNECTED'))
    }
  })
})

describe('Control socket: server', () => {
  it('answers requests of one line each, however they are cut into pieces', async (t) => {
    const { path, trunk } = await startedServer(t)
    trunk.respond('trunk.status', () => trunkStatus)
    const socket = await raw(t, path)
    socket.write('\n{"id":7,"subject":"trunk.status","payload":{}}\r\n{"id":8,"subject":"trunk.st')
    await new Promise(setImmediate)
    socket.write('atus"}\n')
    assert.deepEqual(await someLines(socket, 2), [
      { id: 7, reply: trunkStatus },
      { id: 8, reply: trunkStatus },
    ])
  })

  it('refuses subjects that are not for the command line, by the same error as the bus', async (t) => {
    const { path } = await startedServer(t)
    const socket = await raw(t, path)
    socket.end(
      '{"id":1,"subject":"trunk.membership.set","payload":{}}\n{"id":2,"subject":"__proto__","payload":{}}\n',
    )
    const codes = (await allLines(socket)).map((line) => line.error?.code)
    assert.deepEqual(codes, ['ERR_BUS_NOT_PERMITTED', 'ERR_BUS_NOT_PERMITTED'])
  })

  const malformed: Record<string, string | Uint8Array> = {
    'no JSON': 'hello\n',
    'another shape': '{"subject":"trunk.status"}\n',
    'an unknown key': '{"id":1,"subject":"trunk.status","extra":1}\n',
    'a negative id': '{"id":-1,"subject":"trunk.status"}\n',
    'no UTF-8': Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a]),
    'a line over the limit': Buffer.alloc(MAX_CONTROL_LINE_BYTES + 1, 0x20),
  }
  for (const [what, bytes] of Object.entries(malformed)) {
    it(`answers, closes and counts ${what}`, async (t) => {
      const { path, server } = await startedServer(t)
      const socket = await raw(t, path)
      socket.write(bytes)
      const lines = await allLines(socket)
      assert.equal(lines.length, 1)
      assert.equal(lines[0]?.id, null)
      assert.equal(lines[0]?.error?.code, 'ERR_DECODE')
      assert.equal(server.stats.linesMalformed, 1)
    })
  }

  it('survives random bytes and clients that break off anywhere', async (t) => {
    const { path, server, trunk } = await startedServer(t)
    trunk.respond('trunk.status', () => trunkStatus)
    const line = '{"id":1,"subject":"trunk.status","payload":{}}\n'
    await withSeed(async (random) => {
      for (let i = 0; i <= line.length; i++) {
        const socket = await raw(t, path)
        if (i % 2 === 0) socket.end(line.slice(0, i))
        else socket.end(seededBytes(Math.floor(random() * 2_000), random))
        await allLines(socket)
      }
    })
    assert.deepEqual(await ask(t, path), trunkStatus)
    assert.ok(server.stats.linesMalformed > 0)
  })

  it('bounds the requests of one client that are under way', async (t) => {
    const { path, server, trunk } = await startedServer(t)
    const { promise, resolve } = Promise.withResolvers<typeof trunkStatus>()
    const asked = collector<void>(MAX_CONTROL_REQUESTS)
    trunk.respond('trunk.status', () => {
      asked.add()
      return promise
    })
    const client = newClient(path)
    t.after(() => client.stop())
    const waiting = Array.from({ length: MAX_CONTROL_REQUESTS }, () => client.request('trunk.status', {}))
    await asked.items
    await assert.rejects(client.request('trunk.status', {}), withCode('ERR_BUS_OVERLOADED'))
    assert.equal(server.stats.overloaded, 1)
    resolve(trunkStatus)
    await Promise.all(waiting)
  })

  it('bounds the clients, and lets another one in when one has left', async (t) => {
    const { path, server, trunk } = await startedServer(t)
    trunk.respond('trunk.status', () => trunkStatus)
    const clients: Socket[] = []
    for (let i = 0; i < MAX_CONTROL_CLIENTS; i++) clients.push(await raw(t, path))
    const refused = await allLines(await raw(t, path))
    assert.equal(refused[0]?.error?.code, 'ERR_BUS_OVERLOADED')
    assert.equal(server.stats.clientsRefused, 1)
    assert.equal(server.stats.clients, MAX_CONTROL_CLIENTS)
    clients[0]!.end()
    await allLines(clients[0]!)
    while (server.stats.clients === MAX_CONTROL_CLIENTS) await new Promise(setImmediate)
    assert.deepEqual(await ask(t, path), trunkStatus)
  })

  it('ends what a client asked for when the client goes away', async (t) => {
    const path = join(await tempDir(t), 'control')
    const aborted = Promise.withResolvers<void>()
    const server = new ControlSocketServer({
      path,
      logger: recordingLogger(),
      bus: {
        request: (_subject, _payload, options) => {
          options?.signal?.addEventListener('abort', () => aborted.resolve())
          return new Promise(() => {})
        },
      },
    })
    t.after(() => server.stop())
    await server.start()
    const socket = await raw(t, path)
    socket.write('{"id":1,"subject":"trunk.status"}\n')
    while (server.stats.requests === 0) await new Promise(setImmediate)
    socket.destroy()
    await aborted.promise
  })
})

function serverOn(path: string, bus: Bus): ControlSocketServer {
  return new ControlSocketServer({ path, bus, logger: recordingLogger() })
}

async function startedServer(t: TestContext, at?: string) {
  const path = at ?? join(await tempDir(t), 'control')
  const hub = newHub()
  const cli = hub.connect('cli')
  const trunk = hub.connect('trunk-peer')
  await Promise.all([cli.start(), trunk.start()])
  const server = serverOn(path, cli)
  t.after(() => server.stop())
  await server.start()
  return { path, server, trunk }
}

/** One request over a connection of its own. */
async function ask(t: TestContext, path: string): Promise<unknown> {
  const client = newClient(path)
  t.after(() => client.stop())
  return client.request('trunk.status', {})
}

async function raw(t: TestContext, path: string): Promise<Socket> {
  const socket = connect(path)
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

interface Line {
  id: number | null
  reply?: unknown
  error?: { code: string; message: string }
}

/** Everything the server writes until it closes. */
const allLines = (socket: Socket) => someLines(socket, Infinity)

/** The first `count` lines, or all where the server closes earlier. */
async function someLines(socket: Socket, count: number): Promise<Line[]> {
  let text = ''
  for await (const chunk of socket) {
    text += String(chunk)
    if (text.split('\n').length > count) break
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}
