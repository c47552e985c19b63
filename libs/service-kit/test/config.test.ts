import assert from 'node:assert/strict'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkProperty, tempDir } from '@wakunet/testing'
import fc from 'fast-check'
import { z } from 'zod'
import { ConfigError, type ConfigInit, configKeys, loadConfig, MAX_CONFIG_FILE_BYTES } from '../src/index.ts'

const schema = z.object({
  node: z
    .object({ name: z.string().max(20), secretToken: z.string().min(8).optional() })
    .prefault({ name: 'host' }),
  trunk: z
    .object({
      listen: z
        .array(z.string().startsWith('/'))
        .max(8)
        .default(['/ip4/0.0.0.0/tcp/4001'])
        .describe('addresses to listen on'),
      connectionLimit: z.int().min(1).max(1000).default(50),
      mdns: z.boolean().default(true),
      heartbeatSeconds: z.union([z.number().positive(), z.literal('auto')]).default('auto'),
      cipher: z.enum(['aes-128-gcm', 'aes-256-gcm']).default('aes-256-gcm'),
    })
    .prefault({}),
  vlans: z.array(z.object({ ref: z.string(), mtu: z.int().optional() })).default([]),
  labels: z.record(z.string(), z.string()).default({}),
})
type Init = Partial<ConfigInit<typeof schema>>

async function load(t: TestContext, yaml: string | null, init: Init = {}) {
  if (yaml === null) return loadConfig({ schema, ...init })
  const path = join(await tempDir(t), 'wakunet.yaml')
  await writeFile(path, yaml)
  return loadConfig({ schema, file: { path, required: true }, ...init })
}

/** The faults of a configuration, with the file's folder cut from the places. */
async function faultsOf(t: TestContext, yaml: string | null, init: Init = {}) {
  const error = await load(t, yaml, init).then(
    () => assert.fail('the configuration was accepted'),
    (e: unknown) => e,
  )
  assert.ok(error instanceof ConfigError, String(error))
  assert.equal(error.code, 'ERR_CONFIG_INVALID')
  for (const fault of error.faults)
    assert.ok(error.message.includes(fault.problem) && error.message.includes(fault.place))
  return error.faults.map((f) => `${f.place.replace(/^.*\//, '')} ${f.key}: ${f.problem}`)
}

test('without file, environment and flags the defaults hold', async (t) => {
  const config = await load(t, null)
  assert.equal(config.trunk.connectionLimit, 50)
  assert.deepEqual(config.trunk.listen, ['/ip4/0.0.0.0/tcp/4001'])
})

test('flags win over environment, environment over file, file over defaults', async (t) => {
  const yaml = 'trunk:\n  connectionLimit: 1\n  mdns: false\n  cipher: aes-128-gcm\n'
  const env = { WAKUNET_TRUNK_CONNECTION_LIMIT: '2', WAKUNET_TRUNK_MDNS: 'yes' }
  const flags = [{ flag: '--limit', key: 'trunk.connectionLimit', value: '3' }]
  const { trunk } = await load(t, yaml, { env, flags })
  assert.deepEqual(
    [trunk.connectionLimit, trunk.mdns, trunk.cipher, trunk.heartbeatSeconds],
    [3, true, 'aes-128-gcm', 'auto'],
  )
})

test('a flag that was not given does not hide the environment', async (t) => {
  const flags = [{ flag: '--limit', key: 'trunk.connectionLimit', value: undefined }]
  const { trunk } = await load(t, null, { env: { WAKUNET_TRUNK_CONNECTION_LIMIT: '7' }, flags })
  assert.equal(trunk.connectionLimit, 7)
})

test('a variable is read as the schema wants it: number, boolean, list, union, JSON', async (t) => {
  const env = {
    WAKUNET_TRUNK_LISTEN: '/ip4/1.2.3.4/tcp/1, /ip6/::/tcp/2',
    WAKUNET_TRUNK_MDNS: 'off',
    WAKUNET_TRUNK_HEARTBEAT_SECONDS: '2.5',
    WAKUNET_VLANS: '[{"ref":"home"}]',
    WAKUNET_LABELS: '{"rack":"7"}',
    WAKUNET_NODE_NAME: '12',
  }
  const config = await load(t, null, { env })
  assert.deepEqual(config.trunk.listen, ['/ip4/1.2.3.4/tcp/1', '/ip6/::/tcp/2'])
  assert.equal(config.trunk.mdns, false)
  assert.equal(config.trunk.heartbeatSeconds, 2.5)
  assert.deepEqual(config.vlans, [{ ref: 'home' }])
  assert.deepEqual(config.labels, { rack: '7' })
  assert.equal(config.node.name, '12')
  const auto = await load(t, null, {
    env: { WAKUNET_TRUNK_HEARTBEAT_SECONDS: 'auto', WAKUNET_TRUNK_LISTEN: '' },
  })
  assert.equal(auto.trunk.heartbeatSeconds, 'auto')
  assert.deepEqual(auto.trunk.listen, [])
})

test('all faults are told at once, each with line and column, variable or flag', async (t) => {
  const yaml = [
    'node:',
    '  nmae: x',
    'trunk:',
    '  listen:',
    '    - /ok',
    '    - wrong',
    '  mdns: 3',
    'tunrk: {}',
    '',
  ].join('\n')
  const faults = await faultsOf(t, yaml, {
    env: { WAKUNET_TRUNK_CONNECTION_LIMIT: 'many', WAKUNET_TRUNK_MDSN: '1' },
    flags: [{ flag: '--cipher', key: 'trunk.cipher', value: 'rot13' }],
  })
  assert.deepEqual(faults.sort(), [
    '--cipher trunk.cipher: expected one of "aes-128-gcm"|"aes-256-gcm", got "rot13"',
    'WAKUNET_TRUNK_CONNECTION_LIMIT trunk.connectionLimit: expected number, received string, got "many"',
    'WAKUNET_TRUNK_MDSN : unknown environment variable; did you mean WAKUNET_TRUNK_MDNS?',
    'wakunet.yaml:1:1 node.name: is missing; set node.name in the file or WAKUNET_NODE_NAME in the environment',
    'wakunet.yaml:2:3 node.nmae: unknown key; did you mean node.name?',
    'wakunet.yaml:6:7 trunk.listen[1]: must start with "/", got "wrong" (addresses to listen on)',
    'wakunet.yaml:7:3 trunk.mdns: expected boolean, received number, got 3',
    'wakunet.yaml:8:1 tunrk: unknown key; did you mean trunk?',
  ])
})

test('a key that resembles none gets the list of those that exist', async (t) => {
  const [fault] = await faultsOf(t, 'node: {name: a, zzzzzzzz: 1}\n')
  assert.equal(fault, 'wakunet.yaml:1:17 node.zzzzzzzz: unknown key; known here: name, secretToken')
})

test('unknown keys inside a list are found too', async (t) => {
  const [fault] = await faultsOf(t, 'vlans:\n  - ref: a\n  - ref: b\n    mut: 1400\n')
  assert.equal(fault, 'wakunet.yaml:4:5 vlans[1].mut: unknown key; did you mean vlans[1].mtu?')
})

test('a wrong union tells what each option wants', async (t) => {
  const [fault] = await faultsOf(t, null, { env: { WAKUNET_TRUNK_HEARTBEAT_SECONDS: 'soon' } })
  assert.match(fault ?? '', /expected number, received string, or expected "auto", got "soon"/)
})

test('the value of a secret never appears in a fault', async (t) => {
  const [fault] = await faultsOf(t, null, {
    env: { WAKUNET_NODE_NAME: 'a', WAKUNET_NODE_SECRET_TOKEN: 'hunter2' },
  })
  assert.match(fault ?? '', /node\.secretToken/)
  assert.ok(!fault?.includes('hunter2'))
})

test('a section with nothing below it is empty, and a value in its stead is a fault', async (t) => {
  assert.equal((await load(t, 'trunk:\n')).trunk.connectionLimit, 50)
  assert.deepEqual(await faultsOf(t, 'trunk: 5\n'), [
    'wakunet.yaml:1:1 trunk: must be a section of `key: value` lines',
  ])
})

test('an empty file is no fault; a missing one only when it was asked for by name', async (t) => {
  assert.equal((await load(t, '')).trunk.mdns, true)
  assert.equal((await load(t, '# only a comment\n')).trunk.mdns, true)
  const path = join(await tempDir(t), 'none.yaml')
  assert.equal((await loadConfig({ schema, file: { path, required: false } })).trunk.mdns, true)
  assert.deepEqual(await faultsOf(t, null, { file: { path, required: true } }), [
    'none.yaml : there is no such file; create it or name another one',
  ])
})

test('a file that is no YAML is told with line and column', async (t) => {
  const [fault] = await faultsOf(t, 'trunk:\n  listen: [a\n')
  assert.match(fault ?? '', /^wakunet\.yaml:\d+:\d+ : /)
  const [twice] = await faultsOf(t, 'node:\n  name: a\n  name: b\n')
  assert.match(twice ?? '', /^wakunet\.yaml:3:3 : .*unique/)
  assert.match(
    (await faultsOf(t, '- a\n'))[0] ?? '',
    /wakunet\.yaml:1:1 : must be a list of `key: value` lines/,
  )
})

test('folders, other encodings and files without permission are faults with a reason', async (t) => {
  const folder = await tempDir(t)
  await mkdir(join(folder, 'd'))
  assert.match(
    (await faultsOf(t, null, { file: { path: join(folder, 'd'), required: false } }))[0] ?? '',
    /is a folder/,
  )
  await writeFile(join(folder, 'bytes'), Uint8Array.of(0xff, 0xfe, 0x00))
  assert.match(
    (await faultsOf(t, null, { file: { path: join(folder, 'bytes'), required: true } }))[0] ?? '',
    /not UTF-8/,
  )
  await writeFile(join(folder, 'closed'), '')
  await chmod(join(folder, 'closed'), 0)
  if (process.getuid?.() !== 0)
    assert.match(
      (await faultsOf(t, null, { file: { path: join(folder, 'closed'), required: true } }))[0] ?? '',
      /permissions/,
    )
})

test('a file over the limit is refused without reading it whole', async (t) => {
  const [fault] = await faultsOf(t, '#'.repeat(MAX_CONFIG_FILE_BYTES + 1))
  assert.match(fault ?? '', /larger than 262144 bytes/)
  assert.equal((await load(t, '#'.repeat(MAX_CONFIG_FILE_BYTES))).trunk.mdns, true)
  assert.match(
    (await faultsOf(t, null, { file: { path: '/dev/zero', required: true } }))[0] ?? '',
    /larger than/,
  )
})

test('alias bombs and absurd nesting are faults, not crashes', async (t) => {
  const bomb = [
    'a: &a [1,1,1,1,1,1,1,1,1]',
    ...'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefg'[i]}`)}]`),
  ]
  assert.match((await faultsOf(t, bomb.join('\n')))[0] ?? '', /cannot be parsed/)
  assert.match((await faultsOf(t, `labels: ${'['.repeat(100_000)}`))[0] ?? '', /wakunet\.yaml/)
})

test('keys of the object prototype are unknown keys like any other', async (t) => {
  const faults = await faultsOf(t, '__proto__: {mdns: 1}\nconstructor: 1\nnode: {name: a, __proto__: 1}\n')
  assert.equal(faults.length, 3)
  assert.ok(faults.every((f) => f.includes('unknown key')))
  assert.equal(({} as Record<string, unknown>).mdns, undefined)
})

test('variables that Kubernetes sets for a Service are left alone', async (t) => {
  const env = {
    WAKUNET_TRUNK_PEER_SERVICE_HOST: '10.0.0.1',
    WAKUNET_TRUNK_PEER_SERVICE_PORT_METRICS: '9464',
    WAKUNET_TRUNK_PEER_PORT: 'tcp://10.0.0.1:9464',
    WAKUNET_TRUNK_PEER_PORT_9464_TCP_ADDR: '10.0.0.1',
    WAKUNET_CONFIG: '/etc/wakunet.yaml',
    OTHER: '1',
  }
  await load(t, null, { env, otherVariables: ['WAKUNET_CONFIG'] })
})

test('a flag for a key that the schema lacks is a fault of the program', async (t) => {
  await assert.rejects(load(t, null, { flags: [{ flag: '--x', key: 'no.such', value: 1 }] }), /no\.such/)
})

test('two keys with one variable are a fault of the schema', () => {
  const twice = z.object({ aB: z.string(), a: z.object({ b: z.string() }) })
  assert.throws(() => configKeys(twice, 'WAKUNET'), /WAKUNET_A_B/)
})

test('whatever the file holds, the outcome is a configuration or a ConfigError', async (t) => {
  const path = join(await tempDir(t), 'wakunet.yaml')
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.stringMatching(/^[a-z:\-[\]{}&*!|> \n"']{0,60}$/),
  )
  const property = fc.asyncProperty(texts, async (text) => {
    await writeFile(path, text)
    await loadConfig({ schema, file: { path, required: true } }).catch((error: unknown) =>
      assert.ok(error instanceof ConfigError, String(error)),
    )
  })
  await checkProperty(property, { runs: 300 })
})
