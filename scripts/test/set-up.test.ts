import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '@wakunet/testing'
import { ROOT } from '../lib/projects.ts'

const RUN = join(ROOT, 'scripts/run')
/** What `scripts/run` itself needs before it can say what else is missing. */
const BASICS = ['sh', 'cat', 'cut', 'dirname', 'grep', 'id', 'sed', 'sort', 'tr', 'uname', 'touch', 'mkdir']

test('without a command it tells the commands and exits 2', () => {
  const { status, stderr, stdout } = spawnSync('sh', [RUN], { encoding: 'utf8' })
  assert.equal(status, 2)
  assert.match(stderr, /npm run verify/)
  assert.equal(stdout, '')
})

test('where nothing can be installed it says what is missing and how to get it, and exits 2', async (t) => {
  const folder = await tempDir(t)
  for (const name of BASICS)
    symlinkSync(
      execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(),
      join(folder, name),
    )
  const { status, stderr, stdout } = spawnSync('sh', [RUN, 'start'], {
    encoding: 'utf8',
    env: { PATH: folder },
  })
  assert.equal(status, 2)
  assert.match(stderr, /these programs are missing: .*ping.*\n.*sudo apt-get install .*iputils-ping/)
  assert.equal(stdout, '')
})

test('the list of programs has one line per program, with a known phase', () => {
  const lines = readFileSync(join(ROOT, 'scripts/packages.txt'), 'utf8').split('\n')
  const rows = lines.map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '')
  const cells = rows.map((line) => line.split(/\s+/))
  for (const row of cells) {
    assert.equal(row.length, 3, row.join(' '))
    assert.ok(['build', 'start', 'test', 'bench'].includes(row[2] ?? ''), row.join(' '))
  }
  assert.equal(new Set(cells.map(([program]) => program)).size, cells.length)
})

test('npm packages are found to be installed, or not', async (t) => {
  const check = join(ROOT, 'scripts/lib/installed.mjs')
  const isInstalled = (folder: string) => spawnSync(process.execPath, [check, folder]).status === 0
  const folder = await tempDir(t)
  assert.ok(!isInstalled(folder))
  const packages = {
    '': {},
    'libs/a': {},
    'node_modules/a': { version: '1.0.0' },
    'node_modules/b': { version: '1.0.0', optional: true },
  }
  const lock = (name: string, content: object) =>
    writeFileSync(join(folder, name), JSON.stringify({ packages: content }))
  mkdirSync(join(folder, 'node_modules/a'), { recursive: true })
  lock('package-lock.json', packages)
  lock('node_modules/.package-lock.json', { 'node_modules/a': { version: '1.0.0' } })
  assert.ok(isInstalled(folder))
  lock('node_modules/.package-lock.json', { 'node_modules/a': { version: '0.9.0' } })
  assert.ok(!isInstalled(folder))
  lock('node_modules/.package-lock.json', {})
  assert.ok(!isInstalled(folder))
})

test('standard output of an npm script has nothing of npm’s own, also when the script fails', async (t) => {
  const folder = await tempDir(t)
  cpSync(join(ROOT, '.npmrc'), join(folder, '.npmrc'))
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'x', version: '1.0.0', scripts: { start: 'sh say' } }),
  )
  writeFileSync(join(folder, 'say'), 'echo "$@"; exit 3')
  const { status, stdout } = spawnSync('npm', ['start', '--', '--once', '--json'], {
    cwd: folder,
    encoding: 'utf8',
  })
  assert.equal(stdout, '--once --json\n')
  assert.equal(status, 3)
})

test('errors of npm ci are shown when set-up calls it', async (t) => {
  const folder = await tempDir(t)
  cpSync(join(ROOT, '.npmrc'), join(folder, '.npmrc'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'x', version: '1.0.0' }))
  const { status, stderr } = spawnSync('npm', ['ci', '--loglevel=error'], { cwd: folder, encoding: 'utf8' })
  assert.notEqual(status, 0)
  assert.match(stderr, /npm ci/)
  assert.match(readFileSync(RUN, 'utf8'), /npm ci --loglevel=error/)
  assert.ok(existsSync(RUN))
})
