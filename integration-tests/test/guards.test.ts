import assert from 'node:assert/strict'
import { before, describe, it, type TestContext } from 'node:test'
import { GUARD_NAMES, type GuardName } from '@wakunet/switching'
import {
  ATTACK_PROGRAMS,
  ContinuousPing,
  EMBEDDED,
  GUARD_ATTACKS,
  type GuardAttack,
  type GuardScene,
  NO_GUARDS,
  type Outcome,
  type Station,
  type TestNetwork,
  tellFigures,
  useNetwork,
  withoutGuard,
} from '../src/index.ts'

/** Of honest unicast during a storm (ATTACKS.md, L8); of everything else nothing is lost. */
const STORM_LOSS = 0.05
/** A flood is as fast as the tool can on processors that all hosts share: one of some 17 pings may find a queue full. */
const FLOOD_PINGS_LOST = 1
const CONTROL_TRIES = 3

async function setUp(network: TestNetwork): Promise<Omit<GuardScene, 'network'>> {
  const vlan = await network.createVlan('lan', ['--mtu', '1500'])
  const stations = await network.joinAll(vlan)
  const [victim, attacker, honest, open] = stations as [Station, Station, Station, Station]
  // Everybody has spoken to everybody: the guards know who has which address.
  for (const station of stations) await haveSpoken(network, station, stations)
  return { vlan, victim, attacker, honest, open }
}

/** Waits until `one` reaches all others, and they reach it. */
async function haveSpoken(network: TestNetwork, one: Station, all: readonly Station[]): Promise<void> {
  for (const other of all.filter((station) => station !== one))
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const)
      for (const address of [to.address4, to.address6])
        await network.until(`${from.name} to reach ${address}`, async () => {
          const args = ['-n', '-c', '1', '-W', '1', address]
          return (await from.host.lab.exec('ping', args, { allowFailure: true })).code === 0
        })
}

describe('guards against real attack tools', () => {
  const fixture = useNetwork(
    {
      name: 'guards',
      shape: EMBEDDED,
      nodes: 4,
      bareHosts: 1,
      edges: [
        [1, 2],
        [2, 3],
        [2, 4],
        [1, 3],
        [1, 5],
        [4, 5],
      ],
      settings: (number) => (number === 2 ? { switch: NO_GUARDS } : {}),
      programs: [...ATTACK_PROGRAMS, 'udhcpc'],
    },
    setUp,
  )

  /** The host that is open stays as it is but for this. */
  async function leaveOut(guard: GuardName): Promise<void> {
    const { network, victim, attacker, honest, open } = fixture()
    await open.host.stop()
    open.host.configure({ switch: withoutGuard(guard) })
    await open.host.start()
    await network.ready(open.host)
    await haveSpoken(network, open, [victim, attacker, honest])
  }

  /** The attack does not reach the victim, and nobody who is honest loses anything meanwhile. */
  async function assertKeptOut(t: TestContext, guard: GuardName, attack: GuardAttack): Promise<void> {
    const { victim, honest, attacker } = fixture()
    // What floods its own interface leaves no room there for pings of its own; others notice nothing.
    const pings = new ContinuousPing(attack.isLocal ? attacker : victim, honest)
    await pings.answered(2)
    const outcome = await attack.perform(fixture(), victim)
    const { sent, lost } = await pings.stop()
    tell(t, `${guard}, ${attack.what}, kept out`, outcome, { pings: sent, pingsLost: lost.length })
    assert.ok(outcome.through <= outcome.allowed, `through the guard: ${describeOutcome(outcome)}`)
    assert.notEqual(outcome.harmed, true, 'the victim is worse off')
    assert.ok(
      lost.length <= allowedLoss(guard, attack, sent),
      `honest pings were lost: ${lost.join(' ')} of ${sent}\n${lostTrunks(fixture().network)}`,
    )
  }

  async function assertGetsThrough(t: TestContext, guard: GuardName, attack: GuardAttack): Promise<void> {
    let outcome = await attack.perform(fixture(), fixture().open)
    // One that works once works; a busy machine may give a short flood no time at all.
    for (let tries = 1; tries < CONTROL_TRIES && !attack.isStoppedAnyway && !worked(outcome); tries++)
      outcome = await attack.perform(fixture(), fixture().open)
    tell(t, `${guard}, ${attack.what}, guard off`, outcome)
    assert.ok(outcome.sent > 0, 'nothing was sent')
    if (attack.isStoppedAnyway) assert.equal(outcome.through, 0)
    else assert.ok(worked(outcome), `not an attack at all: ${describeOutcome(outcome)}`)
    assert.notEqual(outcome.harmed, false, 'the open host is no worse off')
  }

  for (const guard of GUARD_NAMES) {
    describe(`guard ${guard}`, () => {
      for (const attack of GUARD_ATTACKS[guard])
        it(`${attack.id}: keeps out ${attack.what} (${attack.tool})`, (t) => assertKeptOut(t, guard, attack))

      describe(`where it alone is off`, () => {
        before(() => leaveOut(guard))

        for (const attack of GUARD_ATTACKS[guard])
          it(`${attack.id}: ${attack.isStoppedAnyway ? 'something else stops' : 'lets through'} ${attack.what}`, (t) =>
            assertGetsThrough(t, guard, attack))
      })
    })
  }
})

it('every guard is tried with a real tool', () => {
  assert.deepEqual(Object.keys(GUARD_ATTACKS).sort(), [...GUARD_NAMES].sort())
  for (const guard of GUARD_NAMES) assert.ok(GUARD_ATTACKS[guard].length > 0, guard)
})

function worked({ through, allowed, harmed }: Outcome): boolean {
  return through > allowed && harmed !== false
}

function allowedLoss(guard: GuardName, { isFlood = false }: GuardAttack, sent: number): number {
  if (guard === 'storm') return sent * STORM_LOSS
  return isFlood ? FLOOD_PINGS_LOST : 0
}

/** A trunk that was given up is the likeliest reason for pings that are lost in a row. */
function lostTrunks(network: TestNetwork): string {
  const lines = network.logs().split('\n')
  return lines.filter((line) => line.includes('"trunk down"')).join('\n')
}

function tell(
  t: TestContext,
  name: string,
  { sent, through, allowed, harmed, figures: { first: _, ...figures } }: Outcome,
  more: Readonly<Record<string, number>> = {},
): void {
  tellFigures(t, name, {
    sent,
    through,
    allowed,
    ...(harmed === null ? {} : { harmed }),
    ...figures,
    ...more,
  })
}

function describeOutcome({ sent, through, allowed, figures }: Outcome): string {
  return `${through} of ${sent}, allowed ${allowed} ${JSON.stringify(figures)}`
}
