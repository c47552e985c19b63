import type { TestContext } from 'node:test'
import { type Bus, InProcessBusHub, type VlanMember, type VlanMembership } from '@wakunet/bus'
import { vlanIdToBytes } from '@wakunet/identity'
import type { LaneClient, NodeId, VlanId } from '@wakunet/interface'
import { createLanePair } from '@wakunet/lane'
import { encodeEnvelope, encodeRecordHeader, RECORD_HEADER_BYTES } from '@wakunet/record'
import { systemClock } from '@wakunet/service-kit'
import { recordingLogger } from '@wakunet/testing'
import { type TrunkPeer, type TrunkPeerConfig, trunkPeer, trunkPeerConfigSchema } from '../src/index.ts'

/** One trunk-peer on loopback with the two ends that other services would have: a bus and a lane. */
export interface TestNode {
  readonly service: TrunkPeer
  readonly switchBus: Bus
  readonly cliBus: Bus
  readonly lane: LaneClient
  readonly nodeId: NodeId
  readonly peerId: string
  /** Lets that much time pass for the node, between two of its timers. */
  skip(ms: number): void
  monotonicMs(): number
  /** Where it listens, with its peer id. */
  readonly address: string
  stop(): Promise<void>
}

/** Starts a node on a free port; it is stopped at the end of the test. */
export async function startNode(
  t: TestContext,
  config: Partial<TrunkPeerConfig> = {},
  stateDir: string | null = null,
): Promise<TestNode> {
  const logger = recordingLogger()
  const hub = new InProcessBusHub({ logger, clock: systemClock })
  const [bus, switchBus, cliBus] = [hub.connect('trunk-peer'), hub.connect('vlan-switch'), hub.connect('cli')]
  const { server, client: lane } = createLanePair()
  const parsed = trunkPeerConfigSchema.parse({
    listen: ['/ip4/127.0.0.1/tcp/0'],
    mdns: false,
    heartbeatMs: 100,
    ...config,
  })
  let skippedMs = 0
  const monotonicMs = () => systemClock.monotonicMs() + skippedMs
  const clock = { ...systemClock, monotonicMs }
  const service = trunkPeer({ config: parsed, stateDir })({ bus, lane: server, clock, logger })
  const parts = [bus, switchBus, cliBus, server, lane, service]
  const stop = async (): Promise<void> => {
    for (const part of [...parts].reverse()) await part.stop()
  }
  t.after(stop)
  for (const part of parts) await part.start()
  const status = await cliBus.request('trunk.status', {})
  return {
    service,
    switchBus,
    cliBus,
    lane,
    nodeId: status.nodeId as NodeId,
    peerId: status.peerId,
    address: status.addresses[0]!,
    monotonicMs,
    skip: (ms) => {
      skippedMs += ms
    },
    stop,
  }
}

/** What a switch would announce. */
export function membershipOf(
  vlanId: string,
  node: TestNode,
  fields: Partial<VlanMembership> = {},
): VlanMembership {
  return {
    vlanId,
    bootNonce: node.nodeId.slice(0, 16),
    mac: `02:${node.nodeId.slice(0, 10).replace(/(..)(?=.)/g, '$1:')}`,
    addresses: ['10.1.2.3/20'],
    addressAttempt: 0,
    hostname: 'test',
    ...fields,
  }
}

/** Joins a VLAN as a switch would. */
export async function join(node: TestNode, ...vlanIds: string[]): Promise<void> {
  await node.switchBus.request('trunk.membership.set', {
    lane: node.lane.name,
    memberships: vlanIds.map((vlanId) => membershipOf(vlanId, node)),
  })
}

/** Resolves when `node` tells that the members of `vlanId` are as `expected` wants them. */
export function membersOf(
  node: TestNode,
  vlanId: string,
  expected: (members: readonly VlanMember[]) => boolean,
): Promise<readonly VlanMember[]> {
  const { promise, resolve } = Promise.withResolvers<readonly VlanMember[]>()
  const subscription = node.switchBus.subscribe('trunk.members.changed', (event) => {
    if (event.vlanId !== vlanId || !expected(event.members)) return
    subscription.unsubscribe()
    resolve(event.members)
  })
  void node.switchBus.request('trunk.members.get', { vlanId }).then(({ members }) => {
    if (expected(members)) resolve(members)
  })
  return promise
}

/** Resolves when a request's answer is as wanted; asks again at every answer. */
export async function until<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (wanted(answer)) return answer
    await new Promise(setImmediate)
  }
}

/** A record of one 64-byte frame of zeros from `ingress`. */
export function recordFrom(ingress: NodeId, vlanId: string, sequence = 1): Uint8Array {
  const record = new Uint8Array(RECORD_HEADER_BYTES + 12 + 64)
  encodeRecordHeader(record, 0, {
    hopLimit: 64,
    frameCount: 1,
    epoch: 0,
    sequence,
    bootNonce: Buffer.from(ingress.slice(0, 16), 'hex'),
    vlanId: vlanIdToBytes(vlanId as VlanId),
    ingress: Buffer.from(ingress, 'hex'),
    egress: null,
  })
  record[RECORD_HEADER_BYTES + 3] = 64
  return record
}

/** Sends a record as the switch of `from` to the peers named. */
export function sendRecord(from: TestNode, to: readonly NodeId[], record: Uint8Array): void {
  from.lane.send([encodeEnvelope(to.map((nodeId) => Buffer.from(nodeId, 'hex'))), record])
}

/** Resolves with the next record that the switch of `node` gets, and the node it came from. */
export function nextRecord(node: TestNode): Promise<{ from: string; record: Uint8Array }> {
  return new Promise((resolve) => {
    node.lane.onMessage = (message) =>
      resolve({ from: Buffer.from(message.subarray(1, 17)).toString('hex'), record: message.slice(17) })
  })
}
