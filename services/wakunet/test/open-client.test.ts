import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { NatsBus } from '@wakunet/bus'
import { WakunetError } from '@wakunet/interface'
import { systemClock } from '@wakunet/service-kit'
import { freePort, recordingLogger, requirePrograms } from '@wakunet/testing'
import { openClient } from '../src/open-client.ts'
import { runCli } from './cli-harness.ts'
import { port, status } from './fake-answers.ts'

/** Resolves once the server says that it listens. */
const startNats = async (tcpPort: number): Promise<ChildProcess> => {
  const server = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(tcpPort)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  for await (const line of createInterface({ input: server.stderr })) {
    if (line.includes('Server is ready')) return server
  }
  throw new Error('nats-server ended before it was ready')
}

describe('the command line over NATS', { timeout: 60_000 }, () => {
  requirePrograms(['nats-server'])
  let server: ChildProcess
  let url = ''
  const services: NatsBus[] = []

  before(async () => {
    const tcpPort = await freePort()
    server = await startNats(tcpPort)
    url = `nats://127.0.0.1:${tcpPort}/node7`
    for (const role of ['trunk-peer', 'vlan-switch'] as const) {
      const bus = new NatsBus({
        servers: [`127.0.0.1:${tcpPort}`],
        role,
        prefix: 'node7',
        logger: recordingLogger(),
        clock: systemClock,
      })
      services.push(bus)
      await bus.start()
    }
    services[0]!.respond('trunk.status', () => status)
    services[1]!.respond('switch.list', () => ({ ports: [port] }))
    services[1]!.respond('switch.leave', () => {
      throw new WakunetError('ERR_VLAN_NOT_JOINED', 'office is not joined here')
    })
    await Promise.all(services.map((bus) => bus.flush()))
  })

  after(async () => {
    await Promise.all(services.map((bus) => bus.stop()))
    server.kill('SIGKILL')
    await once(server, 'exit')
  })

  const run = (...argv: string[]) =>
    runCli(['--bus', url, '--json', ...argv], { openClient: (options) => openClient(options, {}) })

  test('the same commands work against services in processes of their own', async () => {
    const { code, stdout, stderr } = await run('status')
    assert.equal(code, 0, stderr)
    assert.deepEqual(JSON.parse(stdout), { node: status, vlans: [port] })
  })

  test("a service's refusal arrives with its own code", async () => {
    const { code, stderr } = await run('vlan', 'leave', 'office')
    assert.equal(code, 2)
    assert.deepEqual(JSON.parse(stderr).error, {
      code: 'ERR_VLAN_NOT_JOINED',
      message: 'office is not joined here',
    })
  })

  test('a service that is away is told as such, with exit code 3', async () => {
    const { code, stderr } = await run('peers')
    assert.equal(code, 3)
    assert.match(JSON.parse(stderr).error.message, /trunk\.peers/)
  })
})
