import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeClock, recordingLogger } from '@wakunet/testing'
import { createLogger, type LoggerInit, rateLimited } from '../src/index.ts'

function capture(init: Partial<LoggerInit> = {}) {
  const lines: string[] = []
  const logger = createLogger({
    name: 'wakunet:test',
    destination: { write: (line) => lines.push(line) },
    ...init,
  })
  return { lines, logger, last: () => JSON.parse(lines.at(-1) ?? 'null') as Record<string, unknown> }
}

test('a line is JSON with time, level, component name, message and fields', () => {
  const { logger, last } = capture()
  logger.child('fdb').warn('table full', { entries: 4096 })
  const { time, ...rest } = last()
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.deepEqual(rest, { level: 'warn', name: 'wakunet:test:fdb', msg: 'table full', entries: 4096 })
})

test('lines below the level are not written', () => {
  const { logger, lines } = capture({ level: 'warn' })
  logger.info('no')
  logger.debug('no')
  logger.error('yes')
  assert.equal(lines.length, 1)
  const silent = capture({ level: 'silent' })
  silent.logger.error('no')
  assert.equal(silent.lines.length, 0)
})

test('secrets are hidden by field name, at any depth, in any spelling', () => {
  const { logger, lines } = capture()
  const secret = 'hunter2'
  logger.info('x', {
    password: secret,
    private_key: secret,
    'api-key': secret,
    sessionToken: secret,
    nested: { deep: [{ frameKey: secret, Secret: { inner: secret } }] },
    map: new Map([['authToken', secret]]),
    keys: [secret],
  })
  assert.ok(!lines.join('').includes(secret), lines.join(''))
})

test('public keys and ordinary fields are shown', () => {
  const { logger, last } = capture()
  logger.info('x', { publicKey: 'abc', peer: 'p', count: 3, none: null })
  assert.equal(last().publicKey, 'abc')
  assert.equal(last().count, 3)
  assert.equal(last().none, null)
})

test('bytes are shown by their number alone', () => {
  const { logger, last, lines } = capture()
  logger.info('x', {
    payload: Uint8Array.of(1, 2, 3),
    view: new DataView(new ArrayBuffer(8)),
    buffer: Buffer.from('abc'),
  })
  assert.equal(last().payload, '[3 bytes]')
  assert.equal(last().view, '[8 bytes]')
  assert.ok(!lines.join('').includes('abc'))
})

test('an error is shown with code, stack and cause', () => {
  const { logger, last } = capture()
  const error = Object.assign(new Error('outer', { cause: new TypeError('inner') }), { code: 'ERR_X' })
  logger.error('failed', { error })
  const shown = last().error as { code: string; stack: string; cause: { type: string; message: string } }
  assert.equal(shown.code, 'ERR_X')
  assert.match(shown.stack, /logger\.test/)
  assert.equal(shown.cause.type, 'TypeError')
  assert.equal(shown.cause.message, 'inner')
})

test('a line is bounded however large, deep or circular its fields', () => {
  const { logger, lines } = capture()
  const circular: Record<string, unknown> = {
    list: Array.from({ length: 10_000 }, (_, i) => i),
    text: 'x'.repeat(1e6),
  }
  circular.self = circular
  logger.info('big', circular)
  assert.ok((lines[0]?.length ?? 0) < 64 * 1024)
})

test('a field cannot stand in for the line’s own time, level, name or message', () => {
  const { logger, last } = capture()
  logger.info('real', { level: 'error', msg: 'fake', name: 'fake', time: 'fake' })
  assert.equal(last().level, 'info')
  assert.equal(last().msg, 'real')
  assert.equal(last().name, 'wakunet:test')
  assert.equal(last().msg_, 'fake')
})

test('pretty lines have one line, readable fields and no escape sequence from a peer', () => {
  const { logger, lines } = capture({ format: 'pretty', colours: false })
  logger
    .child('hello')
    .info('peer\nFAKE LINE', { agent: 'evil\x1b[2J\u202e', mtu: 1420, peer: '10.0.0.1:4001' })
  assert.equal(lines.length, 1)
  assert.match(
    lines[0] ?? '',
    /^\d\d:\d\d:\d\d\.\d{3} INFO {2}test:hello peer\\u\{000a\}FAKE LINE agent=".*" mtu=1420 peer=10\.0\.0\.1:4001\n$/,
  )
  assert.ok(!lines[0]?.includes('\x1b') && !lines[0]?.includes('\u202e'))
})

test('pretty lines have colours only when they are asked for', () => {
  const plain = capture({ format: 'pretty', colours: false })
  plain.logger.warn('x')
  assert.ok(!plain.lines[0]?.includes('\x1b['))
  const coloured = capture({ format: 'pretty', colours: true })
  coloured.logger.warn('x')
  assert.ok(coloured.lines[0]?.includes('\x1b[33m'))
})

const PROGRAM = `
  import { createLogger } from '${join(import.meta.dirname, '../src/index.ts')}'
  const logger = createLogger({ name: 'wakunet:child', format: process.argv[1] })
  for (let i = 0; i < 200; i++) logger.info('line', { i })
  process.exit(3)
`
const runProgram = (format: string) =>
  spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM, format], { encoding: 'utf8' })

test('everything logged before process.exit reaches standard error, and nothing standard output', () => {
  const { status, stderr, stdout } = runProgram('json')
  assert.equal(status, 3)
  assert.equal(stderr.trim().split('\n').length, 200)
  assert.equal(stdout, '')
})

const FLOOD = `
  import { createLogger } from '${join(import.meta.dirname, '../src/index.ts')}'
  const logger = createLogger({ name: 'wakunet:child' })
  const text = 'x'.repeat(1000)
  for (let i = 0; i < 20_000; i++) logger.info('line', { i, text })
  process.stdout.write('flooded ' + Math.round(process.memoryUsage.rss() / 2 ** 20))
  process.stdin.once('data', () => process.exit(0))
`

test('a reader that stands still does not stop the program: lines are dropped, and that is told', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', FLOOD], { stdio: 'pipe' })
  // Nothing reads the log until the program has written 20 MB of it and gone on.
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  assert.match(said.toString(), /^flooded \d+$/)
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString()
    if (log.includes('log lines were dropped')) child.stdin.write('go')
  })
  await once(child, 'close')
  const lines = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; lines?: number })
  const kept = lines.filter(({ msg }) => msg === 'line').length
  const told = lines.reduce((sum, line) => sum + (line.lines ?? 0), 0)
  assert.ok(kept < 5_000, `${kept} lines were kept`)
  assert.equal(kept + told, 20_000)
})

test('there are no colours when standard error is not a terminal', () => {
  const { stderr } = runProgram('pretty')
  assert.match(stderr, /INFO/)
  assert.ok(!stderr.includes('\x1b'))
})

test('a hostile event cannot fill the log, and what was left out is told', () => {
  const clock = new FakeClock()
  const logger = recordingLogger()
  const limited = rateLimited(logger, clock, 6)
  for (let i = 0; i < 1_000; i++) limited.warn('malformed record', { i })
  assert.equal(logger.records.length, 6)
  clock.advance(10_000)
  limited.warn('malformed record')
  assert.equal(logger.records.length, 7)
  assert.deepEqual(logger.records.at(-1)?.fields, { suppressed: 994 })
})

test('one message does not use up the budget of another', () => {
  const logger = recordingLogger()
  const limited = rateLimited(logger, new FakeClock(), 2)
  for (let i = 0; i < 10; i++) limited.warn('a')
  limited.warn('b')
  limited.child('x').error('c')
  assert.deepEqual(
    logger.records.map((r) => r.message),
    ['a', 'a', 'b', 'c'],
  )
})

test('messages without end share one budget, so that memory and log stay bounded', () => {
  const logger = recordingLogger()
  const limited = rateLimited(logger, new FakeClock(), 1)
  for (let i = 0; i < 10_000; i++) limited.warn(`message ${i}`)
  assert.equal(logger.records.length, 65)
})
