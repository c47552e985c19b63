import { z } from 'zod'
import type { NatsCredentials } from './nats-link.ts'

/** The section `bus` of a service that runs as a process of its own: how it reaches NATS. */
export const busConfigSchema = z.strictObject({
  servers: z
    .array(z.string().regex(/^(nats|tls|wss?):\/\/\S+$/, 'must be a URL such as nats://127.0.0.1:4222'))
    .min(1)
    .max(16)
    .default(['nats://127.0.0.1:4222'])
    .describe('NATS servers of this host'),
  user: z.string().max(128).optional().describe('NATS user of this service'),
  password: z.string().max(256).optional().describe('password of that user'),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')
    .default('wakunet')
    .describe('first token of every subject; one per node'),
})

export type BusConfig = z.infer<typeof busConfigSchema>

/** How to reach NATS, as `NatsBus` and the NATS lane take it. */
interface NatsConnection {
  readonly servers: readonly string[]
  readonly prefix: string
  readonly credentials?: NatsCredentials
}

/** The connection that the section describes; without `user` it is anonymous. */
export function natsConnection({ servers, prefix, user, password = '' }: BusConfig): NatsConnection {
  return { servers, prefix, ...(user === undefined ? {} : { credentials: { user, password } }) }
}
