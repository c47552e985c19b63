import assert from 'node:assert/strict'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { FakeTap } from '@wakunet/netio'
import { systemClock } from '@wakunet/service-kit'
import { recordingLogger, tempDir } from '@wakunet/testing'
import { loadNodeConfig } from '../src/config.ts'
import { EmbeddedNode } from '../src/embedded-node.ts'
import { openClient } from '../src/open-client.ts'
import { runCli } from './cli-harness.ts'

/** A node on loopback with TAPs in memory. */
class TestNode {
  readonly node: EmbeddedNode
  readonly taps = new Map<string, FakeTap>()
  readonly socket: string

  private constructor(config: Awaited<ReturnType<typeof loadNodeConfig>>) {
    this.socket = config.controlSocket
    this.node = new EmbeddedNode(
      {
        logger: recordingLogger('wakunet'),
        clock: systemClock,
        openTap: (request) => {
          const tap = new FakeTap(request)
          this.taps.set(request.name, tap)
          return tap
        },
      },
      config,
    )
  }

  static async make(t: TestContext, folder: string, settings: NodeJS.ProcessEnv = {}): Promise<TestNode> {
    const made = new TestNode(
      await loadNodeConfig({
        file: undefined,
        env: {
          HOME: folder,
          XDG_CONFIG_HOME: folder,
          WAKUNET_STATE_DIR: path.join(folder, 'state'),
          WAKUNET_TRUNK_LISTEN: '/ip4/127.0.0.1/tcp/0',
          WAKUNET_TRUNK_MDNS: 'false',
          WAKUNET_HTTP_PORT: '0',
          ...settings,
        },
        flags: [],
      }),
    )
    t.after(() => made.node.stop())
    return made
  }

  /** Runs a command line against this node, over its control socket. */
  async run(...argv: string[]): Promise<unknown> {
    const run = await runCli(['--socket', this.socket, '--json', ...argv], {
      openClient: (options) => openClient(options, {}),
    })
    if (run.code !== 0) throw new Error(run.stderr)
    return JSON.parse(run.stdout)
  }

  async listenAddress(): Promise<string> {
    const { addresses, peerId } = await this.node.status()
    return `${addresses[0]?.replace(/\/p2p\/.*$/, '')}/p2p/${peerId}`
  }
}

/** An Ethernet frame to everybody. */
const broadcastFrame = (from: string): Uint8Array => {
  const frame = new Uint8Array(60)
  frame.fill(0xff, 0, 6)
  frame.set(
    from.split(':').map((part) => Number.parseInt(part, 16)),
    6,
  )
  frame.set([0x88, 0xb5], 12)
  frame.set([1, 2, 3, 4], 14)
  return frame
}

/** Looks again whenever the event loop has turned, until there is an answer or the test's time is over. */
const eventually = async <T>(
  look: () => Promise<T | null | undefined> | T | null | undefined,
): Promise<T> => {
  for (;;) {
    const answer = await look()
    if (answer !== null && answer !== undefined) return answer
    const { promise, resolve } = Promise.withResolvers<void>()
    setImmediate(resolve)
    await promise
  }
}

describe('the embedded node', { timeout: 60_000 }, () => {
  test('two nodes carry a frame from TAP to TAP, driven by the command line alone', async (t) => {
    const folder = await tempDir(t)
    const first = await TestNode.make(t, path.join(folder, '1'))
    await first.node.start()
    const second = await TestNode.make(t, path.join(folder, '2'), {
      WAKUNET_TRUNK_BOOTSTRAP: await first.listenAddress(),
    })
    await second.node.start()

    const vlan = (await first.run('vlan', 'create', 'office')) as { ref: string }
    const ports = [await first.run('vlan', 'join', 'office'), await second.run('vlan', 'join', vlan.ref)] as {
      interface: string
      mac: string
    }[]
    await eventually(async () => {
      const shown = (await Promise.all([first, second].map((n) => n.run('vlan', 'show', vlan.ref)))) as {
        joined: { members: unknown[] }
      }[]
      return shown.every(({ joined }) => joined.members.length === 1) ? true : null
    })

    const sent = broadcastFrame(ports[0]!.mac)
    // The tree of the VLAN opens a moment after the trunk, and the switch itself speaks to its host, too.
    const isSent = ({ frame }: { frame: Uint8Array }) => Buffer.compare(frame, sent) === 0
    await eventually(() => {
      first.taps.get(ports[0]!.interface)!.inject([sent])
      return second.taps.get(ports[1]!.interface)!.takeWritten().find(isSent)
    })

    const left = (await second.run('vlan', 'leave', vlan.ref)) as { interface: string }
    assert.equal(left.interface, ports[1]!.interface)
    assert.equal(second.taps.get(left.interface)!.started, false)
  })

  test('its control socket is for its owner alone, and gone after the stop', async (t) => {
    const one = await TestNode.make(t, await tempDir(t))
    await one.node.start()
    assert.equal(statSync(one.socket).mode & 0o777, 0o600)
    assert.equal(statSync(one.node.config.stateDir).mode & 0o777, 0o700)
    await one.node.stop()
    await assert.rejects(one.run('status'), /ERR_NOT_RUNNING/)
  })

  test('its identity and its VLANs are there again after a restart', async (t) => {
    const folder = await tempDir(t)
    const before = await TestNode.make(t, folder)
    await before.node.start()
    await before.run('vlan', 'create', 'office')
    await before.run('vlan', 'join', 'office')
    const { nodeId } = await before.node.status()
    await before.node.stop()
    const after = await TestNode.make(t, folder)
    await after.node.start()
    assert.equal((await after.node.status()).nodeId, nodeId)
    const { vlans } = (await after.run('status')) as { vlans: { name: string; state: string }[] }
    assert.deepEqual(
      vlans.map(({ name, state }) => `${name} ${state}`),
      ['office up'],
    )
  })

  test('it serves health and the metrics of all its services at one address', async (t) => {
    const one = await TestNode.make(t, await tempDir(t))
    await one.node.start()
    const get = async (page: string) => fetch(`http://${one.node.httpAddress}${page}`)
    assert.equal((await get('/healthz')).status, 200)
    assert.equal((await get('/readyz')).status, 200)
    const metrics = await (await get('/metrics')).text()
    for (const name of [
      'wakunet_trunk_peer_up_trunks',
      'wakunet_vlan_switch_frames_in_total',
      'process_cpu',
    ]) {
      assert.ok(metrics.includes(name), name)
    }
  })

  test('a start that fails half-way leaves nothing open, and says which port is taken', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1')
    t.after(() => taken.close())
    await once(taken, 'listening')
    const address = taken.address()
    assert.ok(address !== null && typeof address === 'object')
    const folder = await tempDir(t)
    const failing = await TestNode.make(t, folder, { WAKUNET_HTTP_PORT: String(address.port) })
    await assert.rejects(failing.node.start(), { code: 'ERR_PORT_TAKEN', message: /http\.port/ })
    // The state folder is free again: its lock was released.
    const next = await TestNode.make(t, folder)
    await next.node.start()
  })

  test('a second node on the same state folder is refused', async (t) => {
    const folder = await tempDir(t)
    const first = await TestNode.make(t, folder)
    await first.node.start()
    const second = await TestNode.make(t, folder, { WAKUNET_CONTROL_SOCKET: path.join(folder, 'other.sock') })
    await assert.rejects(second.node.start(), { code: 'ERR_ALREADY_RUNNING' })
  })

  test('the faults of a join reach the command line with their own codes', async (t) => {
    const one = await TestNode.make(t, await tempDir(t))
    await one.node.start()
    await one.run('vlan', 'create', 'office', '--subnet', '10.42.0.0/24')
    await assert.rejects(
      one.run('vlan', 'join', 'office', '--address', '10.43.0.7/24'),
      /ERR_ADDRESS_OUTSIDE_SUBNET/,
    )
    await assert.rejects(one.run('vlan', 'join', 'nobody-knows'), /ERR_VLAN_NOT_FOUND/)
    await assert.rejects(one.run('vlan', 'leave', 'office'), /ERR_VLAN_NOT_JOINED/)
    await one.run('vlan', 'join', 'office', '--address', '10.42.0.7/24')
    await assert.rejects(one.run('vlan', 'join', 'office'), /ERR_VLAN_ALREADY_JOINED/)
  })
})
