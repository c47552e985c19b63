import type { LabHost } from '@wakunet/netlab'
import type { ServiceProcess } from './service-process.ts'

/** What a node is configured with, whatever its shape. */
export interface HostSettings {
  /** Multiaddrs of peers to keep trunks to. */
  readonly bootstrap: readonly string[]
  /** Find peers by multicast DNS. */
  readonly mdns: boolean
  /** Section `switch` of the configuration: guards that are off, above all. */
  readonly switch?: object
  /** Section `trunk`, beside what is above and in its place. */
  readonly trunk?: object
}

/** TCP port of the trunks on every host. */
export const TRUNK_PORT = 4740

/** A lab host with a Wakunet node on it: in one process, or as separate services. */
export interface Host {
  readonly lab: LabHost
  readonly name: string
  /** Its processes in the order of starting; a node in one process has one. */
  readonly processes: readonly ServiceProcess[]
  /** Where each of its services answers HTTP, reached from this host. */
  readonly httpUrls: readonly string[]
  /** Other settings than it was made with, from the next start on. */
  configure(changes: Partial<HostSettings>): void
  /** Starts what does not run: everything, or one process by name. */
  start(process?: string): Promise<void>
  /** Ends everything, or one process, with a signal. */
  kill(signal: NodeJS.Signals, process?: string): Promise<void>
  /** Ends everything as a service manager would. */
  stop(): Promise<void>
  /** Arguments that make the command line talk to this node. */
  readonly cliTarget: readonly string[]
  logs(): string
}
