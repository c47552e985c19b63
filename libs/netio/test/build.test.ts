import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { tempDir } from '@wakunet/testing'

const PROJECT = join(import.meta.dirname, '..')

/** A copy of the project in a repository of its own, without what was built. */
async function copyProject(t: TestContext): Promise<string> {
  const repository = await tempDir(t)
  const project = join(repository, 'libs/netio')
  for (const folder of ['native', 'scripts', 'src']) {
    cpSync(join(PROJECT, folder), join(project, folder), { recursive: true })
  }
  cpSync(join(PROJECT, 'package.json'), join(project, 'package.json'))
  symlinkSync(join(PROJECT, '../../node_modules'), join(repository, 'node_modules'))
  return project
}

const build = (project: string, env: NodeJS.ProcessEnv = process.env) =>
  spawnSync('sh', [join(project, 'scripts/build.sh')], { encoding: 'utf8', env })

test('the addon builds from a clean copy, and again only when a source changed', async (t) => {
  const project = await copyProject(t)
  const built = join(project, 'build/Release/netio.node')
  assert.deepEqual(build(project).stderr, '')
  const first = statSync(built).mtimeMs
  assert.equal(build(project).status, 0)
  assert.equal(statSync(built).mtimeMs, first)
  writeFileSync(join(project, 'native/udp.cc'), 'this is not C++\n')
  const broken = build(project)
  assert.equal(broken.status, 1)
  assert.match(broken.stderr, /does not compile/)
  assert.equal(statSync(built).mtimeMs, first)
})

test('missing tools are named, with the package that has them', async (t) => {
  const project = await copyProject(t)
  const tools = join(project, 'tools')
  mkdirSync(tools)
  for (const tool of ['sh', 'cat', 'dirname', 'sha256sum', 'uname', 'make', 'mkdir', 'mktemp']) {
    symlinkSync(
      execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(),
      join(tools, tool),
    )
  }
  const { status, stderr } = build(project, { PATH: tools })
  assert.equal(status, 1)
  assert.match(stderr, /missing: g\+\+ python3 .*apt-get install g\+\+ make python3/)
})

test('without the addon the first use names the command that builds it; the fake works all the same', async (t) => {
  const project = await copyProject(t)
  const program = `
    import { AeadContext, FakeTap, openTap } from './src/index.ts'
    await new FakeTap().start()
    const codes = []
    try { new AeadContext('aes-128-gcm', new Uint8Array(16)) } catch (error) { codes.push(error.code, error.message) }
    await openTap({ name: 'wk' }).start().catch((error) => codes.push(error.code))
    console.log(JSON.stringify(codes))`
  const args = ['--input-type=module', '--eval', program]
  const out = execFileSync(process.execPath, args, { encoding: 'utf8', cwd: project })
  const [code, message, tapCode] = JSON.parse(out)
  assert.deepEqual([code, tapCode], ['ERR_NATIVE_ADDON_MISSING', 'ERR_NATIVE_ADDON_MISSING'])
  assert.match(message, /npm run build -w @wakunet\/netio/)
})
