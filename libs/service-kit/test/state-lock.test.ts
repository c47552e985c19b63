import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { requireRoot, tempDir } from '@wakunet/testing'
import { lockStateDirectory } from '../src/index.ts'

const PROGRAM = `
  import { lockStateDirectory } from '${join(import.meta.dirname, '../src/index.ts')}'
  lockStateDirectory(process.argv[1]).then(
    () => { process.stdout.write('locked\\n'); setInterval(() => {}, 1000) },
    (error) => { process.stdout.write(error.code + '\\n') },
  )
`

/** Another process that takes the lock; its first line of output and a way to kill it. */
async function otherProcess(t: TestContext, folder: string, wrapper: readonly string[] = []) {
  const [command = '', ...args] = [...wrapper, process.execPath, '--input-type=module', '-e', PROGRAM, folder]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const kill = async () => {
    child.kill('SIGKILL')
    await closed
  }
  t.after(kill)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, line: line.toString().trim(), kill }
}

test('a second process is refused and told who has the folder', async (t) => {
  const folder = join(await tempDir(t), 'state')
  const { child, line } = await otherProcess(t, folder)
  assert.equal(line, 'locked')
  await assert.rejects(lockStateDirectory(folder), {
    code: 'ERR_ALREADY_RUNNING',
    message: new RegExp(`process ${child.pid}\\) uses the state folder`),
  })
})

test('the lock of a killed process is free at once', async (t) => {
  const folder = await tempDir(t)
  const { kill } = await otherProcess(t, folder)
  await kill()
  const lock = await lockStateDirectory(folder)
  lock.release()
})

test('a lock is free after its release, which may be called twice', async (t) => {
  const folder = await tempDir(t)
  const first = await lockStateDirectory(folder)
  await assert.rejects(lockStateDirectory(folder), { code: 'ERR_ALREADY_RUNNING' })
  first.release()
  first.release()
  ;(await lockStateDirectory(folder)).release()
})

test('processes in other network and process-id namespaces are refused too', async (t) => {
  requireRoot()
  const folder = await tempDir(t)
  const lock = await lockStateDirectory(folder)
  t.after(() => lock.release())
  const { line } = await otherProcess(t, folder, ['unshare', '--net', '--pid', '--fork', '--kill-child'])
  assert.equal(line, 'ERR_ALREADY_RUNNING')
})

test('the folder is made for this user alone', async (t) => {
  const folder = join(await tempDir(t), 'a', 'b')
  ;(await lockStateDirectory(folder)).release()
  assert.equal((await stat(folder)).mode & 0o777, 0o700)
})

test('a folder that cannot be used is told', async () => {
  await assert.rejects(lockStateDirectory('/dev/null/state'), {
    code: 'ERR_SYSTEM_CALL',
    message: /\/dev\/null\/state/,
  })
})
