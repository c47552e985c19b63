import type { SealingKey } from '@wakunet/addressing'
import {
  createDecodedRecord,
  type DecodedRecord,
  decodeRecord,
  envelopeBytes,
  RECORD_HEADROOM_BYTES,
  type RecordFault,
  RecordWriter,
  readOpenedFrames,
  writeFrameHeader,
} from '@wakunet/record'
import type { OpenVerdict } from '@wakunet/switching'
import { announcedCiphers, type SealingCipher } from '../src/sealing/ciphers.ts'
import { type SealingKeyPair, sealingKeyPairOf } from '../src/sealing/pair-keys.ts'
import { RecordSealing } from '../src/sealing/record-sealing.ts'
import { NO_HINT } from './support.ts'

const FRAME_HEADER_BYTES = 12

export interface SealingNodeInit {
  readonly cipher?: SealingCipher
  readonly vlanId?: Uint8Array
  readonly boot?: number
  readonly keyPair?: SealingKeyPair
  readonly isMember?: (nodeId: Uint8Array) => boolean
}

/** A member as far as sealing goes: its keys, and the records that it writes. */
export class SealingNode {
  readonly nodeId: Uint8Array
  readonly vlanId: Uint8Array
  readonly bootNonce: Uint8Array
  readonly sealing: RecordSealing
  readonly #writer: RecordWriter

  constructor(number: number, init: SealingNodeInit = {}) {
    const { cipher = 'auto', boot = 1 } = init
    this.nodeId = new Uint8Array(16).fill(number)
    this.vlanId = init.vlanId ?? new Uint8Array(16).fill(0x77)
    this.bootNonce = new Uint8Array(8).fill(number + 16 * boot)
    this.sealing = new RecordSealing({
      vlanId: this.vlanId,
      nodeId: this.nodeId,
      bootNonce: this.bootNonce,
      keyPair: init.keyPair ?? sealingKeyPairOf(new Uint8Array(32).fill(number * 7 + boot)),
      ciphers: announcedCiphers(cipher, () => true),
      isMember: init.isMember ?? (() => true),
    })
    this.#writer = new RecordWriter({
      vlanId: this.vlanId,
      ingress: this.nodeId,
      bootNonce: this.bootNonce,
    })
  }

  /** Takes over what another announces. */
  meet(other: SealingNode, sequence = 1, key: SealingKey = other.sealing.announced): void {
    this.sealing.learn(other.nodeId, key, sequence)
  }

  /** A sealed record for another member, without an envelope; null where there is no key. */
  seal(to: SealingNode, frames: readonly Uint8Array[]): Uint8Array | null {
    const sealer = this.sealing.sealerFor(to.nodeId, 0)
    if (sealer === null) return null
    const size = frames.reduce((sum, one) => sum + FRAME_HEADER_BYTES + one.length, RECORD_HEADROOM_BYTES)
    const bytes = new Uint8Array(size)
    const offsets = new Uint32Array(frames.length)
    let at = RECORD_HEADROOM_BYTES
    for (const [i, one] of frames.entries()) {
      offsets[i] = at
      writeFrameHeader(bytes, at, one.length, NO_HINT)
      bytes.set(one, at + FRAME_HEADER_BYTES)
      at += FRAME_HEADER_BYTES + one.length
    }
    const batch = {
      bytes,
      offsets,
      lengths: Uint32Array.from(frames, (one) => one.length),
      count: frames.length,
    }
    const sent: Uint8Array[] = []
    const indexes = Uint16Array.from(frames, (_, i) => i)
    this.#writer.writeSealed(batch, indexes, frames.length, to.nodeId, [to.nodeId], sealer, ([part]) =>
      sent.push(part!.slice(envelopeBytes(1))),
    )
    return sent[0]!
  }

  open(bytes: Uint8Array): Opened {
    return openRecord(this.sealing, bytes)
  }
}

export interface Opened {
  readonly verdict: OpenVerdict | RecordFault
  /** Of a record that is open. */
  readonly frames: readonly Uint8Array[]
}

/** Opens a record as the fabric does. */
export function openRecord(sealing: RecordSealing, bytes: Uint8Array): Opened {
  const record = createDecodedRecord()
  const decoded = decodeRecord(bytes, record)
  if (decoded !== 'ok') return { verdict: decoded, frames: [] }
  const verdict = sealing.open(record)
  if (verdict !== 'ok') return { verdict, frames: [] }
  const read = readOpenedFrames(record)
  return { verdict: read, frames: read === 'ok' ? framesOf(record) : [] }
}

function framesOf({ batch }: DecodedRecord): Uint8Array[] {
  return Array.from({ length: batch.count }, (_, i) => {
    const at = batch.offsets[i]! + FRAME_HEADER_BYTES
    return batch.bytes.slice(at, at + batch.lengths[i]!)
  })
}

/** Two members that know each other's keys. */
export function sealingPair(init: SealingNodeInit = {}): [SealingNode, SealingNode] {
  const [a, b] = [new SealingNode(1, init), new SealingNode(2, init)]
  a.meet(b)
  b.meet(a)
  return [a, b]
}
