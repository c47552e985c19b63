import type { System } from '../system.ts'
import { veth, vxlan } from './kernel.ts'
import { n2n } from './n2n.ts'
import { openvpn } from './openvpn.ts'
import { tinc } from './tinc.ts'
import { embeddedWakunet, separateWakunet } from './wakunet.ts'
import { wireguardGo } from './wireguard-go.ts'

/** Every system, in the order of the table. */
export const SYSTEMS: readonly System[] = [
  veth,
  vxlan,
  tinc,
  openvpn,
  n2n,
  wireguardGo,
  embeddedWakunet({ name: 'wakunet' }),
  separateWakunet({ name: 'wakunet-services' }),
]
