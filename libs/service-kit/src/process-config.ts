import { z } from 'zod'
import { LOG_FORMATS, LOG_LEVELS } from './logger.ts'

/** Sections that every service has when it runs as a process of its own. */

export const httpConfigSchema = z.strictObject({
  host: z.string().min(1).max(253).default('127.0.0.1').describe('address of /healthz, /readyz and /metrics'),
  port: z.number().int().min(0).max(65_535).default(9474).describe('their port; 0 takes any'),
})

export const logConfigSchema = z.strictObject({
  level: z.enum(LOG_LEVELS).default('info').describe('least level that is written'),
  format: z.enum(LOG_FORMATS).default('json').describe('json for machines, pretty for people'),
})

export type HttpConfig = z.infer<typeof httpConfigSchema>
export type LogConfig = z.infer<typeof logConfigSchema>
