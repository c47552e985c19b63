import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { Lab } from '../src/index.ts'
import { listNamespaces, removeNamespaces } from '../src/namespaces.ts'
import { isRunning, untilNothing } from './processes.ts'

const PROGRAM = path.join(import.meta.dirname, 'programs', 'hold-lab.ts')

interface HeldLab {
  readonly child: ChildProcess
  readonly id: string
  readonly directory: string
  readonly pids: readonly number[]
}

async function hold(way: string): Promise<HeldLab> {
  const child = spawn(process.execPath, [PROGRAM, way], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  const made = JSON.parse(line.toString()) as Omit<HeldLab, 'child'>
  return { child, ...made }
}

/** What is still there of a lab. */
function remains({ id, directory, pids }: HeldLab): string[] {
  return [
    ...listNamespaces().filter((name) => name.startsWith(id)),
    ...(existsSync(directory) ? [directory] : []),
    ...pids.filter(isRunning).map((pid) => `process ${pid}`),
  ]
}

async function exitOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  if (child.exitCode !== null || child.signalCode !== null) return [child.exitCode, child.signalCode]
  return (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
}

after(() => {
  Lab.sweep()
})

test('a program that holds a lab really has namespaces, a directory and processes', async () => {
  const lab = await hold('wait')
  assert.equal(remains(lab).filter((entry) => entry.startsWith(lab.id)).length, 3)
  assert.equal(remains(lab).length, 3 + 1 + 2)
  lab.child.kill('SIGTERM')
  await exitOf(lab.child)
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} ends the program as such, and nothing of its lab is left`, async () => {
    const lab = await hold('wait')
    lab.child.kill(signal)
    assert.deepEqual(await exitOf(lab.child), [null, signal])
    assert.deepEqual(remains(lab), [])
  })
}

test("a program's own signal handler decides, and its exit cleans up", async () => {
  const lab = await hold('handler')
  lab.child.kill('SIGINT')
  assert.deepEqual(await exitOf(lab.child), [7, null])
  assert.deepEqual(remains(lab), [])
})

for (const [way, code] of [
  ['throw', 1],
  ['exit', 3],
  ['stop', 0],
] as const) {
  test(`nothing is left of a lab whose program ends by "${way}"`, async () => {
    const lab = await hold(way)
    assert.equal((await exitOf(lab.child))[0], code)
    assert.deepEqual(remains(lab), [])
  })
}

test('who removes a lab waits for the end of programs that it does not find in a namespace', async () => {
  // The memory is what takes the kernel its time.
  const script = 'import time; memory = b"x" * (100 << 20); print("ready", flush=True); time.sleep(1000)'
  const child = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const pid = child.pid!
  child.kill('SIGKILL')
  assert.equal(isRunning(pid), true, 'a killed program is still there for a moment: the control')
  removeNamespaces([], [pid])
  assert.equal(isRunning(pid), false)
})

test('programs that are just being started when the lab stops are killed, and commands are refused', async () => {
  const lab = await Lab.create({ name: 'race', hosts: 2 })
  const command = lab.host(1).exec('sleep', ['1000'])
  const programs = Array.from({ length: 10 }, () => lab.host(2).spawn('sleep', ['1000']))
  const pids = programs.map(({ pid }) => pid)
  await Promise.all([assert.rejects(command, { code: 'ERR_NOT_RUNNING' }), lab.stop()])
  await untilNothing(() => pids.filter(isRunning).map(String))
  await assert.rejects(lab.host(1).exec('true'), { code: 'ERR_NOT_RUNNING' })
})

test('kill -9 of the program: the reaper leaves nothing', async () => {
  const lab = await hold('wait')
  lab.child.kill('SIGKILL')
  await exitOf(lab.child)
  await untilNothing(() => remains(lab))
})

test('a sweep removes the lab of a dead process whose reaper was killed too, and only that', async () => {
  const living = await hold('wait')
  const lab = await hold('wait')
  const reaper = spawnSync('pgrep', ['-f', `wakunet-lab-reaper ${lab.id}`], { encoding: 'utf8' })
  process.kill(Number(reaper.stdout.trim()), 'SIGKILL')
  lab.child.kill('SIGKILL')
  await exitOf(lab.child)
  assert.notDeepEqual(remains(lab), [], 'without its reaper the lab stays: the control')
  const removed = Lab.sweep()
  assert.equal(removed.filter((name) => name.includes(lab.id)).length, 4)
  await untilNothing(() => remains(lab))
  assert.equal(remains(living).length, 6)
  living.child.kill('SIGTERM')
  await exitOf(living.child)
})

test('a sweep does not touch what only looks like a lab', () => {
  const directory = path.join(os.tmpdir(), `wk1-zz-nothex-lab-${process.pid}`)
  mkdirSync(directory)
  try {
    Lab.sweep()
    assert.equal(existsSync(directory), true)
  } finally {
    spawnSync('rmdir', [directory])
  }
})
