import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkProperty, seededRandom } from '@wakunet/testing'
import fc from 'fast-check'
import { type HostPair, lineGraph, meshGraph, randomGraph, ringGraph } from '../src/index.ts'

function degrees(hosts: number, graph: readonly HostPair[]): number[] {
  return Array.from({ length: hosts }, (_, index) => graph.filter((pair) => pair.includes(index + 1)).length)
}

function reached(graph: readonly HostPair[]): Set<number> {
  const found = new Set([1])
  for (let before = 0; before < found.size; ) {
    before = found.size
    for (const pair of graph)
      if (pair.some((host) => found.has(host))) for (const host of pair) found.add(host)
  }
  return found
}

test('a line, a ring and a mesh have the cables that their names say', () => {
  assert.deepEqual(lineGraph(4), [
    [1, 2],
    [2, 3],
    [3, 4],
  ])
  assert.deepEqual(degrees(5, ringGraph(5)), [2, 2, 2, 2, 2])
  assert.deepEqual(degrees(5, meshGraph(5)), [4, 4, 4, 4, 4])
  assert.equal(new Set(meshGraph(12).map(String)).size, 66)
})

test('a random graph is connected, simple, within its degree, and the same for the same seed', async () => {
  const shapes = fc.record({
    seed: fc.integer(),
    hosts: fc.integer({ min: 2, max: 16 }),
    maxDegree: fc.integer({ min: 2, max: 5 }),
    more: fc.integer({ min: 0, max: 20 }),
  })
  await checkProperty(
    fc.property(shapes, ({ seed, hosts, maxDegree, more }) => {
      const draw = () =>
        randomGraph(hosts, { random: seededRandom(seed), maxDegree, cables: hosts - 1 + more })
      const graph = draw()
      assert.deepEqual(draw(), graph)
      assert.equal(reached(graph).size, hosts)
      assert.ok(graph.every(([first, second]) => first < second))
      assert.equal(new Set(graph.map(String)).size, graph.length)
      assert.ok(Math.max(...degrees(hosts, graph)) <= maxDegree)
    }),
    { runs: 200 },
  )
})
