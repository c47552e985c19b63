import { fileURLToPath } from 'node:url'
import type { CommandLineContext } from './command-line.ts'
import { processInterruption } from './interruption.ts'

/** The real process as commands see it. */
export const processContext = (host: NodeJS.Process): CommandLineContext => ({
  terminal: { stdout: host.stdout, stderr: host.stderr, stdin: host.stdin, env: host.env },
  self: [host.execPath, fileURLToPath(new URL('main.ts', import.meta.url))],
  openClient: async (options) => (await import('./open-client.ts')).openClient(options, host.env),
  interruption: processInterruption,
})
