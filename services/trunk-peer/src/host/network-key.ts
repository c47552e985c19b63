import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { WakunetError } from '@wakunet/interface'

const DOMAIN = 'wakunet network v1'
const MAX_FILE_BYTES = 1_024
/** 64 hexadecimal digits, alone or in the form of libp2p's private networks. */
const KEY = /^(?:\/key\/swarm\/psk\/1\.0\.0\/\s+\/base16\/\s+)?([0-9a-f]{64})\s*$/i
/** RFC 6763 §7.2: at most 15 characters. */
const TAG_DIGITS = 10

/** What sets one network of nodes apart from another. */
export interface NetworkIdentity {
  /** Goes into every Noise handshake: where it differs, the handshake fails. Empty for the network that has neither name nor key. */
  readonly prologue: Uint8Array
  /** Service that multicast DNS asks for. */
  readonly serviceTag: string
}

/**
 * @param name of the network; empty for the common one
 * @param keyFile file of a key that all nodes of a private network share
 * @throws WakunetError `ERR_CONFIG_INVALID` where the file cannot be read or holds no key
 */
export async function networkIdentity(name: string, keyFile?: string): Promise<NetworkIdentity> {
  const key = keyFile === undefined ? null : await readKey(keyFile)
  if (name === '' && key === null) return { prologue: new Uint8Array(0), serviceTag: '_p2p._udp.local' }
  const hash = createHash('sha256').update(`${DOMAIN}\0${name}\0`)
  const prologue = new Uint8Array((key === null ? hash : hash.update(key)).digest())
  // Another hash: who hears the tag shall learn nothing of the prologue.
  const tag = createHash('sha256').update('mdns\0').update(prologue).digest('hex').slice(0, TAG_DIGITS)
  return { prologue, serviceTag: `_wk-${tag}._udp.local` }
}

async function readKey(path: string): Promise<Buffer> {
  const hint = 'make one with: head -c 32 /dev/urandom | od -An -v -tx1 | tr -d " \\n"'
  let text: string
  try {
    text = (await readFile(path)).subarray(0, MAX_FILE_BYTES).toString('utf8')
  } catch (cause) {
    throw new WakunetError(
      'ERR_CONFIG_INVALID',
      `trunk.networkKeyFile: cannot read ${path} (${(cause as Error).message}); ${hint}`,
      { cause },
    )
  }
  const key = KEY.exec(text)?.[1]
  if (key === undefined)
    throw new WakunetError(
      'ERR_CONFIG_INVALID',
      `trunk.networkKeyFile: ${path} holds no key of 64 hexadecimal digits; ${hint}`,
    )
  return Buffer.from(key, 'hex')
}
