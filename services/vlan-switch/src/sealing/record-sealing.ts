import { noSealing, type SealingKey } from '@wakunet/addressing'
import type { AeadAlgorithm } from '@wakunet/netio'
import { type DecodedRecord, type FrameSealer, IdMap, RECORD_FIELD, readU32 } from '@wakunet/record'
import { MAX_MEMBERS, MAX_RETIRED_MEMBERS, type OpenVerdict, type RecordSealer } from '@wakunet/switching'
import { agreedCipher } from './ciphers.ts'
import { directionKey, type PairEnd, type SealingKeyPair, sharedSecret } from './pair-keys.ts'
import { SealedPair } from './sealed-pair.ts'

/** Members that are there, and those that are gone: whose old records must stay old. */
export const MAX_SEALING_PEERS = MAX_MEMBERS + MAX_RETIRED_MEMBERS

export interface RecordSealingInit {
  /** 16 bytes each. */
  readonly vlanId: Uint8Array
  readonly nodeId: Uint8Array
  /** 8 bytes. */
  readonly bootNonce: Uint8Array
  /** Of this start alone. */
  readonly keyPair: SealingKeyPair
  /** See `announcedCiphers`. */
  readonly ciphers: number
  /** Whether somebody is a member now: others are forgotten first. */
  readonly isMember: (nodeId: Uint8Array) => boolean
}

/** A member, as its last announcement has it. */
interface SealingPeer {
  readonly id: Uint8Array
  key: SealingKey
  /** Of that announcement. */
  sequence: number
  /** Made when it is first needed: most members of a large VLAN have a trunk here, or nothing to say. Null where it cannot be. */
  pair: SealedPair | null | undefined
}

/**
 * Seals the records of one VLAN between this node and each other member (`docs/protocols/sealing.md`). Members announce their
 * keys, signed; what follows from two of them needs no message.
 */
export class RecordSealing implements RecordSealer {
  /** Members that were left out because the table was full. */
  refused = 0
  readonly #init: RecordSealingInit
  readonly #peers = new IdMap<SealingPeer>()

  constructor(init: RecordSealingInit) {
    this.#init = init
  }

  get size(): number {
    return this.#peers.size
  }

  /** What this node announces. */
  get announced(): SealingKey {
    const { bootNonce, keyPair, ciphers } = this.#init
    return ciphers === 0 ? noSealing(bootNonce) : { bootNonce, publicKey: keyPair.publicKey, ciphers }
  }

  /** Takes over what a member has announced; one that is older than the last is not. */
  learn(nodeId: Uint8Array, key: SealingKey, sequence: number): void {
    const peer = this.#peers.find(nodeId, 0)
    if (peer === null) this.#add(nodeId, key, sequence)
    else if (sequence >= peer.sequence) {
      peer.sequence = sequence
      // The same key has the same window: whatever the member was away for, its records are not new again.
      if (isSameKey(peer.key, key)) return
      peer.pair?.close()
      peer.pair = undefined
      peer.key = copyOf(key)
    }
  }

  #add(nodeId: Uint8Array, key: SealingKey, sequence: number): void {
    if (this.#peers.size < MAX_SEALING_PEERS || this.#forgetOne())
      this.#peers.add({ id: nodeId.slice(), key: copyOf(key), sequence, pair: undefined })
    else this.refused++
  }

  /** Forgets somebody who is no member any more; false where all are. */
  #forgetOne(): boolean {
    for (const peer of this.#peers) {
      if (this.#init.isMember(peer.id)) continue
      this.#peers.delete(peer)
      peer.pair?.close()
      return true
    }
    return false
  }

  /** With which cipher this node and a member seal for each other; null where they cannot. @param nodeId 16 bytes */
  cipherOf(nodeId: Uint8Array): AeadAlgorithm | null {
    const peer = this.#peers.find(nodeId, 0)
    return peer === null ? null : agreedCipher(this.#init.ciphers, peer.key.ciphers)
  }

  sealerFor(bytes: Uint8Array, offset: number): FrameSealer | null {
    const peer = this.#peers.find(bytes, offset)
    return peer === null ? null : this.#pairOf(peer)
  }

  open(record: DecodedRecord): OpenVerdict {
    const peer = this.#peers.find(record.bytes, record.offset + RECORD_FIELD.ingress)
    if (peer === null) return 'no-key'
    const { bootNonce } = peer.key
    if (record.bootNonceHigh !== readU32(bootNonce, 0) || record.bootNonceLow !== readU32(bootNonce, 4))
      return 'no-key'
    return this.#pairOf(peer)?.open(record) ?? 'no-key'
  }

  #pairOf(peer: SealingPeer): SealedPair | null {
    if (peer.pair === undefined) peer.pair = this.#makePair(peer)
    return peer.pair
  }

  #makePair({ id, key }: SealingPeer): SealedPair | null {
    const { keyPair, vlanId, ciphers, bootNonce } = this.#init
    const cipher = agreedCipher(ciphers, key.ciphers)
    const secret = cipher === null ? null : sharedSecret(keyPair, key.publicKey)
    if (cipher === null || secret === null) return null
    const own: PairEnd = { nodeId: this.#init.nodeId, bootNonce, publicKey: keyPair.publicKey }
    const other: PairEnd = { nodeId: id, bootNonce: key.bootNonce, publicKey: key.publicKey }
    return new SealedPair({
      cipher,
      out: directionKey(secret, vlanId, cipher, own, other),
      in: directionKey(secret, vlanId, cipher, other, own),
    })
  }

  /** Wipes all keys. */
  close(): void {
    for (const peer of this.#peers) {
      this.#peers.delete(peer)
      peer.pair?.close()
    }
  }
}

/** The announcement that a key is part of goes its own way. */
function copyOf({ bootNonce, publicKey, ciphers }: SealingKey): SealingKey {
  return { bootNonce: bootNonce.slice(), publicKey: publicKey.slice(), ciphers }
}

function isSameKey(a: SealingKey, b: SealingKey): boolean {
  return (
    a.ciphers === b.ciphers &&
    a.bootNonce.every((byte, i) => byte === b.bootNonce[i]) &&
    a.publicKey.every((byte, i) => byte === b.publicKey[i])
  )
}
