import { describe } from 'node:test'
import type { LabHost } from '@wakunet/netlab'
import { EmbeddedHost } from './embedded-host.ts'
import type { Host, HostSettings } from './host.ts'
import { ServicesHost } from './services-host.ts'
import { TappedHost } from './tapped-host.ts'

/** How the services of a node are spread over processes. */
export interface Shape {
  readonly name: string
  /** A node without a process yet. */
  createHost(lab: LabHost, settings: HostSettings): Host
}

/** `wakunet up`: everything in one process. */
export const EMBEDDED: Shape = {
  name: 'one process a host',
  createHost: (lab, settings) => new EmbeddedHost(lab, settings),
}

/** trunk-peer and vlan-switch apart, with NATS for control and a Unix socket for frames. */
export const SERVICES: Shape = {
  name: 'separate services, Unix lane',
  createHost: (lab, settings) => new ServicesHost(lab, settings, 'unix'),
}

/** The same with frames over NATS too. */
export const SERVICES_NATS_LANE: Shape = {
  name: 'separate services, NATS lane',
  createHost: (lab, settings) => new ServicesHost(lab, settings, 'nats'),
}

/** One process a host, but on the host named: services there, and somebody on the lane between them (`LaneTap`). */
export const tappedOn = (name: string): Shape => ({
  name: `one process a host, a tapped lane on ${name}`,
  createHost: (lab, settings) =>
    lab.name === name ? new TappedHost(lab, settings) : new EmbeddedHost(lab, settings),
})

/** Runs a suite once for each shape: what holds for one must hold for the other. */
export function forEachShape(
  title: string,
  define: (shape: Shape) => void,
  shapes: readonly Shape[] = [EMBEDDED, SERVICES],
): void {
  for (const shape of shapes) describe(`${title} (${shape.name})`, () => define(shape))
}
