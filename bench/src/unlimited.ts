import type { System } from './system.ts'
import { embeddedWakunet, separateWakunet } from './systems/wakunet.ts'

/** Storm control lets a few hundred frames to everybody through in a second, and would be all that is measured. */
const NO_STORM_CONTROL = { guards: { storm: false } }

/** The same system, with nothing of ours that limits what it may send to everybody. */
export function withoutStormControl(system: System): System {
  return withSwitchConfig(system, system.name, NO_STORM_CONTROL)
}

/** The same without multicast tables: every group is everybody's. */
export function withoutSnooping(system: System, name: string): System {
  return withSwitchConfig(system, name, { ...NO_STORM_CONTROL, multicastSnooping: false })
}

function withSwitchConfig(system: System, name: string, switchConfig: object): System {
  if (system.name === 'wakunet') return embeddedWakunet({ name, switchConfig })
  if (system.name === 'wakunet-services') return separateWakunet({ name, switchConfig })
  return system
}
