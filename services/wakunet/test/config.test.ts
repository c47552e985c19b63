import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { ConfigError } from '@wakunet/service-kit'
import { tempDir } from '@wakunet/testing'
import { findTarget } from '../src/client-target.ts'
import { loadNodeConfig } from '../src/config.ts'
import { defaultConfigFile, defaultControlSocket, defaultStateDir } from '../src/default-paths.ts'

/** An environment in which no file of this machine is found. */
const nowhere = (folder: string): NodeJS.ProcessEnv => ({ HOME: folder, XDG_CONFIG_HOME: folder })

const load = async (
  file: string | undefined,
  env: NodeJS.ProcessEnv = {},
  flags: Parameters<typeof loadNodeConfig>[0]['flags'] = [],
) => loadNodeConfig({ file, env, flags })

const faultsOf = async (run: () => Promise<unknown>): Promise<ConfigError> => {
  try {
    await run()
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('no fault was found')
}

describe('configuration', () => {
  test('flags win over the environment, the environment over the file, the file over defaults', async (t) => {
    const file = path.join(await tempDir(t), 'wakunet.yaml')
    writeFileSync(
      file,
      'trunk:\n  mdns: false\n  listen: [/ip4/192.0.2.1/tcp/1]\nhttp: { port: 1 }\nlog: { level: warn }\n',
    )
    const config = await load(file, { WAKUNET_HTTP_PORT: '2', WAKUNET_LOG_LEVEL: 'error' }, [
      { flag: '--log-level', key: 'log.level', value: 'debug' },
    ])
    assert.deepEqual(config.trunk.listen, ['/ip4/192.0.2.1/tcp/1'])
    assert.equal(config.trunk.mdns, false)
    assert.equal(config.http.port, 2)
    assert.equal(config.http.host, '127.0.0.1')
    assert.equal(config.log.level, 'debug')
  })

  test('all faults of file, environment and flags are told at once, each with its place and what is right', async (t) => {
    const file = path.join(await tempDir(t), 'wakunet.yaml')
    writeFileSync(
      file,
      'trunk:\n  listne: []\n  bootstrap: [banana]\n  roles: [gateway, chain]\nhttp:\n  port: 70000\nfrobnicate: 1\n',
    )
    const error = await faultsOf(() =>
      load(file, { WAKUNET_TRUNK_MDNS: 'perhaps', WAKUNET_FROB: 'x' }, [
        { flag: '--log-level', key: 'log.level', value: 'loud' },
      ]),
    )
    const expected = [
      /wakunet\.yaml:2:3: trunk\.listne: unknown key; did you mean trunk\.listen\?/,
      /wakunet\.yaml:3:\d+: trunk\.bootstrap\[0\]: must be a multiaddr such as .*"banana"/,
      /wakunet\.yaml:4:\d+: trunk\.roles: .*never both/,
      /wakunet\.yaml:6:3: http\.port: .*70000/,
      /wakunet\.yaml:7:1: frobnicate: unknown key/,
      /WAKUNET_TRUNK_MDNS: trunk\.mdns: .*"perhaps"/,
      /WAKUNET_FROB: unknown environment variable/,
      /--log-level: log\.level: .*"loud"/,
    ]
    for (const line of expected) assert.match(error.message, line)
    assert.equal(error.faults.length, expected.length)
  })

  test('a file that was named and is not there is a fault, the default one is not', async (t) => {
    const folder = await tempDir(t)
    const error = await faultsOf(() => load(path.join(folder, 'no.yaml')))
    assert.match(error.message, /no\.yaml: there is no such file/)
    assert.match(
      (await faultsOf(() => load(undefined, { WAKUNET_CONFIG: '/no/such' }))).message,
      /\/no\/such/,
    )
    await load(undefined, nowhere(folder))
  })

  test('a state folder that was chosen takes the control socket with it', async (t) => {
    const folder = await tempDir(t)
    const config = await load(undefined, { WAKUNET_STATE_DIR: folder })
    assert.equal(config.controlSocket, path.join(folder, 'wakunet.sock'))
  })
})

describe('default places', () => {
  const home = '/home/ada'

  test("are the system's for root and those of XDG for users", () => {
    const root = { env: {}, isRoot: true, home: '/root' }
    assert.equal(defaultStateDir(root), '/var/lib/wakunet')
    assert.equal(defaultControlSocket(root, undefined), '/run/wakunet/wakunet.sock')
    assert.equal(defaultConfigFile(root), '/etc/wakunet/wakunet.yaml')
    const user = { env: { XDG_RUNTIME_DIR: '/run/user/1000', XDG_STATE_HOME: '/s' }, isRoot: false, home }
    assert.equal(defaultStateDir(user), '/s/wakunet')
    assert.equal(defaultControlSocket(user, undefined), '/run/user/1000/wakunet/wakunet.sock')
    const bare = { env: {}, isRoot: false, home }
    assert.equal(defaultStateDir(bare), '/home/ada/.local/state/wakunet')
    assert.equal(defaultControlSocket(bare, undefined), '/home/ada/.local/state/wakunet/wakunet.sock')
    assert.equal(defaultConfigFile(bare), '/home/ada/.config/wakunet/wakunet.yaml')
  })
})

describe('where commands find the node', () => {
  test('the same file that configures a node leads commands to it, whatever its services are told', async (t) => {
    const file = path.join(await tempDir(t), 'wakunet.yaml')
    writeFileSync(file, 'controlSocket: /x/y.sock\ntrunk:\n  listne: []\n')
    assert.deepEqual(await findTarget({ json: false, config: file }, {}), {
      kind: 'socket',
      path: '/x/y.sock',
    })
  })

  test('--socket wins over everything, --bus over the configuration', async (t) => {
    const env = {
      ...nowhere(await tempDir(t)),
      WAKUNET_CONTROL_SOCKET: '/env.sock',
      WAKUNET_BUS: 'nats://a:1',
    }
    assert.deepEqual(await findTarget({ json: false, socket: '/flag.sock' }, env), {
      kind: 'socket',
      path: '/flag.sock',
    })
    assert.deepEqual(await findTarget({ json: false, bus: 'nats://b:2' }, env), {
      kind: 'bus',
      url: 'nats://b:2',
    })
    assert.deepEqual(await findTarget({ json: false }, env), { kind: 'bus', url: 'nats://a:1' })
    assert.deepEqual(await findTarget({ json: false }, { ...env, WAKUNET_BUS: '' }), {
      kind: 'socket',
      path: '/env.sock',
    })
  })

  test('--state-dir alone leads to the socket inside it', async (t) => {
    const folder = await tempDir(t)
    assert.deepEqual(await findTarget({ json: false, stateDir: folder }, nowhere(folder)), {
      kind: 'socket',
      path: path.join(folder, 'wakunet.sock'),
    })
  })
})
