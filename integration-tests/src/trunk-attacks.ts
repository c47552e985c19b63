import {
  frameUnit,
  LENGTH_PREFIX_BYTES,
  MAX_CONTROL_BYTES,
  MAX_RECORD_LIMIT_BYTES,
  writeLength,
} from '@wakunet/trunk'
import { type HostileTrunk, helloMessage } from './hostile-trunk.ts'

/** Something for which the victim must end the trunk; `perform` runs on an open one. */
export interface TrunkAttack {
  readonly name: string
  /** A series of the victim's metrics; grows by one for each trunk so ended. */
  readonly counter: string
  perform(trunk: HostileTrunk, randomBytes: (length: number) => Uint8Array): Promise<void> | void
}

const VIOLATIONS = 'wakunet_trunk_peer_protocol_violations_total'
const LOST = 'wakunet_trunk_peer_trunks_lost_total'
/** Twice the bucket of the protocol (docs/protocols/trunk.md, limits). */
const FLOOD_MESSAGES = 512

function lengthPrefix(length: number): Uint8Array {
  const bytes = new Uint8Array(LENGTH_PREFIX_BYTES)
  writeLength(bytes, 0, length)
  return bytes
}

/** `{"type": "gossip"}` in CBOR. */
const UNKNOWN_MESSAGE = Uint8Array.from([0xa1, 0x64, ...Buffer.from('type'), 0x66, ...Buffer.from('gossip')])
/** `{"type": "heartbeat", "sequence": 1, "sequence": 1}`: a key twice. */
const DOUBLE_KEY = Uint8Array.from([
  0xa3,
  ...[0x64, ...Buffer.from('type'), 0x69, ...Buffer.from('heartbeat')],
  ...[0x68, ...Buffer.from('sequence'), 0x01],
  ...[0x68, ...Buffer.from('sequence'), 0x01],
])
/** Arrays in arrays without end. */
const DEEP_NESTING = new Uint8Array(60_000).fill(0x81)
/** A map that claims 2^32 - 1 entries. */
const HUGE_MAP = Uint8Array.of(0xba, 0xff, 0xff, 0xff, 0xff)

const control = (name: string, bytes: Uint8Array): TrunkAttack => ({
  name,
  counter: VIOLATIONS,
  perform: (trunk) => trunk.sendControlBytes(frameUnit(bytes)),
})

export const TRUNK_ATTACKS: readonly TrunkAttack[] = [
  {
    name: 'a record longer than agreed',
    counter: VIOLATIONS,
    perform: (trunk) => trunk.sendFrameBytes(lengthPrefix(MAX_RECORD_LIMIT_BYTES + 1)),
  },
  {
    name: 'a record of 4 GiB',
    counter: VIOLATIONS,
    perform: (trunk) => trunk.sendFrameBytes(lengthPrefix(0xffff_ffff)),
  },
  {
    name: 'a record of no bytes',
    counter: VIOLATIONS,
    perform: (trunk) => trunk.sendFrameBytes(lengthPrefix(0)),
  },
  {
    name: 'random bytes for records',
    counter: VIOLATIONS,
    // Its first byte makes a length over any limit.
    perform: (trunk, randomBytes) => trunk.sendFrameBytes(Uint8Array.of(0xff, ...randomBytes(4_000))),
  },
  {
    name: 'a record that breaks off',
    counter: LOST,
    perform: async (trunk, randomBytes) => {
      await trunk.sendFrameBytes(lengthPrefix(1_000))
      await trunk.sendFrameBytes(randomBytes(500))
      trunk.abort()
    },
  },
  {
    name: 'a control message longer than allowed',
    counter: VIOLATIONS,
    perform: (trunk) => trunk.sendControlBytes(lengthPrefix(MAX_CONTROL_BYTES + 1)),
  },
  control('an unknown control message', UNKNOWN_MESSAGE),
  control('a control message with a key twice', DOUBLE_KEY),
  control('a control message nested without end', DEEP_NESTING),
  control('a control message with a map of 2^32 entries', HUGE_MAP),
  {
    name: 'random bytes for a control message',
    counter: VIOLATIONS,
    perform: (trunk, randomBytes) => trunk.sendControlBytes(frameUnit(randomBytes(200))),
  },
  {
    name: 'a second hello',
    counter: VIOLATIONS,
    perform: (trunk, randomBytes) => trunk.sendControl(helloMessage(randomBytes(8))),
  },
  {
    name: 'a flood of control messages',
    counter: VIOLATIONS,
    perform: (trunk) => {
      for (let sequence = 1; sequence <= FLOOD_MESSAGES; sequence++)
        trunk.sendControl({ type: 'heartbeat', sequence })
    },
  },
]
