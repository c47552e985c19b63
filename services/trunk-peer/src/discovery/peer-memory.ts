import type { Clock, Logger, Timer, VlanId } from '@wakunet/interface'
import { WakunetError } from '@wakunet/interface'
import {
  type HeardPeer,
  type KnownPeer,
  MAX_ADDRESS_CHARACTERS,
  MAX_ADDRESSES,
  MAX_VLANS,
  PEER_SOURCES,
  PEER_STORE_LIMITS,
  PeerStore,
} from '@wakunet/peers'
import { readStateFile, type StateFormat, writeStateFile } from '@wakunet/service-kit'
import { z } from 'zod'

/** What is lost when the host loses power: nothing that is not found again. */
const SAVE_EVERY_MS = 60_000

const wallMs = z.number().int().nonnegative()
const peerSchema = z.strictObject({
  peerId: z.string().min(1).max(128),
  source: z.enum(PEER_SOURCES),
  addresses: z.array(z.string().max(MAX_ADDRESS_CHARACTERS)).max(MAX_ADDRESSES),
  sequence: z.number().int().min(-1),
  vlans: z.array(z.string().regex(/^[0-9a-f]{32}$/)).max(MAX_VLANS),
  firstHeardMs: wallMs,
  answeredMs: wallMs.nullable(),
  triedMs: wallMs.nullable(),
  failures: z.number().int().nonnegative().max(64),
  rttMs: z.number().nonnegative().nullable(),
  uptimeMs: z.number().nonnegative(),
})
type StoredPeer = z.infer<typeof peerSchema>

const PEERS_STATE: StateFormat<{ peers: readonly StoredPeer[] }> = {
  name: 'trunk-peer.peers',
  version: 1,
  schema: z.strictObject({ peers: z.array(peerSchema).max(PEER_STORE_LIMITS.peers) }),
}

export interface PeerMemoryInit {
  /** State file; null keeps what is known in memory alone. */
  readonly path: string | null
  readonly clock: Clock
  readonly logger: Logger
}

/** The peers that this node knows, over restarts. */
export class PeerMemory {
  readonly store = new PeerStore()
  readonly #init: PeerMemoryInit
  #timer: Timer | null = null
  #saved = ''
  /** Files that could not be written. */
  saveFailures = 0

  constructor(init: PeerMemoryInit) {
    this.#init = init
  }

  /** Reads the file. One that is damaged has been set aside: what is in it is found again, so the node starts all the same. */
  async load(): Promise<void> {
    const { path, clock, logger } = this.#init
    if (path === null) return
    try {
      const state = await readStateFile(path, PEERS_STATE, { clock })
      this.store.restore((state?.peers ?? []).map(toKnown), clock.wallMs())
    } catch (error) {
      if (!(error instanceof WakunetError) || error.code !== 'ERR_STATE_DAMAGED') throw error
      logger.warn('the known peers are lost; others will be found', { error })
    }
  }

  start(): void {
    this.#timer ??= this.#init.clock.setInterval(() => void this.save(), SAVE_EVERY_MS)
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = null
    await this.save()
  }

  learn(heard: HeardPeer): KnownPeer | null {
    return this.store.learn(heard, this.#init.clock.wallMs())
  }

  answered(peerId: string, answer: { address?: string; rttMs?: number } = {}): void {
    this.store.answered(peerId, this.#init.clock.wallMs(), answer)
  }

  failed(peerId: string): void {
    this.store.failed(peerId, this.#init.clock.wallMs())
  }

  /** Peers worth dialling now, best first. */
  candidates(wanted: (peer: KnownPeer) => boolean, count: number): KnownPeer[] {
    return this.store.candidates(this.#init.clock.wallMs(), wanted, count)
  }

  /** A failure is told, and the next save tries again. */
  async save(): Promise<void> {
    const { path, logger } = this.#init
    if (path === null) return
    const peers = [...this.store.all()].filter(({ pinned }) => !pinned).map(toStored)
    const text = JSON.stringify(peers)
    if (text === this.#saved) return
    try {
      await writeStateFile(path, PEERS_STATE, { peers: peers.slice(0, PEER_STORE_LIMITS.peers) })
      this.#saved = text
    } catch (error) {
      this.saveFailures++
      logger.warn('the known peers were not saved', { error })
    }
  }
}

/** Without what the peer has signed: it says so again when it is met. */
function toStored({ pinned: _, signed: __, vlans, addresses, ...peer }: KnownPeer): StoredPeer {
  return { ...peer, addresses: [...addresses], vlans: [...vlans] }
}

function toKnown({ vlans, ...peer }: StoredPeer): KnownPeer {
  return { ...peer, pinned: false, signed: null, sequence: -1, vlans: vlans as VlanId[] }
}
