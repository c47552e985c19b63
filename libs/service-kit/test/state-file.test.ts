import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FakeClock, requireRoot, seededRandom, tempDir } from '@wakunet/testing'
import { z } from 'zod'
import {
  MAX_STATE_BYTES,
  readStateFile,
  type StateFormat,
  type StateFs,
  writeStateFile,
} from '../src/index.ts'
import { openState, sealState } from '../src/state-envelope.ts'
import { hostFs } from '../src/state-fs.ts'
import { CrashingFs, MemoryDisk, PowerCut } from './support/disks.ts'

const clock = new FakeClock({ wallMs: Date.UTC(2026, 4, 6, 7, 8, 9) })
const format: StateFormat<{ items: string[] }> = {
  name: 'test.items',
  version: 1,
  schema: z.strictObject({ items: z.array(z.string()) }),
}
const OLD = { items: ['old'] }
const NEW = { items: ['new', 'ünïcode \u0000 "quoted"'] }

async function stateIn(t: TestContext) {
  const folder = await tempDir(t)
  return { folder, path: join(folder, 'items.json') }
}

test('what was written is read again; nothing written is null', async (t) => {
  const { path } = await stateIn(t)
  assert.equal(await readStateFile(path, format, { clock }), null)
  await writeStateFile(path, format, OLD)
  await writeStateFile(path, format, NEW)
  assert.deepEqual(await readStateFile(path, format, { clock }), NEW)
})

test('the file is JSON, for this user alone, and nothing else is left in the folder', async (t) => {
  const { folder, path } = await stateIn(t)
  await writeStateFile(path, format, NEW)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  const { state } = JSON.parse(await readFile(path, 'utf8')) as { state: unknown }
  assert.deepEqual(state, { schema: 'test.items', version: 1, data: NEW })
  assert.deepEqual(await readdir(folder), ['items.json'])
})

test('a file cut at any offset is damaged', () => {
  const whole = sealState({ schema: 'x', version: 1, data: NEW })
  for (let length = 0; length < whole.length; length++)
    assert.equal(typeof openState(whole.subarray(0, length)), 'string', `cut at ${length}`)
  assert.equal(typeof openState(Buffer.concat([whole, Buffer.from('\n')])), 'string')
  assert.notEqual(typeof openState(whole), 'string')
})

test('a file with any single bit flipped is damaged', () => {
  const whole = sealState({ schema: 'x', version: 1, data: NEW })
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const flipped = Uint8Array.from(whole)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(typeof openState(flipped), 'string', `bit ${bit}`)
  }
})

test('a damaged file is set aside whole, told, and not read as empty state', async (t) => {
  const { folder, path } = await stateIn(t)
  await writeFile(path, '{"items": [')
  await assert.rejects(readStateFile(path, format, { clock }), {
    code: 'ERR_STATE_DAMAGED',
    message:
      /items\.json cannot be used: it is too short\. It was kept as .*\.damaged-2026-05-06T07-08-09-000Z/,
  })
  assert.deepEqual(await readdir(folder), ['items.json.damaged-2026-05-06T07-08-09-000Z'])
  assert.equal(await readFile(`${path}.damaged-2026-05-06T07-08-09-000Z`, 'utf8'), '{"items": [')
  assert.equal(await readStateFile(path, format, { clock }), null)
})

test('another schema, another version and data that does not fit are set aside, each with its reason', async (t) => {
  const { path } = await stateIn(t)
  const any = z.unknown()
  const cases: [StateFormat<unknown>, unknown, RegExp][] = [
    [{ name: 'test.other', version: 1, schema: any }, OLD, /holds test\.other, not test\.items/],
    [{ name: 'test.items', version: 2, schema: any }, OLD, /version 2, and this program knows version 1/],
    [{ name: 'test.items', version: 1, schema: any }, { items: [3] }, /does not fit: items\.0: /],
  ]
  for (const [other, data, message] of cases) {
    await writeStateFile(path, other, data)
    await assert.rejects(readStateFile(path, format, { clock }), { code: 'ERR_STATE_DAMAGED', message })
  }
})

test('a file over the limit is neither read nor written', async (t) => {
  const { path } = await stateIn(t)
  await writeFile(path, new Uint8Array(MAX_STATE_BYTES + 1))
  await assert.rejects(readStateFile(path, format, { clock }), {
    code: 'ERR_STATE_DAMAGED',
    message: /more than/,
  })
  const huge = { items: ['x'.repeat(MAX_STATE_BYTES)] }
  await assert.rejects(writeStateFile(path, format, huge), { code: 'ERR_SYSTEM_CALL', message: /more than/ })
})

test('killed between any two steps, the state is the old or the new one, whole', async (t) => {
  let steps = 0
  for (let survive = 0; ; survive++) {
    const { path } = await stateIn(t)
    await writeStateFile(path, format, OLD)
    const fs = new CrashingFs(hostFs, survive)
    const finished = await writeStateFile(path, format, NEW, fs).then(
      () => true,
      () => false,
    )
    const found = await readStateFile(path, format, { clock })
    assert.ok(
      [OLD.items, NEW.items].some((items) => isSame(items, found?.items)),
      `after ${survive} steps`,
    )
    // What the killed process left does not stand in the way of the next write.
    await writeStateFile(path, format, NEW)
    assert.deepEqual(await readStateFile(path, format, { clock }), NEW)
    if (finished) break
    steps = survive + 1
  }
  assert.ok(steps >= 6, `${steps} steps were tried`)
})

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** Cuts the power after every number of steps, with every seed losing other unsynced data. */
async function powerCuts(change: (fs: StateFs) => StateFs): Promise<string[]> {
  const outcomes: string[] = []
  for (let steps = 0; steps < 8; steps++)
    for (let seed = 0; seed < 40; seed++) {
      const disk = new MemoryDisk(seededRandom(seed))
      await writeStateFile('/s/items', format, OLD, disk)
      disk.cutAfter(steps)
      const fs = change(disk)
      const done = await writeStateFile('/s/items', format, NEW, fs).then(
        () => true,
        (error: Error) => {
          assert.ok(error.cause instanceof PowerCut)
          return false
        },
      )
      disk.powerOn()
      const found = await readStateFile('/s/items', format, { clock, fs: disk }).catch(() => ({
        items: ['damaged'],
      }))
      outcomes.push(`${done ? 'done' : 'cut'} ${found?.items[0] ?? 'nothing'}`)
    }
  return [...new Set(outcomes)].sort()
}

test('after a power cut at any step the state is old or new, and new once the write has returned', async () => {
  assert.deepEqual(await powerCuts((fs) => fs), ['cut new', 'cut old', 'done new'])
})

test('negative control: without syncing the file a power cut damages the state', async () => {
  const outcomes = await powerCuts((fs) => ({
    ...bound(fs),
    create: async (path) => ({ ...(await fs.create(path)), sync: async () => {} }),
  }))
  assert.ok(
    outcomes.some((o) => o.endsWith('damaged')),
    outcomes.join(),
  )
})

test('negative control: without syncing the folder a finished write may be lost', async () => {
  const outcomes = await powerCuts((fs) => ({ ...bound(fs), syncDirectory: async () => {} }))
  assert.ok(outcomes.includes('done old'), outcomes.join())
})

function bound(fs: StateFs): StateFs {
  return {
    read: (path, limit) => fs.read(path, limit),
    create: (path) => fs.create(path),
    rename: (from, to) => fs.rename(from, to),
    remove: (path) => fs.remove(path),
    syncDirectory: (path) => fs.syncDirectory(path),
  }
}

test('on a full disk the write fails with a clear reason and the old state stays', async (t) => {
  requireRoot()
  const folder = await tempDir(t)
  const mount = join(folder, 'small')
  await mkdir(mount)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount])
  try {
    await fillUp(join(mount, 'items.json'))
    assert.deepEqual(await readdir(mount), ['items.json'])
  } finally {
    execFileSync('umount', [mount])
  }
})

async function fillUp(path: string): Promise<void> {
  await writeStateFile(path, format, OLD)
  const large = { items: ['x'.repeat(128 * 1024)] }
  await assert.rejects(writeStateFile(path, format, large), {
    code: 'ERR_SYSTEM_CALL',
    message: /the disk is full/,
  })
  assert.deepEqual(await readStateFile(path, format, { clock }), OLD)
  await writeStateFile(path, format, NEW)
}

test('a folder that is not there is told', async (t) => {
  const { folder } = await stateIn(t)
  await assert.rejects(writeStateFile(join(folder, 'no', 'x'), format, OLD), {
    code: 'ERR_SYSTEM_CALL',
    message: /its folder does not exist/,
  })
})

test('writes at the same time happen one after another; the last one stays', async (t) => {
  const { folder, path } = await stateIn(t)
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => writeStateFile(path, format, { items: [String(i)] })),
  )
  assert.deepEqual(await readStateFile(path, format, { clock }), { items: ['19'] })
  assert.deepEqual(await readdir(folder), ['items.json'])
})

test('a write that fails does not keep the next one from happening', async (t) => {
  const { path } = await stateIn(t)
  const failing = writeStateFile(path, format, OLD, new CrashingFs(hostFs, 0))
  const next = writeStateFile(path, format, NEW)
  await assert.rejects(failing, { code: 'ERR_SYSTEM_CALL' })
  await next
  assert.deepEqual(await readStateFile(path, format, { clock }), NEW)
})

test('a link in the place of a state file is not followed', async (t) => {
  const { folder, path } = await stateIn(t)
  await writeFile(join(folder, 'other'), 'precious')
  execFileSync('ln', ['-s', 'other', path])
  await assert.rejects(readStateFile(path, format, { clock }), { code: 'ERR_SYSTEM_CALL' })
  await writeStateFile(path, format, NEW)
  assert.equal(await readFile(join(folder, 'other'), 'utf8'), 'precious')
  assert.deepEqual(await readStateFile(path, format, { clock }), NEW)
})
