import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { systemClock } from '@wakunet/service-kit'
import { recordingLogger, TestNatsServer } from '@wakunet/testing'
import {
  BUS_ROLES,
  type BusRole,
  contract,
  mergeNatsPermissions,
  NatsBus,
  type NatsUser,
  natsPermissions,
  natsServerConfig,
  type Subject,
} from '../src/index.ts'
import { withCode } from './support.ts'

const passwordOf = (role: BusRole) => `pass-${role}-$1`
const users: NatsUser[] = BUS_ROLES.map((role) => ({
  user: role,
  password: passwordOf(role),
  permissions: natsPermissions(role),
}))

describe('natsPermissions', () => {
  it('lets a real server permit each role exactly what the contract says, subject by subject', async (t) => {
    const { server, connections } = await serverWithRoles(t)
    for (const role of BUS_ROLES) {
      const connection = connections[role]
      for (const name of Object.keys(contract) as Subject[]) {
        const may = allowed(role, name)
        const subject = `wakunet.${name}`
        assert.equal(await canPublish(connection, subject), may.publish, `${role} publishes ${name}`)
        assert.equal(await canSubscribe(connection, subject), may.subscribe, `${role} subscribes ${name}`)
        assert.equal(
          await canSubscribe(connection, subject, 'responder'),
          may.subscribe || may.respond,
          `${role} answers ${name}`,
        )
      }
    }
    assert.ok(server.url)
  })

  it('keeps every role to its own inbox, and off everything that is not in the contract', async (t) => {
    const { connections } = await serverWithRoles(t)
    for (const role of BUS_ROLES) {
      for (const other of BUS_ROLES) {
        assert.equal(await canSubscribe(connections[role], `_INBOX.${other}.x`), role === other)
        assert.equal(await canPublish(connections[role], `_INBOX.${other}.x`), false)
      }
      for (const subject of ['>', 'wakunet.>', '_INBOX.>', 'other', '$SYS.>']) {
        assert.equal(await canSubscribe(connections[role], subject), false, `${role} ${subject}`)
      }
    }
  })

  it('lets a responder answer each request once, and nobody in without a credential', async (t) => {
    const { server, connections } = await serverWithRoles(t)
    connections['trunk-peer'].subscribe('wakunet.trunk.status', {
      queue: 'responder',
      callback: (_error, message) => {
        message.respond('first')
        message.respond('second')
      },
    })
    await connections['trunk-peer'].flush()
    const answers: string[] = []
    connections.cli.subscribe('_INBOX.cli.test', {
      callback: (_error, message) => {
        answers.push(message.string())
      },
    })
    connections.cli.publish('wakunet.trunk.status', '{}', { reply: '_INBOX.cli.test' })
    await connections.cli.flush()
    await connections['trunk-peer'].flush()
    await connections.cli.flush()
    assert.deepEqual(answers, ['first'])
    await assert.rejects(connect({ servers: server.url, reconnect: false }))
    await assert.rejects(connect({ servers: server.url, reconnect: false, user: 'cli', pass: 'wrong' }))
  })

  it('does not stop a responder that answers wherever it is told to: NatsBus itself must look', async (t) => {
    const { server, connections } = await serverWithRoles(t)
    const victim = Promise.withResolvers<string>()
    connections['vlan-switch'].subscribe('wakunet.switch.list', {
      queue: 'responder',
      callback: (_error, message) => victim.resolve(message.string()),
    })
    await connections['vlan-switch'].flush()
    const ask = () => {
      connections['vlan-switch'].publish('wakunet.trunk.status', '{}', { reply: 'wakunet.switch.list' })
      return connections['vlan-switch'].flush()
    }

    const bus = new NatsBus({
      servers: [server.url],
      role: 'trunk-peer',
      credentials: { user: 'trunk-peer', password: passwordOf('trunk-peer') },
      logger: recordingLogger(),
      clock: systemClock,
    })
    t.after(() => bus.stop())
    await bus.start()
    bus.respond('trunk.status', () => assert.fail('must not be asked'))
    await bus.flush()
    await ask()
    await bus.flush()
    assert.equal(bus.stats.payloadsInvalid, 1)
    await bus.stop()

    // The negative control: without the look at the inbox, the server lets the answer through.
    connections['trunk-peer'].subscribe('wakunet.trunk.status', {
      queue: 'responder',
      callback: (_error, message) => void message.respond('an answer of trunk-peer'),
    })
    await connections['trunk-peer'].flush()
    await ask()
    assert.equal(await victim.promise, 'an answer of trunk-peer')
  })

  it('gives every role something to publish, since an empty list would mean anything', () => {
    for (const role of BUS_ROLES) assert.ok(natsPermissions(role).publish.allow.length > 0)
  })

  it('merges permissions without repeating any', () => {
    const cli = natsPermissions('cli')
    assert.deepEqual(mergeNatsPermissions(cli, cli), cli)
    const both = mergeNatsPermissions(cli, natsPermissions('trunk-peer'))
    assert.equal(both.allowResponses, true)
    assert.ok(both.publish.allow.includes('wakunet.trunk.started'))
  })
})

describe('natsServerConfig', () => {
  it('refuses names and passwords that could break out of their quotes', () => {
    const permissions = natsPermissions('cli')
    for (const text of ['', 'a"b', 'a\\b', 'a\nb', 'ü', 'x'.repeat(257)]) {
      assert.throws(
        () => natsServerConfig([{ user: text, password: 'x', permissions }]),
        withCode('ERR_CONFIG_INVALID'),
      )
      assert.throws(
        () => natsServerConfig([{ user: 'x', password: text, permissions }]),
        withCode('ERR_CONFIG_INVALID'),
      )
    }
  })
})

async function serverWithRoles(t: TestContext) {
  const server = await TestNatsServer.create(t, natsServerConfig(users))
  await server.start()
  const entries = await Promise.all(
    BUS_ROLES.map(async (role) => {
      const connection = await connect({
        servers: server.url,
        user: role,
        pass: passwordOf(role),
        inboxPrefix: `_INBOX.${role}`,
      })
      t.after(() => connection.close())
      return [role, connection] as const
    }),
  )
  return { server, connections: Object.fromEntries(entries) as Record<BusRole, NatsConnection> }
}

function allowed(role: BusRole, name: Subject) {
  const spec = contract[name]
  const has = (roles: readonly BusRole[]) => roles.includes(role)
  if (spec.kind === 'event') {
    return { publish: has(spec.publishers), subscribe: has(spec.subscribers), respond: false }
  }
  return { publish: has(spec.requesters), subscribe: false, respond: spec.responder === role }
}

/** The server reports a violation before it answers the PING of the flush. */
async function violates(connection: NatsConnection, attempt: () => void): Promise<boolean> {
  let violated = false
  const status = connection.status()
  const watching = (async () => {
    for await (const event of status) if (event.type === 'error') violated = true
  })()
  attempt()
  await connection.flush()
  await new Promise(setImmediate)
  ;(status as unknown as { stop?: () => void }).stop?.()
  await Promise.race([watching, new Promise(setImmediate)])
  return violated
}

async function canPublish(connection: NatsConnection, subject: string): Promise<boolean> {
  return !(await violates(connection, () => connection.publish(subject, '{}')))
}

async function canSubscribe(connection: NatsConnection, subject: string, queue?: string): Promise<boolean> {
  let close = () => {}
  const violated = await violates(connection, () => {
    const options = queue === undefined ? {} : { queue }
    const subscription = connection.subscribe(subject, { ...options, callback: () => {} })
    close = () => subscription.isClosed() || subscription.unsubscribe()
  })
  close()
  return !violated
}
