import type { Socket } from 'node:net'
import { getDefaultHighWaterMark } from 'node:stream'
import { type ICryptoInterface, type NoiseComponents, noise, pureJsCrypto } from '@chainsafe/libp2p-noise'
import type { ConnectionEncrypter, MessageStream, SecureConnectionOptions } from '@libp2p/interface'
import { AeadContext, limitUnsentBytes } from '@wakunet/netio'
import { type Block, BlockPool } from './block-pool.ts'
import { NoiseReader } from './noise-reader.ts'

/**
 * libp2p's Noise (XX, 25519, ChaCha20-Poly1305, SHA-256) as it is on the wire, with four costs taken out:
 *
 * - the AEAD is OpenSSL with a context that is kept, instead of a cipher object or WebAssembly a message;
 * - the 2-byte length goes into the memory before its ciphertext, so that a message is one write to the
 *   socket, not two;
 * - what the kernel takes before it can send is bounded, so that frames wait in the trunk's own queue, where the oldest
 *   can be dropped, and not behind megabytes in a socket;
 * - messages are cut out of the stream without an error thrown at the end of every read (`NoiseReader`).
 *
 * @param prologue what both sides must have in common (Noise specification §6); the handshake fails where it differs
 */
export function nativeNoise(
  prologue: Uint8Array = new Uint8Array(0),
): (components: NoiseComponents) => ConnectionEncrypter {
  const aead = new NoiseAead()
  const create = noise({ crypto: { ...pureJsCrypto, ...aead.crypto }, prologueBytes: prologue })
  return (components) => {
    const inner = create(components)
    const secure =
      (side: 'secureInbound' | 'secureOutbound') =>
      async (connection: MessageStream, options?: SecureConnectionOptions) => {
        joinWrites(connection, aead)
        keepKernelQueueShort(connection)
        const secured = await inner[side](connection, options)
        replaceDecoder(secured.connection)
        return secured
      }
    return Object.assign(Object.create(inner) as typeof inner, {
      secureInbound: secure('secureInbound'),
      secureOutbound: secure('secureOutbound'),
    })
  }
}

const TAG_BYTES = 16
/** RFC-less part of libp2p's Noise: every transport message follows its length, 16 bit big-endian. */
const LENGTH_BYTES = 2
/** `net.Socket` says that it takes more while fewer bytes than this wait in it. */
const SOCKET_HIGH_WATER_BYTES = getDefaultHighWaterMark(false)
/** Two Noise messages: while the kernel sends the one, the other waits. */
const KERNEL_UNSENT_BYTES = 128 * 1024
/** Messages up to this size are put together before they are sealed. */
const SMALL_BYTES = 4_096
const NO_BYTES = new Uint8Array(0)

/** One array, or libp2p's list of arrays. */
type Bytes = Uint8Array | (Iterable<Uint8Array> & { readonly byteLength: number })

/** The AEAD of Noise on native contexts; a context lives as long as the key array that names it. */
class NoiseAead {
  readonly #contexts = new WeakMap<Uint8Array, AeadContext>()
  readonly #pool = new BlockPool()
  /** Sealed and not yet on its way: the ciphertext, and its memory with room for the length before it. */
  readonly #sealed = new Map<Uint8Array, Block>()

  readonly crypto: Pick<ICryptoInterface, 'chaCha20Poly1305Encrypt' | 'chaCha20Poly1305Decrypt'> = {
    chaCha20Poly1305Encrypt: (plaintext, nonce, ad, k) => {
      const block = this.#pool.allocate(LENGTH_BYTES + plaintext.byteLength + TAG_BYTES)
      this.#seal(k, nonce, ad, plaintext, block.bytes)
      const sealed = block.bytes.subarray(LENGTH_BYTES)
      this.#sealed.set(sealed, block)
      return sealed
    },
    chaCha20Poly1305Decrypt: (ciphertext, nonce, ad, k, dst) => {
      const length = ciphertext.byteLength - TAG_BYTES
      if (length < 0) throw new Error('ciphertext shorter than its tag')
      const plaintext = dst !== undefined && dst.length >= length ? dst : new Uint8Array(length)
      if (this.#context(k).open(nonce, ad, parts(ciphertext), plaintext, 0) < 0) {
        throw new Error('message authentication failed')
      }
      return plaintext.length === length ? plaintext : plaintext.subarray(0, length)
    },
  }

  /** The memory of `sealed`, with `length` written before it; null where it is not a ciphertext from here. */
  withLength(length: Uint8Array, sealed: Uint8Array): Block | null {
    const block = this.#sealed.get(sealed)
    if (block === undefined) return null
    this.#sealed.delete(sealed)
    block.bytes.set(length)
    return block
  }

  #seal(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, plaintext: Bytes, memory: Uint8Array): void {
    const context = this.#context(key)
    if (plaintext instanceof Uint8Array || plaintext.byteLength > SMALL_BYTES) {
      context.seal(nonce, ad, parts(plaintext), memory, LENGTH_BYTES)
      return
    }
    // Handing several parts to native code costs more than to copy a few bytes.
    let at = LENGTH_BYTES
    for (const part of plaintext) {
      memory.set(part, at)
      at += part.length
    }
    context.sealOne(nonce, ad, memory, LENGTH_BYTES, plaintext.byteLength, memory, LENGTH_BYTES)
  }

  #context(key: Uint8Array): AeadContext {
    let context = this.#contexts.get(key)
    if (context === undefined) {
      context = new AeadContext('chacha20-poly1305', key)
      this.#contexts.set(key, context)
    }
    return context
  }
}

function parts(bytes: Bytes): Uint8Array | Uint8Array[] {
  return bytes instanceof Uint8Array ? bytes : bytes.byteLength === 0 ? NO_BYTES : [...bytes]
}

/** libp2p's decoder, with the bytes of a message that it has not seen the end of. */
interface Decoder {
  readonly buffer: { subarray(): Uint8Array }
}

/** Gives Noise's encrypted stream a decoder of ours, with what its own has kept. A stream of another make stays as it is. */
function replaceDecoder(encrypted: object): void {
  const stream = encrypted as { decoder?: Decoder | NoiseReader }
  if (stream.decoder === undefined || !('buffer' in stream.decoder)) return
  const reader = new NoiseReader()
  if (reader.decode(stream.decoder.buffer.subarray()).length === 0) stream.decoder = reader
}

/** Bounds what a connection that is a TCP socket of libp2p's keeps in the kernel; others have no such queue, or no handle to it. */
function keepKernelQueueShort(connection: MessageStream): void {
  const { socket } = connection as MessageStream & { readonly socket?: Socket }
  if (socket !== undefined) limitUnsentBytes(socket, KERNEL_UNSENT_BYTES)
}

/** Makes `connection` write each Noise message at once. */
function joinWrites(connection: MessageStream, aead: NoiseAead): void {
  const send = connection.send.bind(connection)
  const written = new WrittenBlocks()
  connection.send = (data: Bytes): boolean => {
    if (data instanceof Uint8Array) return send(data)
    let accepted = true
    let length: Uint8Array | null = null
    for (const chunk of data) {
      if (length === null && chunk.length === LENGTH_BYTES) {
        length = chunk
        continue
      }
      const block = length === null ? null : aead.withLength(length, chunk)
      if (block === null) {
        if (length !== null) send(length)
        accepted = send(chunk)
      } else {
        accepted = send(block.bytes)
        written.add(block, accepted)
      }
      length = null
    }
    return length === null ? accepted : send(length)
  }
}

/**
 * Blocks that a socket may still have to write. A socket that takes more holds less than its high-water mark, and that
 * is the newest it was given: everything older has left the process.
 */
class WrittenBlocks {
  readonly #blocks: Block[] = []
  #bytes = 0

  add(block: Block, accepted: boolean): void {
    this.#blocks.push(block)
    this.#bytes += block.bytes.length
    if (!accepted) return
    let gone = 0
    while (this.#bytes - this.#blocks[gone]!.bytes.length >= SOCKET_HIGH_WATER_BYTES) {
      const oldest = this.#blocks[gone++]!
      this.#bytes -= oldest.bytes.length
      oldest.release()
    }
    this.#blocks.splice(0, gone)
  }
}
