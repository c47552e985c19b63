import { checkOffload, createOffloadHint, writeVirtioHeader } from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES, ID_BYTES } from '@wakunet/interface'
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, type AeadAlgorithm, AeadContext } from '@wakunet/netio'
import {
  createDecodedRecord,
  decodeRecord,
  envelopeBytes,
  RecordWriter,
  readFrameHint,
  virtioToFrameHeader,
} from '@wakunet/record'
import { SAMPLE_MTU, sampleBatch } from './sample-frame.ts'
import { callStage, type Stage } from './stage.ts'

/** Payload of a super-frame and of a frame that fills the MTU. */
const PAYLOADS = { 'super-frame': 57_600, frame: 1_348 } as const
const RECORD_SIZES = [1_400, 65_536] as const
const ALGORITHMS: readonly AeadAlgorithm[] = ['aes-256-gcm', 'chacha20-poly1305']

/** The steps that are pure computation. */
export function codecStages(): Stage[] {
  return [
    ...Object.entries(PAYLOADS).flatMap(([name, payloadBytes]) => recordStages(name, payloadBytes)),
    ...ALGORITHMS.flatMap((algorithm) => RECORD_SIZES.flatMap((bytes) => aeadStages(algorithm, bytes))),
  ]
}

function recordStages(name: string, payloadBytes: number): Stage[] {
  const batch = sampleBatch(payloadBytes)
  const [offset, length] = [batch.offsets[0]!, batch.lengths[0]!]
  const virtioHeader = batch.bytes.slice(offset, offset + FRAME_HEADER_BYTES)
  const writer = new RecordWriter({
    vlanId: new Uint8Array(ID_BYTES).fill(1),
    ingress: new Uint8Array(ID_BYTES).fill(2),
    bootNonce: new Uint8Array(8).fill(3),
  })
  const peers = [new Uint8Array(ID_BYTES).fill(4)]
  const indexes = Uint16Array.of(0)
  const egress = peers[0]!
  const build = (send: (parts: readonly Uint8Array[]) => void) => {
    batch.bytes.set(virtioHeader, offset)
    virtioToFrameHeader(batch.bytes, offset, length)
    writer.write(batch, indexes, 1, egress, peers, send)
  }
  let record = new Uint8Array(0)
  build(([message]) => {
    record = message!.slice(envelopeBytes(1))
  })
  const decoded = createDecodedRecord()
  const hint = createOffloadHint()
  const parse = () => {
    expectOk(decodeRecord(record, decoded))
    const at = decoded.batch.offsets[0]!
    readFrameHint(record, at, hint)
    expectOk(checkOffload(record, at + FRAME_HEADER_BYTES, length, hint, SAMPLE_MTU))
    // Into a copy: the record is parsed again.
    writeVirtioHeader(batch.bytes, offset, length, hint)
  }
  return [
    callStage(`record build, ${name}`, length, () => build(() => {})),
    callStage(`record parse, check, virtio header, ${name}`, length, parse),
  ]
}

function aeadStages(algorithm: AeadAlgorithm, bytes: number): Stage[] {
  const context = new AeadContext(algorithm, new Uint8Array(32).fill(7))
  const nonce = new Uint8Array(AEAD_NONCE_BYTES)
  const plain = new Uint8Array(bytes)
  const sealed = new Uint8Array(bytes + AEAD_TAG_BYTES)
  const opened = new Uint8Array(bytes)
  context.sealOne(nonce, null, plain, 0, bytes, sealed, 0)
  const work = new Uint8Array(bytes + AEAD_TAG_BYTES)
  return [
    callStage(`seal ${algorithm}, ${bytes} bytes`, bytes, () => {
      context.sealOne(nonce, null, plain, 0, bytes, work, 0)
    }),
    callStage(`open ${algorithm}, ${bytes} bytes`, bytes, () => {
      if (context.openOne(nonce, null, sealed, 0, sealed.length, opened, 0) < 0)
        throw new Error('not authentic')
    }),
  ]
}

function expectOk(verdict: string): void {
  if (verdict !== 'ok') throw new Error(`the sample is refused: ${verdict}`)
}
