import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { vlanIdToBytes } from '@wakunet/identity'
import type { VlanId } from '@wakunet/interface'
import { PEER_STORE_LIMITS } from '@wakunet/peers'
import {
  type ControlMessage,
  ControlStream,
  FRAMES_PROTOCOL,
  guardedYamux,
  nativeNoise,
  TRUNK_PROTOCOL,
} from '@wakunet/trunk'
import { createLibp2p } from 'libp2p'
import { join, startNode, type TestNode, until } from './node.ts'

const VLAN = 'ab'.repeat(16) as VlanId
const HOSTILE = 200
/** Of one wave, each from an address of its own. */
const AT_A_TIME = 10

const trunksOf = (node: TestNode) => [...node.service.running.trunks.up()].map(({ peerId }) => peerId)

/** Records of identities made up on the spot, signed as they should be, all at addresses that the attacker likes. */
async function madeUpPeers(): Promise<{ record: Uint8Array; vlans: Uint8Array[] }[]> {
  return Promise.all(
    Array.from({ length: 16 }, async (_, i) => {
      const key = await generateKeyPair('Ed25519')
      const multiaddrs = [multiaddr(`/ip4/9.9.9.${i + 1}/tcp/443`)]
      const record = new PeerRecord({ peerId: peerIdFromPrivateKey(key), multiaddrs })
      const envelope = await RecordEnvelope.seal(record, key)
      return { record: envelope.marshal(), vlans: [vlanIdToBytes(VLAN)] }
    }),
  )
}

/** A stranger that has a trunk, says it is a member, and tells of peers that are not there. @returns whether it got a trunk */
async function attack(t: TestContext, victim: TestNode, number: number): Promise<boolean> {
  const host = await createLibp2p({
    transports: [tcp({ dialOpts: { localAddress: `127.1.${number >> 8}.${(number & 255) + 1}` } as object })],
    connectionEncrypters: [nativeNoise()],
    streamMuxers: [guardedYamux({})],
    peerDiscovery: [],
  })
  t.after(() => host.stop())
  const { clock } = victim.service
  const outcome = Promise.withResolvers<boolean>()
  try {
    const connection = await host.dial(multiaddr(victim.address))
    const stream = await connection.newStream(TRUNK_PROTOCOL)
    const receive = async (message: ControlMessage): Promise<void> => {
      if (message.type === 'hello') {
        await connection.newStream(FRAMES_PROTOCOL)
        control.send({ type: 'memberships', sequence: 1, memberships: [membership(number)] })
        outcome.resolve(true)
      } else if (message.type === 'refuse' || message.type === 'close') outcome.resolve(false)
      else if (message.type === 'heartbeat')
        control.send({ type: 'heartbeat-ack', sequence: message.sequence })
      else if (message.type === 'peers-request') control.send({ type: 'peers', peers: await madeUpPeers() })
    }
    const control = new ControlStream({
      stream,
      clock,
      onMessage: (message) => void receive(message).catch(() => outcome.resolve(false)),
      onViolation: () => outcome.resolve(false),
      onClose: () => outcome.resolve(false),
    })
    control.send({
      type: 'hello',
      versions: [1],
      agent: 'hostile',
      role: [],
      bootNonce: new Uint8Array(8).fill(number),
      capabilities: ['mesh', 'exchange'],
      maxRecordBytes: 131_072,
      maxVlans: 256,
      heartbeatMs: 1_000,
      wallMs: clock.wallMs(),
    })
  } catch {
    outcome.resolve(false)
  }
  return outcome.promise
}

const membership = (number: number) => ({
  vlan: vlanIdToBytes(VLAN),
  bootNonce: new Uint8Array(8).fill(number),
  mac: Uint8Array.of(2, 0, 0, 0, number >> 8, number & 255),
  addresses: [],
  addressAttempt: 0,
  hostname: 'member',
  recordSequence: 1,
})

test('two hundred identities around one node take no trunk of its members, and little of its memory', async (t) => {
  const honest = await Promise.all(Array.from({ length: 4 }, () => startNode(t, { dht: 'off' })))
  const victim = await startNode(t, { dht: 'off', connectionLimit: 8 })
  for (const node of [...honest, victim]) await join(node, VLAN)
  for (const node of honest)
    victim.service.book.learn(node.peerId, node.address.split('/p2p/')[0]!, 'mdns', victim.monotonicMs())
  await until(
    async () => trunksOf(victim).length,
    (count) => count === 4,
  )
  // A switch that says what it uses, which is no tree: nothing but their standing keeps the honest ones.
  const tell = () => victim.switchBus.publish('switch.trunks.used', { lane: victim.lane.name, trunks: [] })
  let gotIn = 0
  for (let first = 0; first < HOSTILE; first += AT_A_TIME) {
    tell()
    const wave = Array.from({ length: AT_A_TIME }, (_, i) => attack(t, victim, first + i))
    gotIn += (await Promise.all(wave)).filter((in_) => in_).length
    victim.skip(31_000)
    tell()
    victim.service.running.discovery.running.trunks.prune(7)
    assert.ok(trunksOf(victim).length <= 8)
  }
  const kept = honest.filter(({ peerId }) => trunksOf(victim).includes(peerId)).length
  const { store } = victim.service.running.discovery.peers
  const { exchange } = victim.service.running.discovery.running
  t.diagnostic(
    JSON.stringify({ gotIn, honestTrunksKept: kept, peersKnown: store.size, exchange: exchange.stats }),
  )
  assert.ok(gotIn >= 20, `the attack is none: ${gotIn} got in`)
  assert.equal(kept, 4)
  const madeUp = [...store.all()].filter(({ addresses }) => addresses.some((text) => text.includes('9.9.9.')))
  assert.ok(madeUp.length <= PEER_STORE_LIMITS.perNetwork, `${madeUp.length} made up`)
  assert.ok(store.size <= HOSTILE + 4 + PEER_STORE_LIMITS.perNetwork)
})
