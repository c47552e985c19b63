import { busConfigSchema } from '@wakunet/bus'
import { laneConfigSchema } from '@wakunet/lane'
import { httpConfigSchema, logConfigSchema } from '@wakunet/service-kit'
import { z } from 'zod'
import { trunkPeerConfigSchema } from './config.ts'

/** Configuration of trunk-peer as a process of its own. */
export const processConfigSchema = z.strictObject({
  stateDir: z
    .string()
    .min(1)
    .max(4_096)
    .default('/var/lib/wakunet/trunk-peer')
    .describe("directory of the node's key and its VLANs; nobody else may use it"),
  trunk: trunkPeerConfigSchema.prefault({}),
  bus: busConfigSchema.prefault({}),
  lane: laneConfigSchema.prefault({}),
  http: httpConfigSchema.prefault({}),
  log: logConfigSchema.prefault({}),
})

export type ProcessConfig = z.infer<typeof processConfigSchema>
