/**
 * The program of a hostile peer: a proper member of a VLAN by key, hello, membership and link state, and no further. It
 * reads one command a line and answers each with one line of JSON; `HostilePeer` drives it.
 *
 * ```text
 *   node hostile-peer.ts '<HostileTarget as JSON>'
 *   honest N | replay N | record INDEX N | trunk INDEX N | claim MAC | root N
 * ```
 */
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { memberMac } from '@wakunet/addressing'
import { macFromString } from '@wakunet/ethernet'
import { nodeIdFromPublicKey, nodeIdToBytes, vlanIdToBytes } from '@wakunet/identity'
import type { NodeId, VlanId } from '@wakunet/interface'
import { seededBytes, seededRandom } from '@wakunet/testing'
import type { WireMembership } from '@wakunet/trunk'
import type { Libp2p } from 'libp2p'
import { RECORD_ATTACKS } from './hostile-attacks.ts'
import { markedFrame, tcpFrame } from './hostile-frames.ts'
import {
  advertisementRecord,
  type HostileScene,
  type HostileTarget,
  NO_HINT,
  recordHeader,
  recordOf,
  rootClaimRecord,
} from './hostile-scene.ts'
import { createHostileHost, HostileTrunk } from './hostile-trunk.ts'
import { SUPER_FRAME_BYTES, TCP_SUM_HINT, TCP_SUPER_HINT } from './lying-hints.ts'
import { TRUNK_ATTACKS } from './trunk-attacks.ts'

/** High enough that there are old sequence numbers to use. */
const FIRST_SEQUENCE = 1_000_000
/** The victim's switch may hear of the trunk later than trunk-peer, and takes one advertisement a second. */
const ADVERTISE_MS = 1_200
const CLAIM_MS = 100

class HostileProgram {
  readonly #host: Libp2p
  readonly #scene: HostileScene
  #trunk: HostileTrunk | null = null

  constructor(host: Libp2p, target: HostileTarget) {
    this.#host = host
    this.#scene = sceneOf(host, target)
  }

  get mac(): string {
    return memberMac(
      this.#scene.target.vlanId as VlanId,
      Buffer.from(this.#scene.ids.self).toString('hex') as NodeId,
    )
  }

  async run(command: string): Promise<void> {
    const [kind, ...words] = command.split(' ')
    const [first = 0, second = 0] = words.map(Number)
    if (kind === 'honest') await this.#repeat(first, () => this.#honestRecord())
    else if (kind === 'replay') await this.#replay(first)
    else if (kind === 'record')
      await this.#repeat(second, (turn) => RECORD_ATTACKS[first]!.build(this.#scene, turn))
    else if (kind === 'trunk') await this.#trunkAttack(first, second)
    else if (kind === 'claim') (await this.#openTrunk()).announce([this.#membership(words[0]!)])
    else if (kind === 'root') await this.#claimRoot(first)
    else throw new Error(`unknown command: ${command}`)
  }

  async #repeat(times: number, build: (turn: number) => Uint8Array): Promise<void> {
    const trunk = await this.#openTrunk()
    for (let turn = 0; turn < times; turn++) await trunk.sendRecord(build(turn))
  }

  /** Spread over some time: a switch takes only so many of a neighbour. */
  async #claimRoot(times: number): Promise<void> {
    const trunk = await this.#openTrunk()
    for (let number = 1; number <= times; number++) {
      await trunk.sendRecord(rootClaimRecord(this.#scene, number))
      await pause(CLAIM_MS)
    }
  }

  /** A plain frame, one with a checksum to complete, and a super-frame: all three are to be delivered. */
  #honestRecord(): Uint8Array {
    const scene = this.#scene
    const frames = [
      { frame: markedFrame(scene), hint: NO_HINT },
      { frame: tcpFrame(scene, 64), hint: TCP_SUM_HINT },
      { frame: tcpFrame(scene, SUPER_FRAME_BYTES), hint: TCP_SUPER_HINT },
    ]
    const header = recordHeader(scene)
    return recordOf(header, frames[header.sequence % frames.length]!)
  }

  async #replay(times: number): Promise<void> {
    const trunk = await this.#openTrunk()
    const record = this.#honestRecord()
    for (let turn = 0; turn < times + 1; turn++) await trunk.sendRecord(record)
  }

  async #trunkAttack(index: number, times: number): Promise<void> {
    for (let turn = 0; turn < times; turn++) {
      const trunk = await this.#openTrunk()
      this.#trunk = null
      await TRUNK_ATTACKS[index]!.perform(trunk, this.#scene.randomBytes)
      await trunk.refused()
    }
  }

  async #openTrunk(): Promise<HostileTrunk> {
    const { target, bootNonce } = this.#scene
    if (this.#trunk === null) {
      const membership = this.#membership(this.mac)
      this.#trunk = await HostileTrunk.open(this.#host, target.address, bootNonce, [membership])
      this.#advertise(this.#trunk)
    }
    return this.#trunk
  }

  /** Says to the victim, as long as the trunk stands, that there is a way between the two. */
  #advertise(trunk: HostileTrunk): void {
    const advertise = () => void trunk.sendRecord(advertisementRecord(this.#scene)).catch(() => {})
    advertise()
    const timer = setInterval(advertise, ADVERTISE_MS)
    void trunk.closed.then(() => clearInterval(timer))
  }

  #membership(mac: string): WireMembership {
    const { bootNonce, ids } = this.#scene
    return {
      vlan: ids.vlan,
      bootNonce,
      mac: macFromString(mac),
      addresses: [],
      addressAttempt: 0,
      hostname: 'hostile',
      recordSequence: 0,
    }
  }
}

function sceneOf(host: Libp2p, target: HostileTarget): HostileScene {
  const random = seededRandom(target.seed)
  const nodeId = nodeIdFromPublicKey(host.peerId.publicKey!.raw)
  let sequence = FIRST_SEQUENCE
  return {
    target,
    ids: {
      self: nodeIdToBytes(nodeId),
      victim: nodeIdToBytes(target.victim.nodeId as NodeId),
      bystander: nodeIdToBytes(target.bystander.nodeId as NodeId),
      vlan: vlanIdToBytes(target.vlanId as VlanId),
      otherVlan: vlanIdToBytes(target.otherVlanId as VlanId),
    },
    mac: macFromString(memberMac(target.vlanId as VlanId, nodeId)),
    bootNonce: seededBytes(8, random),
    nextSequence: () => ++sequence,
    randomBytes: (length) => seededBytes(length, random),
  }
}

function say(answer: object): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

const host = await createHostileHost()
const program = new HostileProgram(host, JSON.parse(process.argv[2] ?? '') as HostileTarget)
say({ ready: { mac: program.mac } })
for await (const command of createInterface({ input: process.stdin })) {
  await program.run(command)
  say({ done: command })
}
await host.stop()
