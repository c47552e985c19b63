import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CONTEST_MS,
  Fdb,
  type FdbPort,
  HOLD_SILENCE_MS,
  MAX_CONTESTS,
  MAX_CONTESTS_PER_PORT,
} from '../src/index.ts'
import { macBytes } from './frames.ts'

const port = (): FdbPort => ({ learnedMacs: 0 })
const MAC = 0x0200_0000_0001
const at = macBytes

describe('Fdb', () => {
  it('finds a learned address until it was not seen for the ageing time', () => {
    const fdb = new Fdb({ ageingMs: 1000 })
    const a = port()
    assert.equal(fdb.lookup(at(MAC), 0, 0), null)
    assert.equal(fdb.learn(at(MAC), 0, a, 0), 'learned')
    assert.equal(fdb.lookup(at(MAC), 0, 1000), a)
    assert.equal(fdb.learn(at(MAC), 0, a, 900), 'known')
    assert.equal(fdb.lookup(at(MAC), 0, 1900), a)
    assert.equal(fdb.lookup(at(MAC), 0, 1901), null)
    assert.equal(fdb.size, 1)
    fdb.sweep(1901)
    assert.equal(fdb.size, 0)
    assert.equal(a.learnedMacs, 0)
    assert.equal(fdb.stats.aged, 1)
  })

  it('never learns the zero address or a group address', () => {
    const fdb = new Fdb()
    const a = port()
    for (const mac of [0, 0x0100_0000_0000, 0x0180_c200_0000, 0xffff_ffff_ffff])
      assert.equal(fdb.learn(at(mac), 0, a, 0), 'refused')
    assert.equal(fdb.pin(0, a, 0), false)
    assert.equal(fdb.pin(0xffff_ffff_ffff, a, 0), false)
    assert.equal(fdb.size, 0)
  })

  it('refuses new addresses of a port that is full, keeps the old ones, and leaves other ports alone', () => {
    const fdb = new Fdb({ maxEntriesPerPort: 10 })
    const flooder = port()
    const honest = port()
    for (let i = 0; i < 100; i++) fdb.learn(at(MAC + i), 0, flooder, 0)
    assert.equal(flooder.learnedMacs, 10)
    assert.equal(fdb.stats.refusedPortFull, 90)
    assert.equal(fdb.lookup(at(MAC), 0, 0), flooder)
    assert.equal(fdb.learn(at(MAC + 1000), 0, honest, 0), 'learned')
    assert.equal(fdb.lookup(at(MAC + 1000), 0, 0), honest)
    // A full port cannot take an address of somebody else either.
    assert.equal(fdb.learn(at(MAC + 1000), 0, flooder, 0), 'held')
    fdb.tick(CONTEST_MS)
    assert.equal(fdb.lookup(at(MAC + 1000), 0, 0), honest)
  })

  it('refuses new addresses when it is full as a whole, until ageing makes room', () => {
    const fdb = new Fdb({ maxEntries: 10, ageingMs: 1000 })
    for (let i = 0; i < 12; i++) fdb.learn(at(MAC + i), 0, port(), 0)
    assert.equal(fdb.size, 10)
    assert.equal(fdb.stats.refusedFull, 2)
    assert.equal(fdb.lookup(at(MAC), 0, 0) !== null, true)
    fdb.sweep(1001)
    assert.equal(fdb.learn(at(MAC + 11), 0, port(), 1001), 'learned')
  })

  it('moves an address whose station is silent where it was, and counts it', () => {
    const asked: number[] = []
    const fdb = new Fdb({}, { onContest: ({ mac }) => asked.push(mac) })
    const a = port()
    const b = port()
    fdb.learn(at(MAC), 0, a, 0)
    assert.equal(fdb.learn(at(MAC), 0, b, 1), 'held')
    assert.equal(fdb.learn(at(MAC), 0, b, 2), 'held')
    assert.deepEqual([asked, fdb.dueMs], [[MAC], 1 + CONTEST_MS])
    fdb.tick(CONTEST_MS)
    assert.equal(fdb.lookup(at(MAC), 0, CONTEST_MS), a)
    fdb.tick(1 + CONTEST_MS)
    assert.equal(fdb.lookup(at(MAC), 0, 500), b)
    assert.equal(fdb.learn(at(MAC), 0, b, 500), 'known')
    assert.deepEqual([a.learnedMacs, b.learnedMacs, fdb.stats.moved], [0, 1, 1])
    assert.equal(fdb.dueMs, Number.POSITIVE_INFINITY)
  })

  it('leaves an address with a station that is heard where it was, and holds further claims down', () => {
    const fdb = new Fdb()
    const a = port()
    const thief = port()
    fdb.learn(at(MAC), 0, a, 0)
    for (let nowMs = 1; nowMs < 10_000; nowMs += 100) {
      assert.equal(fdb.learn(at(MAC), 0, thief, nowMs), 'held')
      if (nowMs % 900 === 1) fdb.learn(at(MAC), 0, a, nowMs)
      fdb.tick(nowMs)
      assert.equal(fdb.lookup(at(MAC), 0, nowMs), a)
    }
    assert.deepEqual([fdb.stats.contested, fdb.stats.defended, fdb.stats.moved], [1, 1, 0])
    // The same without the answer of the station.
    fdb.learn(at(MAC), 0, thief, 20_000)
    fdb.tick(20_000 + CONTEST_MS)
    assert.equal(fdb.lookup(at(MAC), 0, 20_500), thief)
  })

  it('does not hold an address down for a port where it has fallen silent', () => {
    const fdb = new Fdb()
    const a = port()
    const b = port()
    fdb.learn(at(MAC), 0, a, 0)
    fdb.learn(at(MAC), 0, b, 1)
    fdb.learn(at(MAC), 0, a, 2)
    let movedMs = 0
    for (let nowMs = 3; nowMs < 3_000 && movedMs === 0; nowMs += 10) {
      fdb.learn(at(MAC), 0, b, nowMs)
      fdb.tick(nowMs)
      if (fdb.lookup(at(MAC), 0, nowMs) === b) movedMs = nowMs
    }
    assert.ok(movedMs >= HOLD_SILENCE_MS && movedMs <= HOLD_SILENCE_MS + CONTEST_MS + 20, `${movedMs}`)
  })

  it('gives an address that nobody was heard with for the ageing time to whoever comes', () => {
    const fdb = new Fdb({ ageingMs: 1000 })
    const a = port()
    const b = port()
    fdb.learn(at(MAC), 0, a, 0)
    assert.equal(fdb.learn(at(MAC), 0, b, 1001), 'learned')
    assert.deepEqual([a.learnedMacs, b.learnedMacs, fdb.stats.moved, fdb.size], [0, 1, 0, 1])
  })

  it('bounds the contests of one port and of all, and forgets those of a port that goes away', () => {
    const fdb = new Fdb({ maxEntriesPerPort: 10_000 })
    const owner = port()
    for (let i = 0; i < 1000; i++) fdb.learn(at(MAC + i), 0, owner, 0)
    const thieves = Array.from({ length: 10 }, port)
    for (const thief of thieves) for (let i = 0; i < 1000; i++) fdb.learn(at(MAC + i), 0, thief, 1)
    assert.equal(fdb.stats.contested, MAX_CONTESTS)
    for (const thief of thieves) fdb.removePort(thief)
    assert.equal(fdb.dueMs, Number.POSITIVE_INFINITY)
    for (let i = 0; i < 1000; i++) fdb.learn(at(MAC + i), 0, port(), 2)
    const one = port()
    for (let i = 0; i < 1000; i++) fdb.learn(at(MAC + i), 0, one, 2)
    fdb.tick(1_000_000)
    assert.ok(one.learnedMacs <= MAX_CONTESTS_PER_PORT)
  })

  it('never moves, ages or counts a pinned address; unpinned it can be learned by anybody', () => {
    const fdb = new Fdb({ ageingMs: 1000, maxEntries: 1, maxEntriesPerPort: 1 })
    const owner = port()
    const thief = port()
    fdb.learn(at(MAC), 0, thief, 0)
    assert.equal(fdb.pin(MAC, owner, 0), true)
    assert.equal(thief.learnedMacs, 0)
    assert.equal(fdb.learn(at(MAC), 0, thief, 1), 'spoofed')
    fdb.sweep(10_000)
    assert.equal(fdb.lookup(at(MAC), 0, 10_000), owner)
    assert.equal(fdb.pin(MAC, thief, 1), false)
    assert.equal(fdb.pin(MAC, owner, 1), true)
    assert.equal(fdb.learn(at(MAC + 1), 0, owner, 1), 'learned')
    fdb.unpinStale(() => false)
    assert.equal(fdb.size, 1)
    fdb.sweep(10_000)
    assert.equal(fdb.learn(at(MAC), 0, thief, 10_000), 'learned')
    assert.equal(fdb.stats.spoofed, 1)
  })

  it('forgets everything of a port that goes away', () => {
    const fdb = new Fdb()
    const a = port()
    const b = port()
    fdb.pin(MAC, a, 0)
    fdb.learn(at(MAC + 1), 0, a, 0)
    fdb.learn(at(MAC + 2), 0, b, 0)
    fdb.removePort(a)
    assert.deepEqual(
      [fdb.lookup(at(MAC), 0, 0), fdb.lookup(at(MAC + 1), 0, 0), fdb.lookup(at(MAC + 2), 0, 0)],
      [null, null, b],
    )
    assert.deepEqual([a.learnedMacs, fdb.size], [0, 1])
  })

  it('lists live entries up to a limit', () => {
    const fdb = new Fdb({ ageingMs: 1000 })
    const a = port()
    fdb.learn(at(MAC), 0, a, 0)
    fdb.learn(at(MAC + 1), 0, a, 900)
    fdb.learn(at(MAC + 2), 0, a, 900)
    assert.deepEqual(
      [...fdb.entries(1500, 10)].map((entry) => entry.mac),
      [MAC + 1, MAC + 2],
    )
    assert.equal([...fdb.entries(1500, 1)].length, 1)
  })
})
