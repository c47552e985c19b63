import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFrameView, parseFrame } from '@wakunet/ethernet'
import { AXES, BASE_CASE, PATH_NAMES, PATHS, pathsOf, switchCases } from '../src/switch/cases.ts'
import { measureFanOut } from '../src/switch/fan-out.ts'
import { writeFrame } from '../src/switch/frames.ts'
import { measureCase } from '../src/switch/measure-case.ts'
import { randomOf } from '../src/switch/random.ts'
import { SUBJECT_NAMES } from '../src/switch/subject.ts'
import { SUBJECTS } from '../src/switch/subjects.ts'
import type { SwitchResult } from '../src/switch/switch-result.ts'
import { renderSwitch } from '../src/switch/switch-text.ts'
import { teachAddresses } from '../src/switch/workload.ts'
import { createWorld, MAX_DIRECT } from '../src/switch/world.ts'

const SMALL = { frameBytes: 128, batchFrames: 4, fdbEntries: 40, members: MAX_DIRECT + 5 }

test('every case is there once, and changes one thing of the base', () => {
  const cases = switchCases()
  assert.equal(new Set(cases.map((each) => JSON.stringify(each))).size, cases.length)
  assert.equal(cases.length, 1 + Object.values(AXES).reduce((sum, values) => sum + values.length - 1, 0))
  for (const each of cases) {
    const changed = Object.keys(BASE_CASE).filter(
      (axis) => each[axis as keyof typeof each] !== BASE_CASE[axis as keyof typeof each],
    )
    assert.ok(changed.length <= 1)
  }
})

test('sample frames are what they say', () => {
  const bytes = new Uint8Array(1_500)
  const view = createFrameView()
  for (const [protocol, number] of [
    ['tcp', 6],
    ['udp', 17],
  ] as const) {
    writeFrame(bytes, 10, 1_400, { destination: 1, source: 2, protocol, address: new Uint8Array(4) })
    assert.equal(parseFrame(bytes, 10, 1_400, view), 'ok')
    assert.deepEqual([view.ipVersion, view.protocol, view.ipEnd], [4, number, 1_400])
  }
})

for (const subject of SUBJECT_NAMES) {
  test(`${subject}: every frame of every workload goes through, again and again`, () => {
    const world = createWorld(SMALL.members, SMALL.fdbEntries)
    const machine = SUBJECTS[subject](world)
    teachAddresses(machine, world)
    assert.equal(machine.counts.delivered, SMALL.fdbEntries)
    for (const path of pathsOf(subject)) {
      const workload = PATHS[path].create(machine, { world, ...SMALL, calls: 3 })
      for (let run = 0; run < 3; run++) {
        const before = machine.counts[PATHS[path].counts]
        workload.restore()
        workload.run()
        assert.equal(machine.counts[PATHS[path].counts] - before, workload.frames, path)
      }
    }
  })
}

test('a switch that drops frames is not measured', () => {
  const world = createWorld(3, 4)
  const machine = SUBJECTS.bridge(world)
  // Nobody has taught it the addresses, so that each frame to one member goes to all: counted, and none for the TAP.
  const workload = PATHS['trunk to TAP'].create(machine, { world, ...SMALL })
  assert.throws(() => measureCase(workload, 0.001, () => 0), /of \d+ frames 0 went through/)
})

test('a case has a cost, and the heap is not credited', () => {
  const world = createWorld(3, 4)
  const machine = SUBJECTS.bridge(world)
  teachAddresses(machine, world)
  const workload = PATHS['TAP to one member'].create(machine, { world, ...SMALL, calls: 4 })
  const cost = measureCase(workload, 0.002, () => machine.counts.sent)
  assert.ok(cost.nsPerFrame > 0 && cost.minNsPerFrame <= cost.nsPerFrame)
  assert.ok(cost.maxNsPerFrame >= cost.nsPerFrame && cost.heapBytesPerFrame >= 0)
  assert.equal(cost.framesPerCall, SMALL.batchFrames)
})

test('a broadcast in a full mesh reaches everybody', () => {
  const { members, senderNsPerFrame, receiversNsPerFrame } = measureFanOut(4, 0.001)
  assert.equal(members, 4)
  assert.ok(senderNsPerFrame > 0 && receiversNsPerFrame > 0)
})

test('random numbers follow from their seed', () => {
  const [a, b, c] = [randomOf(1), randomOf(1), randomOf(2)]
  const first = [a(), a(), a()]
  assert.deepEqual([b(), b(), b()], first)
  assert.notDeepEqual([c(), c(), c()], first)
})

test('the text shows every path, and a dash where a part has none', () => {
  const cost = {
    nsPerFrame: 123,
    minNsPerFrame: 100,
    maxNsPerFrame: 200,
    heapBytesPerFrame: 0,
    heapBytesPerCall: 0,
    framesPerCall: 64,
  }
  const cases: SwitchResult[] = SUBJECT_NAMES.flatMap((subject) =>
    pathsOf(subject).map((path) => ({ subject, path, ...BASE_CASE, ...cost })),
  )
  const fanOut = [{ members: 32, senderNsPerFrame: 10, receiversNsPerFrame: 3_100 }]
  const text = renderSwitch({ cases, fanOut })
  for (const path of PATH_NAMES) assert.ok(text.includes(path), path)
  assert.match(text, /TAP to a group, UDP +- +- +123 +123/)
  assert.match(text, /32 members: fabric +10 +100 +3,100/)
})
