/**
 * vlan-switch: the TAP interfaces of a host and the switching of the VLANs that it has joined. Frames from a TAP
 * leave as records over the lane to trunk-peer; records from there are checked, and their frames go to the TAP.
 */
import { VlanSwitch, type VlanSwitchComponents, type VlanSwitchInit } from './vlan-switch.ts'

export { type VlanSwitchConfig, vlanSwitchConfigSchema } from './config.ts'
export { type HostNetwork, hostNetworks, overlapOf } from './host-networks.ts'
export { exposeVlanSwitchMetrics } from './metrics.ts'
export type { OpenTap, TapRequest } from './tap-keeper.ts'
export {
  VlanSwitch,
  type VlanSwitchComponents,
  type VlanSwitchInit,
  type VlanSwitchStatus,
} from './vlan-switch.ts'

/** Factory in the shape of all services: first what is configured, then what it is wired to. */
export const vlanSwitch =
  (init: VlanSwitchInit) =>
  (components: VlanSwitchComponents): VlanSwitch =>
    new VlanSwitch(components, init)
