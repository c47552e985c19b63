import { z } from 'zod'

/** The section `lane` of a service that runs as a process of its own: how frames reach the other services. */
export const laneConfigSchema = z.strictObject({
  kind: z
    .enum(['unix', 'nats'])
    .default('unix')
    .describe(
      'unix: a socket on this host, the fast way; nats: over the bus, where services do not share a host',
    ),
  path: z
    .string()
    .min(1)
    .max(107)
    .default('/run/wakunet/lane.sock')
    .describe('the Unix socket; trunk-peer makes it, switches attach'),
})

export type LaneConfig = z.infer<typeof laneConfigSchema>
