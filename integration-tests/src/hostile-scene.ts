import {
  encodeRecordHeader,
  type FrameHint,
  RECORD_FRAME_HEADER_BYTES,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  writeFrameHeader,
} from '@wakunet/record'
import { bridgeIdOf, encodeAdvertisement, encodeControlBpdu } from '@wakunet/switching'

/** What a hostile peer knows of the hosts that it attacks; travels to its process as JSON. */
export interface HostileTarget {
  /** Multiaddr of the victim's trunk-peer. */
  readonly address: string
  readonly victim: KnownStation
  /** Another member of the VLAN, whose part the hostile peer tries to play. */
  readonly bystander: KnownStation
  /** The VLAN in which the hostile peer is a proper member. */
  readonly vlanId: string
  /** A VLAN that the victim has joined and the hostile peer has not announced. */
  readonly otherVlanId: string
  readonly mtu: number
  readonly seed: number
}

export interface KnownStation {
  readonly nodeId: string
  readonly mac: string
  readonly address4: string
  readonly address6: string
}

/** A frame with the offload hints that are claimed for it. */
export interface ClaimedFrame {
  readonly frame: Uint8Array
  readonly hint: FrameHint
}

/** Who the hostile peer is in the VLAN at the moment, and what it needs to build records. */
export interface HostileScene {
  readonly target: HostileTarget
  /** Bytes of the ids: 16 each. */
  readonly ids: Readonly<Record<'self' | 'victim' | 'bystander' | 'vlan' | 'otherVlan', Uint8Array>>
  readonly mac: Uint8Array
  readonly bootNonce: Uint8Array
  /** Grows by one a call, as an honest switch counts. */
  nextSequence(): number
  /** Bytes from the seeded source. */
  randomBytes(length: number): Uint8Array
}

/** To the other end of a trunk and no further (docs/protocols/vlan-control.md). */
const NEIGHBOUR_HOP_LIMIT = 1
const TRUNK_COST = 200

export const NO_HINT: FrameHint = { flags: 0, gsoType: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 }

/** An honest header, to the victim, for whatever `changes` does not name. */
export function recordHeader(scene: HostileScene, changes: Partial<RecordHeader> = {}): RecordHeader {
  return {
    hopLimit: 64,
    frameCount: 1,
    epoch: 0,
    sequence: scene.nextSequence(),
    bootNonce: scene.bootNonce,
    vlanId: scene.ids.vlan,
    ingress: scene.ids.self,
    egress: scene.ids.victim,
    ...changes,
  }
}

/** Control for the victim's switch: one message, to a neighbour. */
export function controlRecord(scene: HostileScene, message: Uint8Array): Uint8Array {
  const header = recordHeader(scene, { control: true, hopLimit: NEIGHBOUR_HOP_LIMIT })
  return recordOf(header, { frame: message, hint: NO_HINT })
}

/** Honest link state: a trunk to the victim, and no other. */
export function advertisementRecord(scene: HostileScene): Uint8Array {
  const { self, victim } = scene.ids
  const neighbours = [{ id: victim, cost: TRUNK_COST }]
  return controlRecord(scene, encodeAdvertisement(self, scene.bootNonce, Date.now(), neighbours))
}

/** A designated bridge that says that it is the root, with the best priority that there is. */
export function rootClaimRecord(scene: HostileScene, number: number): Uint8Array {
  const bridgeId = bridgeIdOf(0, scene.ids.self)
  const bpdu = encodeControlBpdu({
    role: 'designated',
    topologyChange: false,
    proposal: true,
    learning: false,
    forwarding: false,
    messageAge: 0,
    maxAge: 40,
    helloMs: 1_000,
    rootPathCost: 0,
    rootId: bridgeId,
    bridgeId,
    portId: 1,
    number,
    agreedNumber: 0,
  })
  return controlRecord(scene, bpdu)
}

/** A record of one frame. */
export function recordOf(header: RecordHeader, { frame, hint }: ClaimedFrame): Uint8Array {
  const record = new Uint8Array(RECORD_HEADER_BYTES + RECORD_FRAME_HEADER_BYTES + frame.length)
  encodeRecordHeader(record, 0, header)
  writeFrameHeader(record, RECORD_HEADER_BYTES, frame.length, hint)
  record.set(frame, RECORD_HEADER_BYTES + RECORD_FRAME_HEADER_BYTES)
  return record
}
