import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { defaultSubnet4, signedBytes, ulaPrefix } from '@wakunet/addressing'
import { type Bus, InProcessBusHub, type VlanInfo, type VlanMember, type VlanMembership } from '@wakunet/bus'
import { formatVlanRef, nodeIdFromPublicKey } from '@wakunet/identity'
import {
  FRAME_HEADER_BYTES,
  type LaneClient,
  type LaneServer,
  type NodeId,
  type VlanId,
  WakunetError,
} from '@wakunet/interface'
import { createLanePair } from '@wakunet/lane'
import { FakeTap, type TapFrame } from '@wakunet/netio'
import {
  createDecodedRecord,
  type DecodedRecord,
  decodeEnvelope,
  decodeRecord,
  encodeEnvelope,
  encodeRecordHeader,
  envelopeNodeOffset,
  type FrameHint,
  MAX_HOP_LIMIT,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  writeFrameHeader,
} from '@wakunet/record'
import { FakeClock, recordingLogger } from '@wakunet/testing'
import {
  type HostNetwork,
  type TapRequest,
  type VlanSwitch,
  vlanSwitch,
  vlanSwitchConfigSchema,
} from '../src/index.ts'

export const BROADCAST = 'ff:ff:ff:ff:ff:ff'
export const NO_HINT: FrameHint = { flags: 0, gsoType: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 }

/** Lets promises and the in-process bus run their course. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'))
}

const testNodes = new Map<number, TestKey>()

interface TestKey {
  readonly nodeId: NodeId
  readonly privateKey: KeyObject
  readonly publicKey: Uint8Array
}

/** A key whose node id begins with this number. */
function keyOf(number: number): TestKey {
  for (let i = 0; ; i++) {
    const known = testNodes.get(number)
    if (known !== undefined) return known
    const seed = createHash('sha256').update(`${number} ${i}`).digest()
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
    const publicKey = new Uint8Array(spki.subarray(-32))
    const nodeId = nodeIdFromPublicKey(publicKey)
    if (Number.parseInt(nodeId.slice(0, 2), 16) === number)
      testNodes.set(number, { nodeId, privateKey, publicKey })
  }
}

/** Node ids in the order of their numbers: `node(1) < node(2)`; each has a key. */
export function node(number: number): NodeId {
  return keyOf(number).nodeId
}

export function vlan(name: string, fields: Partial<VlanInfo> = {}): VlanInfo {
  const id = createHash('sha256').update(name).digest('hex').slice(0, 32)
  return {
    id,
    ref: formatVlanRef(id as VlanId),
    name,
    description: '',
    policy: 'open',
    subnet4: defaultSubnet4(id as VlanId),
    subnet6: ulaPrefix(id as VlanId),
    mtu: 1400,
    sequence: 1,
    owned: false,
    encoded: 'AAAA',
    ...fields,
  }
}

/** An Ethernet frame that no guard objects to (EtherType 88B5, local experiments). */
export function frame(source: string, destination: string, payload = 'hello', size = 60): Uint8Array {
  const bytes = new Uint8Array(size)
  bytes.set(bytesOf(destination.replaceAll(':', '')), 0)
  bytes.set(bytesOf(source.replaceAll(':', '')), 6)
  bytes.set([0x88, 0xb5], 12)
  bytes.set(Buffer.from(payload), 14)
  return bytes
}

/** A lane message as trunk-peer sends it: from `peer`, with a record of the frames. */
export function laneMessage(
  peer: NodeId,
  header: Partial<RecordHeader> & Pick<RecordHeader, 'vlanId' | 'bootNonce'>,
  frames: readonly Uint8Array[],
  hint: FrameHint = NO_HINT,
): Uint8Array {
  const size = frames.reduce((sum, one) => sum + FRAME_HEADER_BYTES + one.length, RECORD_HEADER_BYTES)
  const record = new Uint8Array(size)
  encodeRecordHeader(record, 0, {
    hopLimit: MAX_HOP_LIMIT,
    frameCount: frames.length,
    epoch: 0,
    sequence: 1,
    ingress: bytesOf(peer),
    egress: null,
    ...header,
  })
  let at = RECORD_HEADER_BYTES
  for (const one of frames) {
    writeFrameHeader(record, at, one.length, hint)
    record.set(one, at + FRAME_HEADER_BYTES)
    at += FRAME_HEADER_BYTES + one.length
  }
  return new Uint8Array(Buffer.concat([encodeEnvelope([bytesOf(peer)]), record]))
}

/** A lane message that a switch sent, taken apart. */
export interface Sent {
  readonly peers: readonly string[]
  readonly record: DecodedRecord
  readonly frames: readonly Uint8Array[]
}

export function parseSent(message: Uint8Array): Sent {
  const envelope = { nodeCount: 0, recordOffset: 0 }
  if (!decodeEnvelope(message, envelope)) throw new Error('no envelope')
  const bytes = message.slice()
  const record = createDecodedRecord()
  const verdict = decodeRecord(bytes, record, envelope.recordOffset)
  if (verdict !== 'ok') throw new Error(`a switch sent a record that is refused: ${verdict}`)
  return {
    peers: Array.from({ length: envelope.nodeCount }, (_, i) =>
      hex(bytes.subarray(envelopeNodeOffset(i), envelopeNodeOffset(i + 1))),
    ),
    record,
    frames: Array.from({ length: record.batch.count }, (_, i) => {
      const start = record.batch.offsets[i]! + FRAME_HEADER_BYTES
      return bytes.slice(start, start + record.batch.lengths[i]!)
    }),
  }
}

/** The trunk-peer of one node, as far as its switch can see it. */
export class FakeTrunkPeer {
  readonly bus: Bus
  readonly lane: LaneServer
  readonly vlans: VlanInfo[] = []
  readonly sent: Sent[] = []
  readonly subnets: string[][] = []
  announced: readonly VlanMembership[] = []
  announcements = 0
  nodeId: NodeId
  /** Holds back answers to `directory.resolve`. */
  resolving: PromiseWithResolvers<void> | null = null
  /** Whether it signs what the switch announces. */
  signs = true
  /** Members that it tells the switch; null: those of the network. */
  members: VlanMember[] | null = null
  readonly #network: FakeNetwork

  constructor(network: FakeNetwork, nodeId: NodeId, hub: InProcessBusHub, lane: LaneServer) {
    this.#network = network
    this.nodeId = nodeId
    this.lane = lane
    this.bus = hub.connect('trunk-peer')
    lane.onConnection = (connection) => {
      connection.onMessage = (message) => this.#fromSwitch(message)
    }
    this.#answer()
  }

  #answer(): void {
    const { bus } = this
    bus.respond('trunk.status', () => ({
      nodeId: this.nodeId,
      peerId: `peer-${this.nodeId}`,
      role: 'regular',
      version: '0',
      uptimeMs: 0,
      addresses: [],
      peersConnected: 0,
      peersKnown: 0,
      recordsSent: 0,
      recordsReceived: 0,
      recordsDropped: 0,
      recordsRefused: 0,
      reach: { verdict: 'unknown', nat: 'unknown', observed: [], confirmed: [], relays: [] },
    }))
    bus.respond('trunk.membership.set', ({ memberships }) => {
      this.announcements++
      this.announced = memberships
      this.#network.tellMembers()
      return {}
    })
    bus.respond('trunk.sign', ({ vlanId, payload }) => this.#sign(vlanId, payload))
    bus.respond('trunk.members.get', ({ vlanId }) => ({ members: this.membersOf(vlanId) }))
    bus.respond('directory.resolve', async ({ vlan: text }) => {
      await this.resolving?.promise
      const found = this.vlans.find((one) => one.id === text || one.name === text || one.ref === text)
      if (found === undefined) throw new WakunetError('ERR_VLAN_NOT_FOUND', `no VLAN ${text}`)
      return found
    })
    bus.subscribe('switch.ports.changed', ({ subnets }) => void this.subnets.push(subnets))
  }

  #sign(vlanId: string, payload: string): { publicKey: string; signature: string } {
    if (!this.signs) throw new WakunetError('ERR_NOT_STARTED', 'no key yet')
    const { privateKey, publicKey } = keyOf(Number.parseInt(this.nodeId.slice(0, 2), 16))
    const message = signedBytes(bytesOf(vlanId), Buffer.from(payload, 'base64'))
    return {
      publicKey: Buffer.from(publicKey).toString('base64'),
      signature: sign(null, message, privateKey).toString('base64'),
    }
  }

  membersOf(vlanId: string): VlanMember[] {
    return this.members ?? this.#network.membersOf(vlanId, this)
  }

  tellMembers(): void {
    for (const { vlanId } of this.announced)
      this.bus.publish('trunk.members.changed', { vlanId, members: this.membersOf(vlanId) })
  }

  /** As if the record had come over the trunk with `peer`. */
  toSwitch(message: Uint8Array): void {
    this.lane.connections.get('vlan-switch')?.send([message])
  }

  #fromSwitch(message: Uint8Array): void {
    const sent = parseSent(message)
    this.sent.push(sent)
    const record = sent.record.bytes.subarray(sent.record.offset)
    for (const peer of sent.peers)
      this.#network.trunkPeers
        .find((other) => other.nodeId === peer)
        ?.lane.connections.get('vlan-switch')
        ?.send([encodeEnvelope([bytesOf(this.nodeId)]), record])
  }
}

/** Nodes with switches whose trunks form a full mesh. */
export class FakeNetwork {
  readonly trunkPeers: FakeTrunkPeer[] = []

  membersOf(vlanId: string, self: FakeTrunkPeer): VlanMember[] {
    return this.trunkPeers.flatMap((other) =>
      other === self
        ? []
        : other.announced
            .filter((membership) => membership.vlanId === vlanId)
            .map(({ vlanId: _, ...membership }) => ({
              ...membership,
              nodeId: other.nodeId,
              peerId: `peer-${other.nodeId}`,
              rttMs: null,
            })),
    )
  }

  tellMembers(): void {
    for (const trunkPeer of this.trunkPeers) trunkPeer.tellMembers()
  }
}

export interface TestNodeInit {
  readonly nodeId?: NodeId
  readonly network?: FakeNetwork
  readonly stateDir?: string | null
  readonly clock?: FakeClock
  readonly maxVlans?: number
  readonly features?: { vnetHeader: boolean; uso: boolean }
  readonly hostNetworks?: () => readonly HostNetwork[]
}

/** One host: a switch with fake TAPs, a fake trunk-peer beside it. Nothing is started. */
export class TestNode {
  readonly clock: FakeClock
  readonly logger = recordingLogger('wakunet:vlan-switch')
  readonly hub: InProcessBusHub
  readonly bus: Bus
  readonly cli: Bus
  readonly lane: LaneClient
  readonly trunkPeer: FakeTrunkPeer
  readonly switch: VlanSwitch
  /** Every TAP that was opened, the newest last. */
  readonly taps: FakeTap[] = []
  /** Interface names that the kernel says are taken. */
  readonly takenNames = new Set<string>()
  /** Thrown by every attempt to open a TAP. */
  tapError: Error | null = null
  readonly #features: { vnetHeader: boolean; uso: boolean }
  #randomCalls = 0

  constructor(init: TestNodeInit = {}) {
    const network = init.network ?? new FakeNetwork()
    this.clock = init.clock ?? new FakeClock()
    this.#features = init.features ?? { vnetHeader: true, uso: true }
    this.hub = new InProcessBusHub({ logger: this.logger, clock: this.clock })
    this.bus = this.hub.connect('vlan-switch')
    this.cli = this.hub.connect('cli')
    const { server, client } = createLanePair()
    this.lane = client
    this.trunkPeer = new FakeTrunkPeer(network, init.nodeId ?? node(1), this.hub, server)
    network.trunkPeers.push(this.trunkPeer)
    this.switch = vlanSwitch({
      config: vlanSwitchConfigSchema.parse({ maxVlans: init.maxVlans ?? 64 }),
      stateDir: init.stateDir ?? null,
      hostname: `host-${this.trunkPeer.nodeId.slice(0, 2)}`,
    })({
      bus: this.bus,
      lane: this.lane,
      clock: this.clock,
      logger: this.logger,
      random: (count) => this.#random(count),
      openTap: (request) => this.#openTap(request),
      ...(init.hostNetworks === undefined ? {} : { hostNetworks: init.hostNetworks }),
    })
  }

  #random(count: number): Uint8Array {
    const seed = `${this.trunkPeer.nodeId} ${this.#randomCalls++}`
    return new Uint8Array(createHash('sha256').update(seed).digest().subarray(0, count))
  }

  #openTap(request: TapRequest): FakeTap {
    const { name, mac, addresses, headroomBytes } = request
    const tap = new FakeTap({ name, mac, addresses, headroomBytes, features: this.#features })
    const start = tap.start.bind(tap)
    tap.start = async (signal) => {
      if (this.tapError !== null) throw this.tapError
      if (this.takenNames.has(name)) throw new WakunetError('ERR_INTERFACE_NAME_TAKEN', `${name} is taken`)
      await start(signal)
    }
    this.taps.push(tap)
    return tap
  }

  async start(): Promise<void> {
    await this.startTrunkPeer()
    await this.startSwitch()
    await settle()
  }

  async startTrunkPeer(): Promise<void> {
    await this.trunkPeer.bus.start()
    await this.trunkPeer.lane.start()
    this.trunkPeer.bus.publish('trunk.started', {
      nodeId: this.trunkPeer.nodeId,
      peerId: `peer-${this.trunkPeer.nodeId}`,
    })
  }

  async startSwitch(): Promise<void> {
    await this.bus.start()
    await this.cli.start()
    await this.lane.start()
    await this.switch.start()
  }

  async stop(): Promise<void> {
    await this.switch.stop()
    await this.lane.stop()
    await this.bus.stop()
    await this.cli.stop()
    await this.trunkPeer.lane.stop()
    await this.trunkPeer.bus.stop()
  }

  /** The newest TAP. */
  get tap(): FakeTap {
    return this.taps.at(-1)!
  }

  get mac(): string {
    return this.tap.mac
  }
}

/** What the frames of `frame` say; what the switch itself says to its host is left out. */
export function payloads(written: readonly TapFrame[]): string[] {
  const sent = written.filter(({ frame: bytes }) => bytes[12] === 0x88 && bytes[13] === 0xb5)
  return sent.map(({ frame: bytes }) => Buffer.from(bytes.subarray(14)).toString().replace(/\0+$/, ''))
}

/** Lets the switches of nodes with one clock agree on their tree; what they said to their hosts meanwhile is taken. */
export async function converge(nodes: readonly TestNode[], ms = 3_000): Promise<void> {
  for (let i = 0; i < ms; i += 100) {
    await settle()
    nodes[0]!.clock.advance(100)
  }
  await settle()
  for (const one of nodes) for (const tap of one.taps) tap.takeWritten()
  for (const one of nodes) one.trunkPeer.sent.length = 0
}

/** Nodes in one VLAN, all joined and knowing each other. */
export async function joinedNodes(
  count: number,
  info: VlanInfo,
  init: TestNodeInit = {},
): Promise<TestNode[]> {
  const network = new FakeNetwork()
  const clock = new FakeClock()
  const nodes = Array.from(
    { length: count },
    (_, i) => new TestNode({ network, clock, nodeId: node(i + 1), ...init }),
  )
  for (const one of nodes) {
    one.trunkPeer.vlans.push(info)
    await one.start()
    await one.cli.request('switch.join', { vlan: info.name })
  }
  await converge(nodes)
  return nodes
}
