import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import {
  type Bus,
  type BusRole,
  MAX_PENDING_REQUESTS,
  MAX_QUEUED_EVENTS,
  MAX_RUNNING_HANDLERS,
  type PayloadOf,
  type RequestBus,
  type RequestOf,
} from '../src/index.ts'
import { id, membersChanged, trunkStarted, trunkStatus } from './samples.ts'
import { collector, withCode } from './support.ts'

/** One bus under test: connections that hear each other. */
export interface BusFixture extends AsyncDisposable {
  /** A started connection that is in contact. */
  connect(role: BusRole): Promise<Bus>
  /** What asks as the command line does, where that is not simply a connection of the role `cli`. */
  requester?(): Promise<RequestBus>
  /** Resolves when subscriptions that were made before are known to all. */
  settled(bus: Bus): Promise<void>
}

/** What every implementation of the bus does, whatever carries it. */
export function busCompliance(name: string, makeFixture: () => Promise<BusFixture>): void {
  requestCompliance(name, makeFixture)
  describe(`${name}: events`, () => eventCompliance(makeFixture))
  describe(`${name}: limits and life cycle`, () => limitCompliance(makeFixture))
}

/** The part that holds for everything that can only ask. */
export function requestCompliance(name: string, makeFixture: () => Promise<BusFixture>): void {
  describe(`${name}: requests`, () => requestClaims(makeFixture))
}

function requestClaims(makeFixture: () => Promise<BusFixture>): void {
  it('brings a request to its responder and the reply back', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await pair(fixture)
    const asked: unknown[] = []
    trunk.respond('trunk.members.get', (payload) => {
      asked.push(payload)
      return { members: [] }
    })
    await fixture.settled(trunk)
    assert.deepEqual(await cli.request('trunk.members.get', { vlanId: id('b') }), { members: [] })
    assert.deepEqual(asked, [{ vlanId: id('b') }])
    assert.equal(trunk.stats.requestsAnswered, 1)
  })

  it('gives the requester the code and message of a WakunetError', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await pair(fixture)
    trunk.respond('directory.resolve', async () => {
      throw new WakunetError('ERR_VLAN_NOT_FOUND', 'no VLAN is called lan')
    })
    await fixture.settled(trunk)
    await assert.rejects(cli.request('directory.resolve', { vlan: 'lan' }), {
      code: 'ERR_VLAN_NOT_FOUND',
      message: 'no VLAN is called lan',
    })
  })

  it('hides any other error of a handler behind ERR_INTERNAL', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await pair(fixture)
    trunk.respond('trunk.status', () => {
      throw new TypeError('the secret is 42')
    })
    await fixture.settled(trunk)
    const error = await cli.request('trunk.status', {}).catch((reason: unknown) => reason)
    assert.ok(error instanceof WakunetError)
    assert.equal(error.code, 'ERR_INTERNAL')
    assert.doesNotMatch(error.message, /42/)
  })

  it('says at once that nobody answers', async () => {
    await using fixture = await makeFixture()
    const { cli } = await pair(fixture)
    await assert.rejects(cli.request('switch.list', {}), withCode('ERR_BUS_NO_RESPONDER'))
  })

  it('says that nobody answers after the handler was unsubscribed', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await pair(fixture)
    trunk.respond('trunk.status', () => trunkStatus).unsubscribe()
    await fixture.settled(trunk)
    await assert.rejects(cli.request('trunk.status', {}), withCode('ERR_BUS_NO_RESPONDER'))
  })

  it('ends with ERR_BUS_TIMEOUT when the handler takes too long', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await pair(fixture)
    const { promise, resolve } = Promise.withResolvers<typeof trunkStatus>()
    trunk.respond('trunk.status', () => promise)
    await fixture.settled(trunk)
    await assert.rejects(cli.request('trunk.status', {}, { timeoutMs: 20 }), withCode('ERR_BUS_TIMEOUT'))
    resolve(trunkStatus)
  })

  it("ends with the signal's reason when it aborts", async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await pair(fixture)
    const { promise, resolve } = Promise.withResolvers<typeof trunkStatus>()
    const abort = new AbortController()
    trunk.respond('trunk.status', () => {
      abort.abort(new Error('changed my mind'))
      return promise
    })
    await fixture.settled(trunk)
    await assert.rejects(cli.request('trunk.status', {}, { signal: abort.signal }), /changed my mind/)
    await assert.rejects(cli.request('trunk.status', {}, { signal: abort.signal }), /changed my mind/)
    resolve(trunkStatus)
  })

  it('refuses a request that does not fit its schema before it is sent, and counts it', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await pair(fixture)
    trunk.respond('trunk.members.get', () => assert.fail('must not arrive'))
    await fixture.settled(trunk)
    const wrong = { vlanId: 'not hexadecimal' } as RequestOf<'trunk.members.get'>
    await assert.rejects(cli.request('trunk.members.get', wrong), (error: WakunetError) => {
      assert.match(error.message, /vlanId/)
      return error.code === 'ERR_BUS_INVALID_PAYLOAD'
    })
  })

  it('refuses a reply that does not fit its schema, and counts it where it was made', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await pair(fixture)
    trunk.respond('trunk.status', () => ({ ...trunkStatus, peersKnown: -1 }))
    await fixture.settled(trunk)
    await assert.rejects(cli.request('trunk.status', {}), withCode('ERR_BUS_INVALID_PAYLOAD'))
    assert.equal(trunk.stats.payloadsInvalid, 1)
  })

  it('refuses roles that the contract does not name', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await pair(fixture)
    const notPermitted = withCode('ERR_BUS_NOT_PERMITTED')
    const lane = { lane: 'vlan-switch', memberships: [] }
    await assert.rejects(cli.request('trunk.membership.set', lane), notPermitted)
    await assert.rejects(trunk.request('switch.list', {}), notPermitted)
    // What is no subject at all, as untyped code might name it.
    await assert.rejects(cli.request('constructor' as 'trunk.status', {}), notPermitted)
    await assert.rejects(cli.request('trunk.started' as 'trunk.status', {}), notPermitted)
  })

  it('lets one responder answer, not each of two', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await pair(fixture)
    const second = await fixture.connect('trunk-peer')
    let calls = 0
    for (const bus of [trunk, second]) {
      bus.respond('trunk.status', () => {
        calls++
        return trunkStatus
      })
      await fixture.settled(bus)
    }
    for (let i = 0; i < 10; i++) await cli.request('trunk.status', {})
    assert.equal(calls, 10)
  })

  it('shares no object between the two sides, and never answers within the call', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await pair(fixture)
    const reply = { ...trunkStatus, addresses: ['/ip4/127.0.0.1/tcp/1'] }
    let answered = false
    trunk.respond('trunk.status', () => {
      answered = true
      return reply
    })
    await fixture.settled(trunk)
    const pending = cli.request('trunk.status', {})
    assert.equal(answered, false)
    const first = await pending
    first.addresses.push('changed by the requester')
    assert.deepEqual(reply.addresses, ['/ip4/127.0.0.1/tcp/1'])
  })

  it('takes one handler a subject', async () => {
    await using fixture = await makeFixture()
    const { trunk } = await pair(fixture)
    const first = trunk.respond('trunk.status', () => trunkStatus)
    assert.throws(() => trunk.respond('trunk.status', () => trunkStatus), withCode('ERR_INTERNAL'))
    first.unsubscribe()
    first.unsubscribe()
    trunk.respond('trunk.status', () => trunkStatus)
  })
}

function eventCompliance(makeFixture: () => Promise<BusFixture>): void {
  it('brings events to every subscriber, in order and never within the call', async () => {
    await using fixture = await makeFixture()
    const { trunk } = await busPair(fixture)
    const switches = [await fixture.connect('vlan-switch'), await fixture.connect('vlan-switch')]
    const heard = await Promise.all(
      switches.map(async (bus) => {
        const events = collector<PayloadOf<'trunk.members.changed'>>(16)
        bus.subscribe('trunk.members.changed', events.add)
        await fixture.settled(bus)
        return events
      }),
    )
    const digits = [...'0123456789abcdef']
    for (const digit of digits) trunk.publish('trunk.members.changed', membersChanged(digit))
    assert.equal(heard[0]?.seen.length, 0)
    for (const events of heard) {
      assert.deepEqual(await events.items, digits.map(membersChanged))
    }
    assert.equal(trunk.stats.eventsPublished, 16)
    assert.equal(switches[0]?.stats.eventsReceived, 16)
  })

  it('gives each handler a payload of its own, and a handler that throws disturbs nobody', async () => {
    await using fixture = await makeFixture()
    const { trunk } = await busPair(fixture)
    const bus = await fixture.connect('vlan-switch')
    const events = collector<PayloadOf<'trunk.members.changed'>>(2)
    bus.subscribe('trunk.members.changed', (payload) => {
      payload.members.length = 0
      throw new Error('on purpose')
    })
    // An async handler is not what the type asks for, but TypeScript lets it pass.
    bus.subscribe('trunk.members.changed', async () => {
      throw new Error('on purpose, later')
    })
    bus.subscribe('trunk.members.changed', events.add)
    await fixture.settled(bus)
    trunk.publish('trunk.members.changed', membersChanged('1'))
    trunk.publish('trunk.members.changed', membersChanged('2'))
    assert.deepEqual(await events.items, [membersChanged('1'), membersChanged('2')])
  })

  it('hears nothing after unsubscribe', async () => {
    await using fixture = await makeFixture()
    const { trunk } = await busPair(fixture)
    const bus = await fixture.connect('vlan-switch')
    const events = collector<unknown>(1)
    bus.subscribe('trunk.members.changed', () => assert.fail('unsubscribed')).unsubscribe()
    bus.subscribe('trunk.started', events.add)
    await fixture.settled(bus)
    trunk.publish('trunk.members.changed', membersChanged('1'))
    trunk.publish('trunk.started', trunkStarted)
    assert.deepEqual(await events.items, [trunkStarted])
  })

  it('refuses an event that does not fit its schema', async () => {
    await using fixture = await makeFixture()
    const { trunk } = await busPair(fixture)
    const wrong = { ...trunkStarted, extra: 1 }
    assert.throws(() => trunk.publish('trunk.started', wrong), withCode('ERR_BUS_INVALID_PAYLOAD'))
    assert.equal(trunk.stats.payloadsInvalid, 1)
    assert.equal(trunk.stats.eventsPublished, 0)
  })

  it('drops and counts events that find the queue full', async () => {
    await using fixture = await makeFixture()
    const { trunk } = await busPair(fixture)
    const bus = await fixture.connect('vlan-switch')
    let heard = 0
    bus.subscribe('trunk.started', () => heard++)
    const last = collector<unknown>(1)
    bus.subscribe('trunk.members.changed', last.add)
    await fixture.settled(bus)
    const published = MAX_QUEUED_EVENTS * 2
    for (let i = 0; i < published; i++) trunk.publish('trunk.started', trunkStarted)
    while (heard + bus.stats.overloaded < published) await new Promise(setImmediate)
    trunk.publish('trunk.members.changed', membersChanged('1'))
    await last.items
    assert.equal(heard + bus.stats.overloaded, published)
  })
}

function limitCompliance(makeFixture: () => Promise<BusFixture>): void {
  it('counts what was sent, what failed and what was invalid', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await busPair(fixture)
    trunk.respond('trunk.members.get', () => ({ members: [] }))
    trunk.respond('trunk.status', () => {
      throw new WakunetError('ERR_BUS_INVALID_PAYLOAD', 'as the responder says')
    })
    await fixture.settled(trunk)
    await cli.request('trunk.members.get', { vlanId: id('b') })
    const wrong = { vlanId: 'no id' } as RequestOf<'trunk.members.get'>
    await assert.rejects(cli.request('trunk.members.get', wrong), withCode('ERR_BUS_INVALID_PAYLOAD'))
    await assert.rejects(cli.request('trunk.status', {}), withCode('ERR_BUS_INVALID_PAYLOAD'))
    const { requestsSent, requestsFailed, payloadsInvalid } = cli.stats
    assert.deepEqual([requestsSent, requestsFailed, payloadsInvalid], [2, 2, 1])
    assert.deepEqual([trunk.stats.requestsAnswered, trunk.stats.payloadsInvalid], [2, 0])
  })

  it('lets a role answer, publish and subscribe only what the contract says', async () => {
    await using fixture = await makeFixture()
    const { cli } = await busPair(fixture)
    const notPermitted = withCode('ERR_BUS_NOT_PERMITTED')
    assert.throws(() => cli.respond('trunk.status', () => trunkStatus), notPermitted)
    assert.throws(() => cli.publish('trunk.started', trunkStarted), notPermitted)
    assert.throws(() => cli.subscribe('trunk.started', () => {}), notPermitted)
  })

  it('runs a bounded number of handlers a subject and refuses the rest', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await busPair(fixture)
    const { promise, resolve } = Promise.withResolvers<typeof trunkStatus>()
    const running = collector<void>(MAX_RUNNING_HANDLERS)
    trunk.respond('trunk.status', () => {
      running.add()
      return promise
    })
    trunk.respond('trunk.members.get', () => ({ members: [] }))
    await fixture.settled(trunk)
    const asked = Array.from({ length: MAX_RUNNING_HANDLERS }, () => cli.request('trunk.status', {}))
    await running.items
    await assert.rejects(cli.request('trunk.status', {}), withCode('ERR_BUS_OVERLOADED'))
    assert.equal(trunk.stats.overloaded, 1)
    await cli.request('trunk.members.get', { vlanId: id('b') })
    resolve(trunkStatus)
    await Promise.all(asked)
    await cli.request('trunk.status', {})
  })

  it('bounds the requests that wait for an answer', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await busPair(fixture)
    const { promise, resolve } = Promise.withResolvers<typeof trunkStatus>()
    trunk.respond('trunk.status', () => promise)
    await fixture.settled(trunk)
    const asked = Array.from({ length: MAX_PENDING_REQUESTS }, () => cli.request('trunk.status', {}))
    const answers = Promise.allSettled(asked)
    await assert.rejects(cli.request('trunk.status', {}), withCode('ERR_BUS_OVERLOADED'))
    assert.equal(cli.stats.requestsSent, MAX_PENDING_REQUESTS)
    resolve(trunkStatus)
    await answers
  })

  it('lets a running handler answer before it stops', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await busPair(fixture)
    const { promise, resolve } = Promise.withResolvers<typeof trunkStatus>()
    const running = collector<void>(1)
    trunk.respond('trunk.status', () => {
      running.add()
      return promise
    })
    await fixture.settled(trunk)
    const asked = cli.request('trunk.status', {})
    await running.items
    const stopped = trunk.stop()
    resolve(trunkStatus)
    await stopped
    assert.deepEqual(await asked, trunkStatus)
    await assert.rejects(cli.request('trunk.status', {}), withCode('ERR_BUS_NO_RESPONDER'))
  })

  it('fails requests at once while it is not connected; events vanish', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await busPair(fixture)
    await cli.stop()
    await trunk.stop()
    assert.equal(cli.connected, false)
    await assert.rejects(cli.request('trunk.status', {}), withCode('ERR_BUS_DISCONNECTED'))
    trunk.publish('trunk.started', trunkStarted)
    assert.equal(trunk.stats.eventsPublished, 0)
  })

  it('fails requests that wait when it is stopped', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await busPair(fixture)
    const { promise, resolve } = Promise.withResolvers<typeof trunkStatus>()
    trunk.respond('trunk.status', () => promise)
    await fixture.settled(trunk)
    const asked = cli.request('trunk.status', {})
    const outcome = assert.rejects(asked, withCode('ERR_BUS_DISCONNECTED'))
    await cli.stop()
    await outcome
    resolve(trunkStatus)
  })

  it('keeps handlers over stop and start, calls onConnected each time, and both are idempotent', async () => {
    await using fixture = await makeFixture()
    const { trunk, cli } = await busPair(fixture)
    const connected = collector<void>(2)
    trunk.onConnected(connected.add)
    trunk.respond('trunk.status', () => trunkStatus)
    await trunk.start()
    await trunk.stop()
    await trunk.stop()
    await trunk.start()
    await connected.items
    await fixture.settled(trunk)
    await cli.request('trunk.status', {})
    assert.equal(trunk.stats.reconnects, 1)
  })
}

async function pair(fixture: BusFixture): Promise<{ trunk: Bus; cli: RequestBus }> {
  const trunk = await fixture.connect('trunk-peer')
  return { trunk, cli: (await fixture.requester?.()) ?? (await fixture.connect('cli')) }
}

async function busPair(fixture: BusFixture): Promise<{ trunk: Bus; cli: Bus }> {
  return { trunk: await fixture.connect('trunk-peer'), cli: await fixture.connect('cli') }
}
