import { multiaddr } from '@multiformats/multiaddr'
import {
  CIPHER_SETTINGS,
  DEFAULT_HEARTBEAT_MS,
  DEFAULT_QUEUE_BYTES,
  DEFAULT_QUICK_HEARTBEAT_MS,
  MAX_HEARTBEAT_MS,
  MAX_QUICK_HEARTBEAT_MS,
  MIN_HEARTBEAT_MS,
  MIN_QUICK_HEARTBEAT_MS,
} from '@wakunet/trunk'
import { z } from 'zod'

const multiaddrSchema = z.string().max(256).refine(isMultiaddr, {
  message: 'must be a multiaddr such as /ip4/192.0.2.7/tcp/4740 or /dns/host.example/tcp/4740/p2p/12D3KooW…',
})

function isMultiaddr(text: string): boolean {
  try {
    multiaddr(text)
    return true
  } catch {
    return false
  }
}

/** Address families of UDP listen addresses must differ, and their port is one: a peer is told one. */
const UDP_MULTIADDR = /^\/(ip4|ip6)\/[0-9a-fA-F.:]+\/udp\/(\d{1,5})$/

const datagramListenSchema = z
  .array(
    multiaddrSchema.refine((text) => UDP_MULTIADDR.test(text), {
      message: 'must be /ip4/ADDRESS/udp/PORT or /ip6/ADDRESS/udp/PORT',
    }),
  )
  .max(2)
  .refine((list) => new Set(list.map((text) => UDP_MULTIADDR.exec(text)?.[1])).size === list.length, {
    message: 'may have one IPv4 and one IPv6 address',
  })
  .refine((list) => new Set(list.map((text) => UDP_MULTIADDR.exec(text)?.[2])).size <= 1, {
    message: 'must have the same port for IPv4 and IPv6',
  })

const datagramSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('carry records by UDP where that works'),
  listen: datagramListenSchema
    .default([])
    .describe('UDP addresses; none: those of trunk.listen, or another port where that is taken'),
  cipher: z
    .enum(CIPHER_SETTINGS)
    .default('auto')
    .describe(
      'cipher of datagrams; auto: the fastest of both hosts. One that a peer does not have leaves the stream',
    ),
})
export type DatagramConfig = z.infer<typeof datagramSchema>

/** Configuration of trunk-peer; every key has a default that suits a host on a desktop. */
export const trunkPeerConfigSchema = z.strictObject({
  listen: z
    .array(multiaddrSchema)
    .max(16)
    .default(['/ip4/0.0.0.0/tcp/4740', '/ip6/::/tcp/4740'])
    .describe('addresses to listen on'),
  announce: z
    .array(multiaddrSchema)
    .max(16)
    .default([])
    .describe('addresses told to peers instead of those of the interfaces'),
  bootstrap: z
    .array(multiaddrSchema)
    .max(256)
    .default([])
    .describe('peers to keep a trunk to, with or without /p2p/<peer id>'),
  network: z
    .string()
    .regex(/^([a-z0-9][a-z0-9-]{0,62})?$/, { message: 'must be letters a-z, digits and hyphens, at most 63' })
    .default('')
    .describe('name of the network; nodes of another name are strangers that no connection is possible with'),
  networkKeyFile: z
    .string()
    .min(1)
    .max(4_096)
    .optional()
    .describe('file of a key, 64 hexadecimal digits, that all nodes of a private network share'),
  mdns: z.boolean().default(true).describe('find peers on the local network by multicast DNS'),
  mdnsIntervalMs: z
    .number()
    .int()
    .min(1_000)
    .max(600_000)
    .default(10_000)
    .describe('how often to ask the local network'),
  dht: z
    .enum(['auto', 'server', 'client', 'off'])
    .default('auto')
    .describe(
      'distributed hash table, where members of a VLAN and its record are found; auto: serve others where they can reach this node',
    ),
  heartbeatsPerMinute: z
    .number()
    .int()
    .min(0)
    .max(600)
    .default(12)
    .describe('known peers without a trunk that are asked in a minute whether they are there still; 0: none'),
  roles: z
    .array(z.enum(['gateway', 'chain']))
    .max(2)
    .refine((roles) => !(roles.includes('gateway') && roles.includes('chain')), {
      message: 'a node is a gateway or a blockchain node, never both: remove one',
    })
    .default([])
    .describe('what this node is beside a regular one'),
  connectionLimit: z.number().int().min(1).max(4096).default(64).describe('trunks at the most'),
  relay: z
    .enum(['auto', 'on', 'off'])
    .default('auto')
    .describe(
      'relay trunks between members of a VLAN that cannot reach each other; auto: between peers of private networks only',
    ),
  upnp: z
    .boolean()
    .default(false)
    .describe('ask the router of the local network to forward the ports of trunk.listen (UPnP, NAT-PMP)'),
  heartbeatMs: z
    .number()
    .int()
    .min(MIN_HEARTBEAT_MS)
    .max(MAX_HEARTBEAT_MS)
    .default(DEFAULT_HEARTBEAT_MS)
    .describe('interval of heartbeats; a peer silent for 3.5 of them is gone'),
  quickHeartbeatMs: z
    .number()
    .int()
    .max(MAX_QUICK_HEARTBEAT_MS)
    .refine((ms) => ms === 0 || ms >= MIN_QUICK_HEARTBEAT_MS, {
      message: `must be 0 (off) or at least ${MIN_QUICK_HEARTBEAT_MS}`,
    })
    .default(DEFAULT_QUICK_HEARTBEAT_MS)
    .describe(
      'a trunk that carries frames or a spanning tree is probed after this silence, and gone after three of them; 0: heartbeats alone',
    ),
  queueBytes: z
    .number()
    .int()
    .min(256 * 1024)
    .max(64 * 1024 * 1024)
    .default(DEFAULT_QUEUE_BYTES)
    .describe('bytes of records that wait for a trunk; the oldest are dropped beyond it'),
  datagram: datagramSchema.prefault({}),
})

export type TrunkPeerConfig = z.infer<typeof trunkPeerConfigSchema>
