import { type ICryptoInterface, type NoiseComponents, noise, pureJsCrypto } from '@chainsafe/libp2p-noise'
import type { ConnectionEncrypter, MessageStream, SecureConnectionOptions } from '@libp2p/interface'
import { AeadContext } from '@wakunet/netio'
import { SlabAllocator } from './slab.ts'

/**
 * libp2p's Noise (XX, 25519, ChaCha20-Poly1305, SHA-256) as it is on the wire, with two costs taken out:
 *
 * - the AEAD is OpenSSL with a context that is kept, instead of a cipher object or WebAssembly a message;
 * - the 2-byte length goes into the memory before its ciphertext, so that a message is one write to the
 *   socket, not two.
 */
export function nativeNoise(): (components: NoiseComponents) => ConnectionEncrypter {
  const aead = new NoiseAead()
  const create = noise({ crypto: { ...pureJsCrypto, ...aead.crypto } })
  return (components) => {
    const inner = create(components)
    const secure =
      (side: 'secureInbound' | 'secureOutbound') =>
      (connection: MessageStream, options?: SecureConnectionOptions) => {
        joinWrites(connection, aead)
        return inner[side](connection, options)
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
const NO_BYTES = new Uint8Array(0)

/** One array, or libp2p's list of arrays. */
type Bytes = Uint8Array | (Iterable<Uint8Array> & { readonly byteLength: number })

/** The AEAD of Noise on native contexts; a context lives as long as the key array that names it. */
class NoiseAead {
  readonly #contexts = new WeakMap<Uint8Array, AeadContext>()
  readonly #slab = new SlabAllocator()
  /** Ciphertexts with room for their length before them. */
  readonly #withHeadroom = new WeakSet<Uint8Array>()

  readonly crypto: Pick<ICryptoInterface, 'chaCha20Poly1305Encrypt' | 'chaCha20Poly1305Decrypt'> = {
    chaCha20Poly1305Encrypt: (plaintext, nonce, ad, k) => {
      const length = plaintext.byteLength + TAG_BYTES
      const memory = this.#slab.allocate(LENGTH_BYTES + length)
      this.#context(k).seal(nonce, ad, parts(plaintext), memory, LENGTH_BYTES)
      const sealed = memory.subarray(LENGTH_BYTES)
      this.#withHeadroom.add(sealed)
      return sealed
    },
    chaCha20Poly1305Decrypt: (ciphertext, nonce, ad, k, dst) => {
      const length = ciphertext.byteLength - TAG_BYTES
      if (length < 0) throw new Error('ciphertext shorter than its tag')
      const plaintext = dst !== undefined && dst.length >= length ? dst : this.#slab.allocate(length)
      if (this.#context(k).open(nonce, ad, parts(ciphertext), plaintext, 0) < 0) {
        throw new Error('message authentication failed')
      }
      return plaintext.length === length ? plaintext : plaintext.subarray(0, length)
    },
  }

  /** The message of `length` and `sealed` as one array, in place where the memory was laid out for it. */
  join(length: Uint8Array, sealed: Uint8Array): Uint8Array | null {
    if (!this.#withHeadroom.delete(sealed)) return null
    const whole = new Uint8Array(
      sealed.buffer,
      sealed.byteOffset - LENGTH_BYTES,
      LENGTH_BYTES + sealed.length,
    )
    whole.set(length)
    return whole
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

/** Makes `connection` write each Noise message at once. */
function joinWrites(connection: MessageStream, aead: NoiseAead): void {
  const send = connection.send.bind(connection)
  connection.send = (data: Bytes): boolean => {
    if (data instanceof Uint8Array) return send(data)
    let accepted = true
    let length: Uint8Array | null = null
    for (const chunk of data) {
      if (length === null && chunk.length === LENGTH_BYTES) {
        length = chunk
        continue
      }
      const whole = length === null ? chunk : aead.join(length, chunk)
      if (whole === null && length !== null) {
        send(length)
        accepted = send(chunk)
      } else accepted = send(whole ?? chunk)
      length = null
    }
    if (length !== null) accepted = send(length)
    return accepted
  }
}
