import { macFromString } from '@wakunet/ethernet'
import { vlanIdToBytes } from '@wakunet/identity'
import type { VlanId } from '@wakunet/interface'
import { RECORD_FIELD, RECORD_HEADER_BYTES, type RecordHeader } from '@wakunet/record'
import { markedFrame, patched } from './hostile-frames.ts'
import {
  type ClaimedFrame,
  controlRecord,
  type HostileScene,
  NO_HINT,
  recordHeader,
  recordOf,
} from './hostile-scene.ts'
import { LYING_HINTS } from './lying-hints.ts'

/** A record that the victim must drop, and the one counter that must tell. */
export interface RecordAttack {
  readonly name: string
  /** A series of the victim's metrics; grows by one for each record. */
  readonly counter: string
  readonly times: number
  /** Builds one record; `turn` counts from 0. */
  build(scene: HostileScene, turn: number): Uint8Array
}

const TIMES = 1_000

const relay = (what: string) => `wakunet_trunk_peer_relay_${what}_total`
const refused = (reason: string) => `wakunet_vlan_switch_lane_refused_total{reason="${reason}"}`
const dropped = (reason: string) => `wakunet_vlan_switch_dropped_total{reason="${reason}"}`

const marked = (scene: HostileScene): ClaimedFrame => ({ frame: markedFrame(scene), hint: NO_HINT })

/** An honest record but for some fields of its header. */
const withHeader =
  (changes: (scene: HostileScene) => Partial<RecordHeader>) =>
  (scene: HostileScene): Uint8Array =>
    recordOf(recordHeader(scene, changes(scene)), marked(scene))

/** Looks sealed, with a tag that nobody has seen before. */
const sealedWith =
  (changes: (scene: HostileScene) => Partial<RecordHeader>) =>
  (scene: HostileScene): Uint8Array =>
    recordOf(recordHeader(scene, { sealed: true, ...changes(scene) }), {
      frame: scene.randomBytes(100),
      hint: NO_HINT,
    })

/** An honest record but for one byte of it. */
const withByte =
  (offset: number, value: number) =>
  (scene: HostileScene): Uint8Array =>
    patched(recordOf(recordHeader(scene), marked(scene)), offset, value)

/** An honest record but for one address of its frame. */
const withEnds =
  (ends: (scene: HostileScene) => { source?: string; destination?: string }) =>
  (scene: HostileScene): Uint8Array => {
    const { source, destination } = ends(scene)
    const frame = markedFrame(scene, {
      ...(source === undefined ? {} : { source: macFromString(source) }),
      ...(destination === undefined ? {} : { destination: macFromString(destination) }),
    })
    return recordOf(recordHeader(scene), { frame, hint: NO_HINT })
  }

const FIRST_FRAME = RECORD_HEADER_BYTES

const MALFORMED: readonly RecordAttack[] = [
  {
    name: 'shorter than a header',
    counter: relay('record_too_short'),
    times: TIMES,
    build: (scene, turn) => scene.randomBytes(1 + (turn % (RECORD_HEADER_BYTES - 1))),
  },
  {
    name: 'random bytes',
    counter: relay('vlan_not_joined'),
    times: TIMES,
    build: (scene, turn) => scene.randomBytes(RECORD_HEADER_BYTES + ((turn * 7) % 4_000)),
  },
  {
    name: 'a version of the future',
    counter: refused('record-version'),
    times: TIMES,
    build: withByte(RECORD_FIELD.version, 2),
  },
  {
    name: 'undefined flags',
    counter: refused('record-flags'),
    times: TIMES,
    build: withByte(RECORD_FIELD.flags, 0x80),
  },
  {
    name: 'control that could go further than to a neighbour',
    counter: dropped('control-hop'),
    times: TIMES,
    build: withHeader(() => ({ control: true })),
  },
  {
    name: 'no hops left',
    counter: refused('record-hop-limit'),
    times: TIMES,
    build: withHeader(() => ({ hopLimit: 0 })),
  },
  {
    name: 'no frames',
    counter: refused('record-frame-count'),
    times: TIMES,
    build: withHeader(() => ({ frameCount: 0 })),
  },
  {
    name: 'sequence zero',
    counter: refused('record-sequence'),
    times: TIMES,
    build: withHeader(() => ({ sequence: 0 })),
  },
  {
    name: 'to the tree and to a node',
    counter: refused('record-tree-egress'),
    times: TIMES,
    build: withByte(RECORD_FIELD.flags, 1),
  },
  {
    name: 'truncated at every offset',
    counter: refused('record-frame-truncated'),
    times: TIMES,
    build: (scene, turn) => {
      const record = recordOf(recordHeader(scene), marked(scene))
      return record.subarray(0, RECORD_HEADER_BYTES + (turn % (record.length - RECORD_HEADER_BYTES)))
    },
  },
  {
    name: 'more frames than there are',
    counter: refused('record-frame-truncated'),
    times: TIMES,
    build: withHeader(() => ({ frameCount: 255 })),
  },
  {
    name: 'a frame longer than any',
    counter: refused('record-frame-length'),
    times: TIMES,
    build: withByte(FIRST_FRAME, 0x7f),
  },
  {
    name: 'undefined offload flags',
    counter: refused('record-frame-hint'),
    times: TIMES,
    build: withByte(FIRST_FRAME + 4, 0x40),
  },
  {
    name: 'an undefined kind of super-frame',
    counter: refused('record-frame-hint'),
    times: TIMES,
    build: withByte(FIRST_FRAME + 5, 3),
  },
  {
    name: 'bytes behind the last frame',
    counter: refused('record-trailing-bytes'),
    times: TIMES,
    build: (scene, turn) => {
      const record = recordOf(recordHeader(scene), marked(scene))
      return Buffer.concat([record, scene.randomBytes(1 + (turn % 100))])
    },
  },
]

const UNTRUE: readonly RecordAttack[] = [
  {
    name: 'of a VLAN that nobody has joined',
    counter: relay('vlan_not_joined'),
    times: TIMES,
    build: withHeader(() => ({ vlanId: vlanIdToBytes('66'.repeat(16) as VlanId) })),
  },
  {
    name: 'of a joined VLAN that the peer has not announced',
    counter: relay('not_member'),
    times: TIMES,
    build: withHeader(({ ids }) => ({ vlanId: ids.otherVlan })),
  },
  {
    name: 'in the name of another member, as if it had passed the record on',
    counter: dropped('unsealed'),
    times: TIMES,
    build: withHeader(({ ids }) => ({ ingress: ids.bystander })),
  },
  {
    name: 'sealed in the name of another member, with bytes of its own',
    counter: dropped('seal-no-key'),
    times: TIMES,
    build: withHeader(({ ids }) => ({ ingress: ids.bystander, sealed: true })),
  },
  {
    name: 'to everybody in the name of another member, whose boot nonce it does not know',
    counter: dropped('boot-nonce'),
    times: TIMES,
    build: withHeader(({ ids }) => ({ ingress: ids.bystander, egress: null })),
  },
  {
    name: 'in the name of the victim',
    counter: dropped('own-record'),
    times: TIMES,
    build: withHeader(({ ids }) => ({ ingress: ids.victim })),
  },
  {
    name: 'with a boot nonce of its own',
    counter: dropped('boot-nonce'),
    times: TIMES,
    build: withHeader((scene) => ({ bootNonce: scene.randomBytes(8) })),
  },
  {
    name: 'in the name of somebody whom nobody knows',
    counter: dropped('ingress-unknown'),
    times: TIMES,
    build: withHeader((scene) => ({ ingress: scene.randomBytes(16) })),
  },
  {
    name: 'for a node that nobody knows',
    counter: dropped('no-route'),
    times: TIMES,
    build: sealedWith((scene) => ({ egress: scene.randomBytes(16) })),
  },
  {
    name: 'for another node, without hops to get there',
    counter: dropped('hop-limit'),
    times: TIMES,
    build: sealedWith(({ ids }) => ({ egress: ids.bystander, hopLimit: 1 })),
  },
  {
    name: 'for another node, in clear',
    counter: dropped('unsealed'),
    times: TIMES,
    build: withHeader(({ ids }) => ({ egress: ids.bystander })),
  },
  {
    name: 'with a BPDU that is none',
    counter: dropped('control-malformed'),
    times: TIMES,
    build: (scene, turn) =>
      controlRecord(scene, Buffer.concat([Buffer.of(1, 1), scene.randomBytes(turn % 60)])),
  },
  {
    name: 'with control of an unknown kind',
    counter: dropped('control-unknown'),
    times: TIMES,
    build: (scene, turn) =>
      controlRecord(scene, Buffer.concat([Buffer.of(99, 1), scene.randomBytes(turn % 60)])),
  },
  {
    name: 'of a key epoch in an open VLAN',
    counter: dropped('epoch'),
    times: TIMES,
    build: withHeader(() => ({ epoch: 1 })),
  },
  {
    name: 'numbered far behind',
    counter: dropped('sequence-old'),
    times: TIMES,
    build: (scene, turn) => recordOf(recordHeader(scene, { sequence: 1 + turn }), marked(scene)),
  },
  {
    name: 'from a MAC of another member',
    counter: dropped('mac-spoofed'),
    times: TIMES,
    build: withEnds(({ target }) => ({ source: target.bystander.mac })),
  },
  {
    name: 'from the MAC of the victim',
    counter: dropped('mac-spoofed'),
    times: TIMES,
    build: withEnds(({ target }) => ({ source: target.victim.mac })),
  },
  {
    name: 'from a group address',
    counter: dropped('source-group'),
    times: TIMES,
    build: withEnds(() => ({ source: 'ff:ff:ff:ff:ff:ff' })),
  },
  {
    name: 'to the spanning tree of a bridge',
    counter: dropped('reserved-destination'),
    // More would be a storm, which has a counter of its own.
    times: 100,
    build: withEnds(() => ({ destination: '01:80:c2:00:00:00' })),
  },
  {
    name: 'to a MAC behind another trunk',
    counter: dropped('split-horizon'),
    times: TIMES,
    build: withEnds(({ target }) => ({ destination: target.bystander.mac })),
  },
]

const LYING: readonly RecordAttack[] = LYING_HINTS.map(({ name, fault, times = TIMES, frame, hint }) => ({
  name: `with a lying offload header: ${name}`,
  counter: dropped(`offload-${fault}`),
  times,
  build: (scene) => recordOf(recordHeader(scene), { frame: frame(scene), hint }),
}))

/** Every record that must not get through, though the trunk may stay. */
export const RECORD_ATTACKS: readonly RecordAttack[] = [...MALFORMED, ...UNTRUE, ...LYING]

/** The same record twice is no attack on its first time; it has a counter of its own. */
export const REPLAY_COUNTER = dropped('sequence-seen')
