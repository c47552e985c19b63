import { busConfigSchema } from '@wakunet/bus'
import { laneConfigSchema } from '@wakunet/lane'
import { httpConfigSchema, logConfigSchema } from '@wakunet/service-kit'
import { z } from 'zod'
import { vlanSwitchConfigSchema } from './config.ts'

/** Configuration of vlan-switch as a process of its own. */
export const processConfigSchema = z.strictObject({
  stateDir: z
    .string()
    .min(1)
    .max(4_096)
    .default('/var/lib/wakunet/vlan-switch')
    .describe('directory of the list of joined VLANs; nobody else may use it'),
  switch: vlanSwitchConfigSchema.prefault({}),
  bus: busConfigSchema.prefault({}),
  lane: laneConfigSchema.prefault({}),
  // Another default than trunk-peer's, which runs on the same host.
  http: httpConfigSchema.extend({ port: httpConfigSchema.shape.port.unwrap().default(9475) }).prefault({}),
  log: logConfigSchema.prefault({}),
})

export type ProcessConfig = z.infer<typeof processConfigSchema>
