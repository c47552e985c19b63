import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { freePort, requirePrograms, requireRoot, tempDir } from '@wakunet/testing'
import { AS_NOBODY } from './as-nobody.ts'
import { COMPILE_CACHE, MAIN } from './main-program.ts'

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves with the first line on standard output. */
  readonly firstLine: Promise<string>
}

/** Runs the real command line in a process of its own. */
const start = (t: TestContext, argv: readonly string[], wrapper: readonly string[] = []): Running => {
  const [program = process.execPath, ...args] = [...wrapper, process.execPath, MAIN, ...argv]
  const child = spawn(program, args, {
    env: {
      PATH: process.env.PATH,
      HOME: '/nonexistent',
      ...COMPILE_CACHE,
      XDG_CONFIG_HOME: '/nonexistent',
      WAKUNET_TRUNK_MDNS: 'false',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  const { promise: firstLine, resolve } = Promise.withResolvers<string>()
  const written = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written.stdout += text
    if (written.stdout.includes('\n')) resolve(written.stdout.slice(0, written.stdout.indexOf('\n')))
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    written.stderr += text
  })
  const ended = once(child, 'close').then(([code]) => {
    resolve('')
    return { code: code as number | null, ...written }
  })
  return { child, ended, firstLine }
}

const run = (t: TestContext, argv: readonly string[], wrapper?: readonly string[]): Promise<Ended> =>
  start(t, argv, wrapper).ended

const upArguments = (folder: string, port: number): readonly string[] => [
  'up',
  ...['--state-dir', path.join(folder, 'state')],
  ...['--listen', `/ip4/127.0.0.1/tcp/${port}`],
  '--no-http',
]

/** One message that says what is wrong, exit code 2, no stack. */
const assertRefused = (ended: Ended, says: RegExp): void => {
  assert.equal(ended.code, 2, ended.stderr)
  assert.equal(ended.stdout, '')
  assert.match(ended.stderr, says)
  assert.doesNotMatch(ended.stderr, /^\s+at |"stack"/m)
}

describe('wakunet up', { timeout: 120_000 }, () => {
  requireRoot()
  requirePrograms(['unshare', 'setpriv', 'ip'])

  test('says on stdout when it is up, answers commands, and ends cleanly on SIGTERM', async (t) => {
    const folder = await tempDir(t)
    const node = start(t, [...upArguments(folder, 0), '--json'])
    const line = await node.firstLine
    const up = JSON.parse(line)
    assert.equal(up.event, 'up')
    assert.equal(statSync(up.controlSocket).mode & 0o777, 0o600)
    const status = await run(t, ['status', '--json', '--state-dir', path.join(folder, 'state')])
    assert.equal(JSON.parse(status.stdout).node.nodeId, up.nodeId)
    const second = await run(t, upArguments(folder, 0))
    assertRefused(second, /another Wakunet process.*state/)
    node.child.kill('SIGTERM')
    const ended = await node.ended
    assert.equal(ended.code, 0, ended.stderr)
    assert.equal(existsSync(up.controlSocket), false)
    const after = await run(t, ['status', '--state-dir', path.join(folder, 'state')])
    assert.equal(after.code, 3)
    assert.match(after.stderr, /wakunet up/)
  })

  test('refuses a port that another program has, naming it', async (t) => {
    const server = createServer().listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    const ended = await run(t, upArguments(await tempDir(t), address.port))
    assertRefused(ended, new RegExp(`${address.port}.*trunk\\.listen`, 's'))
    const json = await run(t, [...upArguments(await tempDir(t), address.port), '--json'])
    assert.equal(JSON.parse(json.stderr.trim().split('\n').at(-1) ?? '').error.code, 'ERR_PORT_TAKEN')
  })

  test('tells all faults of its configuration at once', async (t) => {
    const folder = await tempDir(t)
    const file = path.join(folder, 'wakunet.yaml')
    writeFileSync(file, 'trunk: { heartbeatMs: fast }\nhttp: { port: -1 }\nswicht: {}\n')
    const ended = await run(t, ['up', '--config', file, '--log-level', 'info'])
    assertRefused(ended, /3 faults/)
    for (const key of ['trunk.heartbeatMs', 'http.port', 'swicht'])
      assert.match(ended.stderr, new RegExp(key))
  })

  test('without /dev/net/tun it says how to get it', async (t) => {
    const hide = ['unshare', '--mount', '--', 'sh', '-c', 'mount -t tmpfs none /dev/net && exec "$@"', 'sh']
    const ended = await run(t, upArguments(await tempDir(t), 0), hide)
    assertRefused(ended, /\/dev\/net\/tun.*modprobe tun/)
    const json = await run(t, [...upArguments(await tempDir(t), 0), '--json'], hide)
    assert.equal(JSON.parse(json.stderr).error.code, 'ERR_TUN_DEVICE_MISSING')
  })

  test('without root it names the missing privilege and offers the user-namespace demo', async (t) => {
    const ended = await run(t, upArguments('/nonexistent', 0), AS_NOBODY)
    assertRefused(ended, /CAP_NET_ADMIN.*sudo wakunet up.*\n.*wakunet demo --user-namespace/)
    assertRefused(
      await run(t, ['demo', '--once'], AS_NOBODY),
      /CAP_NET_ADMIN.*\n.*wakunet demo --user-namespace/,
    )
  })

  test('refuses an interface name that is taken', async (t) => {
    const folder = await tempDir(t)
    const node = start(t, [...upArguments(folder, await freePort()), '--json'])
    assert.notEqual(await node.firstLine, '')
    const state = ['--state-dir', path.join(folder, 'state')]
    await run(t, ['vlan', 'create', 'office', ...state])
    const ended = await run(t, ['vlan', 'join', 'office', '--interface', 'lo', ...state])
    assertRefused(ended, /\blo\b.*taken/)
    node.child.kill('SIGINT')
    assert.equal((await node.ended).code, 0)
  })
})
