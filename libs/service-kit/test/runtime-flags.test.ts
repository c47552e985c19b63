import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restartWithRuntimeFlags } from '../src/index.ts'

type Call = { file: string; args: string[]; env: Record<string, string> }

function programWith(execArgv: readonly string[]) {
  const calls: Call[] = []
  const program = {
    execPath: '/usr/bin/node',
    execArgv,
    argv: ['/usr/bin/node', '/srv/wakunet.mjs', 'up', '--json'],
    env: { PATH: '/bin', GONE: undefined },
    execve: (file: string, args: string[], env: Record<string, string>) => {
      calls.push({ file, args, env })
    },
  }
  return { program, calls }
}

test('a program without the settings is started anew with them, its own flags, arguments and environment', () => {
  const { program, calls } = programWith(['--enable-source-maps'])
  restartWithRuntimeFlags(program)
  assert.deepEqual(calls, [
    {
      file: '/usr/bin/node',
      args: [
        '/usr/bin/node',
        '--max-semi-space-size=2',
        '--enable-source-maps',
        '/srv/wakunet.mjs',
        'up',
        '--json',
      ],
      env: { MALLOC_ARENA_MAX: '1', PATH: '/bin' },
    },
  ])
})

test('a program that has them goes on, so that it is started anew once', () => {
  const { program, calls } = programWith(['--max-semi-space-size=2'])
  restartWithRuntimeFlags(program)
  assert.deepEqual(calls, [])
})

test('where the system cannot, the program goes on without them', () => {
  const { program } = programWith([])
  const { execve: _, ...without } = program
  assert.doesNotThrow(() => restartWithRuntimeFlags(without))
})

test('what the environment says of malloc stays', () => {
  const { program, calls } = programWith([])
  restartWithRuntimeFlags({ ...program, env: { MALLOC_ARENA_MAX: '8' } })
  assert.deepEqual(calls[0]?.env, { MALLOC_ARENA_MAX: '8' })
})
