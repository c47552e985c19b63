import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { requirePrograms, requireRoot, tempDir } from '@wakunet/testing'
import { DemoNetwork } from '../src/demo/demo-network.ts'
import type { DemoReport } from '../src/demo/report.ts'
import { AS_NOBODY } from './as-nobody.ts'
import { COMPILE_CACHE, MAIN } from './main-program.ts'

const startDemo = (
  t: TestContext,
  argv: readonly string[],
  wrapper: readonly string[] = [],
): ChildProcess => {
  const [program = process.execPath, ...args] = [...wrapper, process.execPath, MAIN, 'demo', ...argv]
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Meant for a node of the user's own; the demo must not care.
    env: { ...process.env, ...COMPILE_CACHE, WAKUNET_TRUNK_LISTEN: 'banana', WAKUNET_FROB: '1' },
  })
  t.after(() => child.kill('SIGKILL'))
  return child
}

const textOf = async (stream: NodeJS.ReadableStream | null): Promise<string> => {
  let text = ''
  for await (const chunk of stream ?? []) text += chunk
  return text
}

/** Namespaces and folders of the lab that `pid` made. */
const leftovers = (pid: number | undefined): readonly string[] => {
  const own = new RegExp(`^wk${pid}-`)
  const namespaces = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n')
  return [...namespaces, ...readdirSync(tmpdir())].filter((name) => own.test(name))
}

/** A reaper works beside the killed process and needs a moment, so this one test looks at real time. */
const gone = async (pid: number | undefined): Promise<boolean> => {
  for (let round = 0; round < 100; round++) {
    if (leftovers(pid).length === 0) return true
    await pause(100)
  }
  return false
}

describe('the demo', { timeout: 240_000 }, () => {
  requireRoot()
  requirePrograms(['ip', 'ping', 'iperf3', 'unshare', 'setpriv'])

  const assertGood = (report: DemoReport): void => {
    assert.equal(report.ok, true, JSON.stringify(report.pings.filter((ping) => ping.lossPercent > 0)))
    assert.equal(report.hosts.length, 3)
    for (const host of report.hosts) {
      assert.equal(
        host.trunks.filter((trunk) => trunk.state === 'connected' && trunk.host !== null).length,
        2,
      )
      assert.equal(host.addresses.length, 3)
    }
    assert.equal(report.pings.length, 3 * 2 * 3)
    for (const ping of report.pings) assert.deepEqual([ping.received, ping.duplicates], [ping.sent, 0])
    assert.equal(report.throughput.length, 3)
    assert.ok(report.throughputMbps > 0)
  }

  test('carries every ping of every pair, prints one JSON object, leaves nothing behind but the logs asked for', async (t) => {
    const logs = path.join(await tempDir(t), 'logs')
    const child = startDemo(t, ['--once', '--json', '--keep-logs', logs])
    const [stdout, stderr, [code]] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      once(child, 'exit'),
    ])
    assert.equal(code, 0, stderr)
    assert.equal(stderr, '')
    assertGood(JSON.parse(stdout) as DemoReport)
    assert.deepEqual(leftovers(child.pid), [])
    assert.deepEqual(readdirSync(logs).sort(), ['h1.log', 'h2.log', 'h3.log'])
    assert.match(readFileSync(path.join(logs, 'h1.log'), 'utf8'), /stopping/)
  })

  test('tells the last lines of the log of a host whose node does not start, and leaves nothing behind', async () => {
    const build = DemoNetwork.build({
      command: [process.execPath, '-e', 'console.error("no luck today"); process.exit(1)', '--'],
      signal: new AbortController().signal,
      openClient: () => Promise.reject(new Error('not reached')),
      onStep: () => {},
    })
    await assert.rejects(build, {
      code: 'ERR_COMMAND_FAILED',
      message: /node of h\d did not start.*log of h\d:\nno luck today/s,
    })
    assert.deepEqual(leftovers(process.pid), [])
  })

  test('works for a user without any privilege, in a user namespace', async (t) => {
    const child = startDemo(t, ['--once', '--json', '--user-namespace'], AS_NOBODY)
    const [stdout, stderr, [code]] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      once(child, 'exit'),
    ])
    assert.equal(code, 0, stderr)
    assertGood(JSON.parse(stdout) as DemoReport)
  })

  test('shows reports until it is interrupted, then leaves nothing behind', async (t) => {
    const child = startDemo(t, [])
    const stderr = textOf(child.stderr)
    await once(child.stdout!, 'data')
    assert.notDeepEqual(leftovers(child.pid), [])
    child.kill('SIGINT')
    const [code] = await once(child, 'exit')
    assert.equal(code, 0, await stderr)
    assert.deepEqual(leftovers(child.pid), [])
  })

  test('leaves nothing behind when it is killed', async (t) => {
    const child = startDemo(t, [])
    await once(child.stdout!, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(await gone(child.pid), true, leftovers(child.pid).join(' '))
  })
})
