import { WakunetError } from '@wakunet/interface'
import type { AeadAlgorithm } from '@wakunet/netio'
import type { DatagramAnswer, DatagramControl, DatagramOffer } from '../control-message.ts'
import { chooseCipher } from './cipher-choice.ts'
import { deriveKeys, type GenerationKeys, type KeyShare, type TrunkIdentity } from './path-keys.ts'

export const REKEY_AFTER_MS = 120_000
const REKEY_JITTER = 0.1
/** Less than what AES-GCM bears with datagrams of 2 KiB (RFC 9001 appendix B.1.1: 2^28); at 10 Gbit/s the time comes first. */
export const REKEY_AFTER_DATAGRAMS = 2 ** 27
/** Datagrams under the old keys may still be on their way for so long. */
export const KEYS_OVERLAP_MS = 10_000
/** Keys that nobody renewed are used no longer than this. */
export const KEYS_EXPIRE_MS = 3 * REKEY_AFTER_MS
/** The one in use, the one before it, the one agreed on. */
const MAX_GENERATIONS = 3

/** Keys of one generation as one side uses them. */
export interface DatagramKeys {
  readonly algorithm: AeadAlgorithm
  readonly sendKey: Uint8Array
  readonly sendSalt: Uint8Array
  readonly receiveKey: Uint8Array
  readonly receiveSalt: Uint8Array
  /** How datagrams to the peer name their keys. */
  readonly sendIndex: number
  readonly receiveIndex: number
}

/** What uses the keys. */
export interface KeyUser {
  addKeys(generation: number, keys: DatagramKeys): void
  useKeys(generation: number): void
  dropKeys(generation: number): void
}

export interface KeyExchangeInit {
  readonly initiator: boolean
  readonly identity: TrunkIdentity
  readonly ciphers: readonly AeadAlgorithm[]
  /** UDP port of this node. */
  readonly port: number
  readonly user: KeyUser
  readonly send: (message: DatagramControl) => void
  readonly newShare: () => KeyShare
  /** A number that no other keys of this node have, 1 to 2^32 - 1. */
  readonly newIndex: () => number
  /** In [0, 1). */
  readonly random: () => number
}

interface Offered {
  readonly share: KeyShare
  readonly message: DatagramOffer
}

/** Agrees on keys over the control stream, again and again (`docs/protocols/trunk.md`, negotiation). Clocked from outside. */
export class KeyExchange {
  readonly #init: KeyExchangeInit
  /** The initiator's offer that waits for its answer. */
  #offered: Offered | null = null
  /** The generation that the responder answered and that is not confirmed yet. */
  #unconfirmed: number | null = null
  #last = -1
  #live: { generation: number; dropAtMs: number }[] = []
  #sinceMs = 0
  #rekeyAfterMs = REKEY_AFTER_MS
  #current: number | null = null
  #cipher: AeadAlgorithm | null = null
  #theirPort = 0
  #refused = false

  constructor(init: KeyExchangeInit) {
    this.#init = init
  }

  /** The generation to send with; null before there is one, and where the keys are too old. */
  get generation(): number | null {
    return this.#current
  }

  get cipher(): AeadAlgorithm | null {
    return this.#cipher
  }

  /** UDP port that the peer told of; 0 before. */
  get theirPort(): number {
    return this.#theirPort
  }

  /** True where no cipher is in common. */
  get refused(): boolean {
    return this.#refused
  }

  /** The initiator makes its first offer. */
  start(nowMs: number): void {
    this.#sinceMs = nowMs
    if (this.#init.initiator) this.#offer()
  }

  /** @param datagrams that the present keys have sealed or opened, whichever is more */
  tick(nowMs: number, datagrams: number): void {
    for (const { generation } of this.#live.filter(({ dropAtMs }) => dropAtMs <= nowMs))
      this.#drop(generation)
    if (this.#current === null) return
    const ageMs = nowMs - this.#sinceMs
    if (ageMs > KEYS_EXPIRE_MS) {
      this.#drop(this.#current)
      this.#current = null
    } else if (this.#init.initiator && this.#offered === null && !this.#refused) {
      if (ageMs >= this.#rekeyAfterMs || datagrams >= REKEY_AFTER_DATAGRAMS) this.#offer()
    }
  }

  /** @throws WakunetError `ERR_DECODE` for what breaks the protocol: the trunk is closed */
  receive(message: Exclude<DatagramControl, { type: 'datagram-candidates' }>, nowMs: number): void {
    switch (message.type) {
      case 'datagram-offer':
        this.#answer(message, nowMs)
        return
      case 'datagram-answer':
        this.#take(message, nowMs)
        return
      case 'datagram-confirm':
        if (message.generation !== this.#unconfirmed) throw outOfOrder(message.type)
        this.#unconfirmed = null
        this.#use(message.generation, nowMs)
        return
      case 'datagram-refuse':
        if (message.generation !== this.#offered?.message.generation) throw outOfOrder(message.type)
        this.#offered = null
        this.#refused = true
    }
  }

  /** Wipes everything. */
  close(): void {
    for (const { generation } of [...this.#live]) this.#drop(generation)
    this.#current = null
    this.#offered = null
  }

  #offer(): void {
    const share = this.#init.newShare()
    const message: DatagramOffer = {
      type: 'datagram-offer',
      generation: this.#last + 1,
      index: this.#init.newIndex(),
      publicKey: share.publicKey,
      port: this.#init.port,
      ciphers: [...this.#init.ciphers],
    }
    this.#offered = { share, message }
    this.#init.send(message)
  }

  #answer(offer: DatagramOffer, nowMs: number): void {
    const { initiator, ciphers, port, newShare, newIndex, identity, send } = this.#init
    if (initiator || this.#unconfirmed !== null || offer.generation !== this.#last + 1)
      throw outOfOrder(offer.type)
    const cipher = chooseCipher(offer.ciphers, ciphers)
    if (cipher === null) {
      this.#refused = true
      send({ type: 'datagram-refuse', generation: offer.generation, reason: 'cipher' })
      return
    }
    const share = newShare()
    const answer: DatagramAnswer = {
      type: 'datagram-answer',
      generation: offer.generation,
      index: newIndex(),
      publicKey: share.publicKey,
      port,
      cipher,
    }
    const keys = deriveKeys(share, offer.publicKey, identity, offer, answer, cipher)
    this.#theirPort = offer.port
    this.#add(offer.generation, cipher, keys, { sendIndex: offer.index, receiveIndex: answer.index }, nowMs)
    this.#unconfirmed = offer.generation
    send(answer)
  }

  #take(answer: DatagramAnswer, nowMs: number): void {
    const offered = this.#offered
    if (offered === null || answer.generation !== offered.message.generation) throw outOfOrder(answer.type)
    const cipher = this.#init.ciphers.find((name) => name === answer.cipher)
    if (cipher === undefined) throw new WakunetError('ERR_DECODE', 'a cipher that was not offered')
    const { share, message } = offered
    const keys = deriveKeys(share, answer.publicKey, this.#init.identity, message, answer, cipher)
    this.#offered = null
    this.#theirPort = answer.port
    const indexes = { sendIndex: answer.index, receiveIndex: message.index }
    this.#add(answer.generation, cipher, keys, indexes, nowMs)
    this.#use(answer.generation, nowMs)
    this.#init.send({ type: 'datagram-confirm', generation: answer.generation })
  }

  #add(
    generation: number,
    cipher: AeadAlgorithm,
    keys: GenerationKeys,
    indexes: { sendIndex: number; receiveIndex: number },
    nowMs: number,
  ): void {
    const ours = this.#init.initiator ? keys.initiator : keys.responder
    const theirs = this.#init.initiator ? keys.responder : keys.initiator
    while (this.#live.length >= MAX_GENERATIONS) this.#drop(this.#live[0]!.generation)
    this.#last = generation
    this.#cipher = cipher
    this.#live.push({ generation, dropAtMs: nowMs + KEYS_EXPIRE_MS + KEYS_OVERLAP_MS })
    this.#init.user.addKeys(generation, {
      algorithm: cipher,
      sendKey: ours.key,
      sendSalt: ours.salt,
      receiveKey: theirs.key,
      receiveSalt: theirs.salt,
      ...indexes,
    })
  }

  #use(generation: number, nowMs: number): void {
    for (const live of this.#live)
      if (live.generation < generation) live.dropAtMs = Math.min(live.dropAtMs, nowMs + KEYS_OVERLAP_MS)
    this.#current = generation
    this.#sinceMs = nowMs
    this.#rekeyAfterMs = REKEY_AFTER_MS * (1 + REKEY_JITTER * (2 * this.#init.random() - 1))
    this.#init.user.useKeys(generation)
  }

  #drop(generation: number): void {
    this.#live = this.#live.filter((live) => live.generation !== generation)
    this.#init.user.dropKeys(generation)
  }
}

function outOfOrder(type: string): WakunetError {
  return new WakunetError('ERR_DECODE', `'${type}' out of order`)
}
