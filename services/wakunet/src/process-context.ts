import type { CommandLineContext } from './command-line.ts'
import { processInterruption } from './interruption.ts'

/** The real process as commands see it. */
export const processContext = (host: NodeJS.Process): CommandLineContext => ({
  terminal: { stdout: host.stdout, stderr: host.stderr, stdin: host.stdin, env: host.env },
  // This program, from its sources or from a bundle, for what it starts of itself.
  self: [host.execPath, ...host.argv.slice(1, 2)],
  openClient: async (options) => (await import('./open-client.ts')).openClient(options, host.env),
  interruption: processInterruption,
})
