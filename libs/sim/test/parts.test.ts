import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkProperty } from '@wakunet/testing'
import fc from 'fast-check'
import {
  type Edge,
  EventQueue,
  formatTable,
  makeTopology,
  percentile,
  plotSvg,
  Random,
  type SimReport,
  Simulation,
  TreeWatch,
} from '../src/index.ts'
import { runSmall } from './support.ts'

describe('Random', () => {
  it('follows from its seed', () => {
    const draw = (seed: number) => {
      const random = new Random(seed)
      return Array.from({ length: 20 }, () => random.uint32())
    }
    assert.deepEqual(draw(5), draw(5))
    assert.notDeepEqual(draw(5), draw(6))
  })

  it('is spread evenly', () => {
    const random = new Random(1)
    const counts = new Array<number>(10).fill(0)
    for (let i = 0; i < 100_000; i++) counts[random.below(10)]!++
    for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `${counts}`)
  })
})

describe('EventQueue', () => {
  it('runs events by time, and those of one time in the order of adding, as sorting would', () =>
    checkProperty(
      fc.property(fc.array(fc.nat(50), { maxLength: 200 }), (times) => {
        const queue = new EventQueue()
        const ran: number[] = []
        for (const [i, atMs] of times.entries()) queue.at(atMs, () => ran.push(i))
        queue.run(50)
        const expected = [...times.keys()].sort((a, b) => times[a]! - times[b]! || a - b)
        assert.deepEqual(ran, expected)
      }),
      { runs: 300 },
    ))

  it('runs what is added meanwhile, never in the past, and stops when it is told', () => {
    const queue = new EventQueue()
    const times: number[] = []
    queue.at(5, () => {
      times.push(queue.nowMs)
      queue.at(1, () => times.push(queue.nowMs))
      queue.after(10, () => times.push(queue.nowMs))
    })
    assert.equal(
      queue.run(100, () => times.length === 2),
      true,
    )
    assert.deepEqual(times, [5, 5])
    assert.equal(queue.run(100), false)
    assert.deepEqual(times, [5, 5, 15])
    assert.deepEqual([queue.nowMs, queue.size, queue.ran], [100, 0, 3])
  })
})

describe('makeTopology', () => {
  it('makes connected networks without doubles, within the limit', () =>
    checkProperty(
      fc.property(
        fc.integer({ min: 3, max: 60 }),
        fc.integer({ min: 2, max: 32 }),
        fc.nat(),
        (nodes, limit, seed) => {
          const edges = makeTopology('random', nodes, limit, new Random(seed))
          const degrees = new Array<number>(nodes).fill(0)
          for (const [a, b] of edges) {
            degrees[a]!++
            degrees[b]!++
            assert.notEqual(a, b)
          }
          assert.ok(Math.max(...degrees) <= limit)
          assert.ok(Math.min(...degrees) >= 2)
          const keys = new Set(edges.map(([a, b]) => `${Math.min(a, b)} ${Math.max(a, b)}`))
          assert.equal(keys.size, edges.length)
        },
      ),
      { runs: 100 },
    ))

  it('makes islands that virtual links alone connect, no two of an island over the same peer', () => {
    const edges = makeTopology('relayed', 40, 32, new Random(3))
    const text = (list: readonly Edge[]) => new Set(list.map(([a, b]) => `${a} ${b}`))
    const virtual = edges.filter(([, , relay]) => relay !== undefined)
    assert.equal(virtual.length, 10)
    for (let i = 0; i < virtual.length; i += 2) assert.notEqual(virtual[i]![2], virtual[i + 1]![2])
    const everybody = Array.from({ length: 40 }, (_, i) => i)
    assert.ok(everybody.every((node) => node === 0 || reaches(text(edges), 0, node)))
    const inside = text(edges.filter(([, , relay]) => relay === undefined))
    assert.equal(everybody.filter((node) => reaches(inside, 0, node)).length, 6)
  })

  it('a virtual link shares the fate of all that run over its peer', () => {
    const { network } = new Simulation({ nodes: 60, seed: 1, topology: 'relayed', addressing: false })
    const link = network.links.find(({ relay }) => relay === 1)!
    const shared = network.sharingFate(link)
    assert.ok(shared.length > 1 && shared.every(({ relay }) => relay === 1))
    const own = network.links.find(({ relay }) => relay === null)!
    assert.deepEqual(network.sharingFate(own), [own])
  })

  it('makes the shapes of the textbook', () => {
    const random = new Random(1)
    assert.deepEqual(makeTopology('line', 3, 2, random), [
      [0, 1],
      [1, 2],
    ])
    assert.deepEqual(makeTopology('ring', 3, 2, random), [
      [0, 1],
      [1, 2],
      [2, 0],
    ])
    assert.deepEqual(makeTopology('mesh', 3, 2, random), [
      [1, 0],
      [2, 0],
      [2, 1],
    ])
  })
})

describe('TreeWatch', () => {
  it('sees a loop exactly where a simple search does', () =>
    checkProperty(
      fc.property(fc.array(fc.tuple(fc.nat(7), fc.nat(7), fc.boolean()), { maxLength: 60 }), (steps) => {
        const watch = new TreeWatch(8)
        const links = new Set<string>()
        for (const [a, b, isAdd] of steps) {
          if (a === b) continue
          const key = `${Math.min(a, b)} ${Math.max(a, b)}`
          if (!isAdd) {
            links.delete(key)
            watch.remove(a, b)
            continue
          }
          const expected = links.has(key) || !reaches(links, a, b)
          links.add(key)
          assert.equal(watch.add(a, b), expected)
          assert.equal(watch.links, links.size)
        }
      }),
      { runs: 300 },
    ))
})

function reaches(links: ReadonlySet<string>, from: number, to: number): boolean {
  const seen = new Set([from])
  for (let round = 0; round < 8; round++)
    for (const link of links) {
      const [a, b] = link.split(' ').map(Number) as [number, number]
      if (seen.has(a)) seen.add(b)
      else if (seen.has(b)) seen.add(a)
    }
  return seen.has(to)
}

describe('reports', () => {
  it('take the nearest rank for a percentile', () => {
    const values = Array.from({ length: 200 }, (_, i) => 200 - i)
    assert.deepEqual(
      [percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)],
      [100, 198, 200],
    )
    assert.equal(percentile([], 0.99), 0)
  })

  it('are tables with a line each, and plots with a point each', () => {
    const report: SimReport = runSmall({ nodes: 4, events: 1 })
    const lines = formatTable([report, report]).split('\n')
    assert.equal(lines.length, 3)
    assert.ok(lines.every((line) => line.length === lines[0]!.length))
    const svg = plotSvg([report, { ...report, nodes: 1_000, convergenceP99Ms: 800 }])
    assert.equal(svg.match(/<circle/g)?.length, 4)
    assert.match(svg, /^<svg [\s\S]+<\/svg>\n$/)
  })
})
