import assert from 'node:assert/strict'
import test from 'node:test'
import { checkProperty, seededBytes, seededRandom } from '@wakunet/testing'
import fc from 'fast-check'
import { LAN_HELLO_MS, LAN_HOLD_MS, LanElection, MAX_LAN_PEERS } from '../src/index.ts'
import { decodeLanFrame, encodeLanHello, isLanFrame, type LanHello } from '../src/lan/lan-frame.ts'
import { nodeId } from './tree-network.ts'

const VLAN = new Uint8Array(16).fill(0x77)
const SOURCE = Uint8Array.of(6, 0, 0, 0, 0, 1)

const hello = (fields: Partial<LanHello> = {}): LanHello => ({
  vlanId: VLAN,
  nodeId: nodeId(1),
  priority: 32_768,
  isForwarding: false,
  isReady: false,
  isLeaving: false,
  counted: [],
  ...fields,
})

/** Elections on one LAN whose frames arrive after `delayMs`, in a world where everybody is everybody's member. */
class Lan {
  nowMs = 0
  readonly elections: LanElection[] = []
  /** Pairs of nodes that hear each other no more; `a>b` is one way. */
  readonly cut = new Set<string>()
  /** Nodes whose process is away. */
  readonly asleep = new Set<number>()
  readonly strangers = new Set<string>()
  /** Nodes without any trunk. */
  readonly alone = new Set<number>()
  /** What each node told, in order. */
  readonly told: boolean[][] = []
  loss = 0
  delayMs = 1
  #pending: { atMs: number; to: number; frame: Uint8Array }[] = []
  readonly #random: () => number
  readonly #afterStep: (lan: Lan) => void

  constructor(random: () => number = seededRandom(1), afterStep: (lan: Lan) => void = () => {}) {
    this.#random = random
    this.#afterStep = afterStep
  }

  add(rank: number, priority?: number): number {
    const node = this.elections.length
    const isMember = (id: Uint8Array) =>
      !this.strangers.has(
        `${node}>${this.elections.findIndex((_, i) => Buffer.compare(this.idOf(i), id) === 0)}`,
      )
    this.#ranks.push(rank)
    this.told.push([])
    this.elections.push(
      new LanElection(
        {
          vlanId: VLAN,
          nodeId: nodeId(rank),
          helloMac: SOURCE,
          isMember,
          isAlone: () => this.alone.has(node),
          ...(priority !== undefined && { priority }),
        },
        { send: (frame) => this.#transmit(node, frame), onChange: (is) => this.told[node]!.push(is) },
        this.nowMs,
      ),
    )
    return node
  }

  readonly #ranks: number[] = []

  idOf(node: number): Uint8Array {
    return nodeId(this.#ranks[node]!)
  }

  #transmit(from: number, frame: Uint8Array): void {
    for (const to of this.elections.keys()) {
      if (to === from || this.cut.has(`${from}>${to}`) || this.#random() < this.loss) continue
      this.#pending.push({ atMs: this.nowMs + this.delayMs * (0.5 + this.#random()), to, frame })
    }
  }

  part(a: number, b: number): void {
    this.cut.add(`${a}>${b}`).add(`${b}>${a}`)
  }

  join(a: number, b: number): void {
    this.cut.delete(`${a}>${b}`)
    this.cut.delete(`${b}>${a}`)
  }

  run(ms: number): void {
    const untilMs = this.nowMs + ms
    for (let steps = 0; steps < 100_000; steps++) {
      const awake = [...this.elections.keys()].filter((node) => !this.asleep.has(node))
      const message = this.#pending
        .filter(({ to }) => !this.asleep.has(to))
        .sort((a, b) => a.atMs - b.atMs)[0]
      const ticks = awake.map((node) => ({ node, atMs: this.elections[node]!.nextTickMs() }))
      const tick = ticks.sort((a, b) => a.atMs - b.atMs)[0]
      const atMs = Math.max(this.nowMs, Math.min(message?.atMs ?? Infinity, tick?.atMs ?? Infinity))
      if (atMs > untilMs) break
      this.nowMs = atMs
      if (message !== undefined && message.atMs <= (tick?.atMs ?? Infinity)) {
        this.#pending.splice(this.#pending.indexOf(message), 1)
        this.elections[message.to]!.receive(message.frame, 0, message.frame.length, this.nowMs)
      } else this.elections[tick!.node]!.tick(this.nowMs)
      this.#afterStep(this)
    }
    this.nowMs = untilMs
  }

  /** Nodes through which frames would pass now. */
  forwarders(): number[] {
    return [...this.elections.keys()].filter(
      (node) => !this.asleep.has(node) && this.elections[node]!.isForwarding(this.nowMs),
    )
  }
}

test('a hello survives the wire, and what follows it is a later version', async () => {
  await checkProperty(
    fc.property(
      fc.record({
        nodeId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
        priority: fc.nat(0xffff),
        isForwarding: fc.boolean(),
        isReady: fc.boolean(),
        isLeaving: fc.boolean(),
        counted: fc.array(fc.uint8Array({ minLength: 16, maxLength: 16 }), { maxLength: 8 }),
      }),
      fc.uint8Array({ maxLength: 40 }),
      (fields, more) => {
        const said = hello(fields)
        const frame = encodeLanHello(said, SOURCE)
        const later = new Uint8Array([...frame, ...more])
        later[18] = 1 + more.length
        for (const bytes of [frame, later]) {
          assert.ok(isLanFrame(bytes, 0, bytes.length, VLAN))
          assert.deepEqual(decodeLanFrame(bytes, 0, bytes.length), said)
        }
        assert.ok(!isLanFrame(frame, 0, frame.length, new Uint8Array(16)), 'another VLAN')
      },
    ),
    { runs: 200 },
  )
})

test('a hello that is cut off, and arbitrary bytes, are no hello', async () => {
  const frame = encodeLanHello(hello({ counted: [nodeId(1), nodeId(2)] }), SOURCE)
  for (let length = 0; length < frame.length; length++) {
    const cut = frame.slice(0, length)
    assert.ok(!isLanFrame(cut, 0, length, VLAN) || decodeLanFrame(cut, 0, length) === null)
  }
  await checkProperty(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.ok(!isLanFrame(bytes, 0, bytes.length, VLAN))
      decodeLanFrame(bytes, 0, bytes.length)
    }),
    { runs: 500 },
  )
})

test('a member alone forwards after it has listened', () => {
  const lan = new Lan()
  lan.add(1)
  lan.run(LAN_HOLD_MS - 1)
  assert.deepEqual(lan.forwarders(), [])
  lan.run(2)
  assert.deepEqual(lan.forwarders(), [0])
  assert.deepEqual(lan.elections[0]!.forwarder(lan.nowMs), nodeId(1))
})

test('where the LAN has a spanning tree, nobody is taken for absent before it can be heard', () => {
  const lan = new Lan()
  lan.add(2)
  lan.run(2_000)
  lan.part(0, 1)
  const started = lan.add(1)
  lan.elections[started]!.restart(lan.nowMs, 8_000)
  lan.run(7_999)
  lan.join(0, 1)
  lan.run(3_000)
  assert.deepEqual(lan.forwarders(), [0], 'who forwards goes on')
  assert.equal(lan.elections[0]!.stats.yields, 0)
})

test('of two that start together the lower id forwards, and never both', () => {
  const lan = new Lan(seededRandom(2), (l) => assert.ok(l.forwarders().length <= 1))
  lan.add(2)
  lan.add(1)
  lan.run(5_000)
  assert.deepEqual(lan.forwarders(), [1])
  assert.deepEqual(lan.elections[0]!.forwarder(lan.nowMs), nodeId(1))
  assert.deepEqual(lan.elections[1]!.neighbours(lan.nowMs), [nodeId(2)])
})

test('who forwards goes on when a lower id comes; a better priority takes over without an overlap', () => {
  const lan = new Lan(seededRandom(3), (l) => assert.ok(l.forwarders().length <= 1))
  lan.add(5)
  lan.run(2_000)
  lan.add(1)
  lan.run(5_000)
  assert.deepEqual(lan.forwarders(), [0])
  lan.add(9, 4_096)
  lan.run(LAN_HOLD_MS + LAN_HELLO_MS)
  assert.deepEqual(lan.forwarders(), [2])
  assert.equal(lan.elections[0]!.stats.yields, 1)
})

test('when the forwarder dies another takes over within a second, when it leaves at once', () => {
  const lan = new Lan()
  for (const rank of [1, 2, 3]) lan.add(rank)
  lan.run(3_000)
  assert.deepEqual(lan.forwarders(), [0])
  lan.asleep.add(0)
  lan.run(LAN_HOLD_MS + 5)
  assert.deepEqual(lan.forwarders(), [1])
  lan.elections[1]!.leave(lan.nowMs)
  lan.asleep.add(1)
  lan.run(5)
  assert.deepEqual(lan.forwarders(), [2])
})

test('a process that was away does not forward what waited for it, before it has listened', () => {
  const lan = new Lan(seededRandom(5), (l) => assert.ok(l.forwarders().length <= 1))
  lan.add(1)
  lan.add(2)
  lan.run(3_000)
  lan.asleep.add(0)
  lan.run(3_000)
  assert.deepEqual(lan.forwarders(), [1])
  lan.asleep.delete(0)
  assert.ok(!lan.elections[0]!.isForwarding(lan.nowMs), 'asked before it has read a hello')
  lan.run(3_000)
  assert.deepEqual(lan.forwarders(), [1])
  assert.equal(lan.elections[0]!.stats.lapses, 1)
})

test('a LAN that falls apart has a forwarder in each part, and one again when it heals', () => {
  const lan = new Lan()
  lan.add(1)
  lan.add(2)
  lan.run(3_000)
  lan.part(0, 1)
  lan.run(LAN_HOLD_MS + LAN_HELLO_MS)
  assert.deepEqual(lan.forwarders(), [0, 1])
  lan.join(0, 1)
  lan.run(LAN_HELLO_MS + 5)
  assert.deepEqual(lan.forwarders(), [0])
})

test('who goes on forwarding when LANs are joined says that the stations of the other are here now', () => {
  const lan = new Lan()
  lan.add(1)
  lan.add(2)
  lan.part(0, 1)
  lan.run(3_000)
  lan.join(0, 1)
  lan.run(LAN_HELLO_MS + 5)
  assert.deepEqual(lan.told, [
    [true, true],
    [true, false],
  ])
})

test('a member that stopped unheard, while frames went one way only, leaves its stations to one that knows', () => {
  const lan = new Lan()
  lan.add(1)
  lan.add(2)
  lan.part(0, 1)
  lan.run(3_000)
  lan.cut.delete('0>1')
  lan.run(500)
  assert.deepEqual(lan.forwarders(), [0])
  lan.cut.delete('1>0')
  lan.run(500)
  assert.deepEqual(lan.told[0], [true, true])
})

test('a LAN that grows by many members is told of once a second', () => {
  const lan = new Lan()
  lan.add(1)
  lan.run(2_000)
  for (let rank = 2; rank < 12; rank++) {
    lan.add(rank)
    lan.run(50)
  }
  lan.run(3_000)
  assert.deepEqual(lan.told[0], [true, true, true])
})

test('a member without trunks leaves the LAN to others, and waits when its first trunk is there', () => {
  const lan = new Lan()
  lan.add(2)
  lan.run(3_000)
  lan.alone.add(1)
  const started = lan.add(1)
  for (const pair of ['0>1', '1>0']) lan.strangers.add(pair)
  lan.run(3_000)
  assert.deepEqual(lan.forwarders(), [0])
  lan.alone.delete(started)
  lan.elections[started]!.updateMembers(lan.nowMs)
  lan.run(LAN_HOLD_MS / 2)
  assert.deepEqual(lan.forwarders(), [0], 'the other may become known in a moment')
  lan.strangers.clear()
  for (const election of lan.elections) election.updateMembers(lan.nowMs)
  lan.run(3_000)
  assert.deepEqual(lan.forwarders(), [0])
})

test('a member without trunks that forwards makes way for one that comes with some', () => {
  const lan = new Lan()
  lan.alone.add(0)
  lan.add(1)
  lan.run(3_000)
  assert.deepEqual(lan.forwarders(), [0], 'there is nobody else')
  for (const pair of ['0>1', '1>0']) lan.strangers.add(pair)
  lan.add(2)
  lan.run(LAN_HOLD_MS + LAN_HELLO_MS)
  assert.deepEqual(lan.forwarders(), [1])
})

test('where frames go one way only, one of the two stops', () => {
  for (const deaf of [0, 1]) {
    const lan = new Lan()
    lan.add(1)
    lan.add(2)
    lan.cut.add(`${1 - deaf}>${deaf}`)
    lan.run(10_000)
    assert.deepEqual(lan.forwarders(), [deaf], 'the one that hears stops')
  }
})

test('members that the VLAN does not join both forward, and one stops as soon as either knows of the other', () => {
  for (const first of ['0>1', '1>0']) {
    const lan = new Lan()
    lan.add(1)
    lan.add(2)
    lan.strangers.add('0>1').add('1>0')
    lan.run(3_000)
    assert.deepEqual(lan.forwarders(), [0, 1], 'else the LAN would be cut off from half the VLAN')
    lan.strangers.delete(first)
    lan.elections[Number(first[0])]!.updateMembers(lan.nowMs)
    lan.run(LAN_HELLO_MS)
    assert.deepEqual(lan.forwarders(), [0])
  }
})

test('no two members forward for one LAN at any time while hellos arrive, whatever comes and goes', async () => {
  await checkProperty(
    fc.property(
      fc.integer(),
      fc.array(fc.tuple(fc.constantFrom('sleep', 'wake', 'add', 'leave'), fc.nat(4), fc.nat(1_500)), {
        maxLength: 14,
      }),
      (seed, events) => {
        // Awake nodes always hear each other, so two forward only while a hello is under way: never after it has come.
        const lan = new Lan(seededRandom(seed), (l) => assert.ok(l.forwarders().length <= 1))
        lan.delayMs = 3
        const gone = new Set<number>()
        const ranks = [4, 1, 3, 2, 5]
        lan.add(9)
        for (const [what, node, ms] of events) {
          if (what === 'add' && lan.elections.length < 5) lan.add(ranks[lan.elections.length]!)
          if (node < lan.elections.length) {
            if (what === 'sleep') lan.asleep.add(node)
            if (what === 'wake') lan.asleep.delete(node)
            if (what === 'leave' && !lan.asleep.has(node)) {
              lan.elections[node]!.leave(lan.nowMs)
              gone.add(node)
            }
          }
          for (const node of gone) lan.asleep.add(node)
          lan.run(ms)
        }
        lan.asleep.clear()
        for (const node of gone) lan.asleep.add(node)
        lan.run(4 * LAN_HOLD_MS)
        assert.equal(lan.forwarders().length, gone.size < lan.elections.length ? 1 : 0)
      },
    ),
    { runs: 150 },
  )
})

test('hellos that get lost cost time, and the LAN has one forwarder again soon', async () => {
  await checkProperty(
    fc.property(fc.integer(), fc.double({ min: 0, max: 0.3, noNaN: true }), (seed, loss) => {
      const lan = new Lan(seededRandom(seed))
      for (const rank of [3, 1, 2]) lan.add(rank)
      lan.loss = loss
      lan.run(20_000)
      lan.loss = 0
      lan.run(2 * LAN_HOLD_MS)
      assert.equal(lan.forwarders().length, 1)
    }),
    { runs: 50 },
  )
})

test('without elections two members of one LAN both forward: the control', () => {
  const lan = new Lan()
  lan.add(1)
  lan.add(2)
  lan.part(0, 1)
  lan.run(5_000)
  assert.deepEqual(lan.forwarders(), [0, 1])
})

test('a flood of hellos, or of strangers, stops the forwarder instead of deafening it', () => {
  const lan = new Lan()
  const [me, other] = [lan.add(1), lan.add(2)]
  lan.run(2_000)
  const election = lan.elections[me]!
  for (let i = 0; i < MAX_LAN_PEERS + 10; i++) {
    lan.strangers.add(`${me}>-1`)
    const frame = encodeLanHello(
      hello({ nodeId: seededBytes(16, seededRandom(i)), isForwarding: true }),
      SOURCE,
    )
    election.receive(frame, 0, frame.length, lan.nowMs)
  }
  assert.ok(election.drops.full > 0)
  assert.ok(!election.isForwarding(lan.nowMs))
  assert.equal(election.neighbours(lan.nowMs).length, MAX_LAN_PEERS)
  const frame = encodeLanHello(hello({ nodeId: nodeId(2), isForwarding: true }), SOURCE)
  election.receive(frame, 0, frame.length, lan.nowMs)
  assert.deepEqual(election.forwarder(lan.nowMs), nodeId(2), 'a member still has room')
  for (let i = 0; i < 2_000; i++) election.receive(frame, 0, frame.length, lan.nowMs)
  assert.ok(election.drops.flood > 1_000)
  const own = encodeLanHello(hello({ nodeId: nodeId(1) }), SOURCE)
  election.receive(own, 0, own.length, lan.nowMs)
  assert.equal(election.drops.own, 1)
  lan.run(3 * LAN_HOLD_MS)
  assert.deepEqual(lan.forwarders().length, 1)
  assert.ok(other === 1)
})

test('an idle LAN costs four hellos a second and member', () => {
  const lan = new Lan()
  lan.add(1)
  lan.add(2)
  lan.run(5_000)
  const before = lan.elections[0]!.stats.hellosSent
  lan.run(10_000)
  assert.equal(lan.elections[0]!.stats.hellosSent - before, 10_000 / LAN_HELLO_MS)
})
