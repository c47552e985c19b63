import type { ControlBpdu } from '../control/bpdu.ts'
import type { TreePortRole, TreePortState } from './port.ts'

export interface SpanningTreeInit {
  /** This node, 16 bytes. */
  readonly nodeId: Uint8Array
  /** Where the handshake's numbers start, 32 random bits: a restarted node must not meet its own old agreements. */
  readonly firstNumber: number
  /** 16 bits, as the VLAN's owner granted it. Default 32,768. */
  readonly priority?: number
  /** Default 40: what a root tells the network to use. */
  readonly maxAge?: number
  /** LAN ports. Default 15,000. */
  readonly forwardDelayMs?: number
  /** Whether the VLAN's owner granted a node this priority; 32,768 is everybody's. Default: no other. */
  readonly isGranted?: (priority: number, nodeId: Uint8Array) => boolean
  /**
   * Whether a trunk that begins to forward is a topology change. Default true. A VLAN says false: there a MAC address is
   * bound to a member, not to a trunk, so that only LANs change it.
   */
  readonly trunkTopologyChanges?: boolean
}

/** What the tree wants done, in order. */
export type TreeAction =
  | { readonly kind: 'send'; readonly port: number; readonly bpdu: ControlBpdu }
  /** Role, state, or whether the port is open, have changed. */
  | {
      readonly kind: 'port'
      readonly port: number
      readonly role: TreePortRole
      readonly state: TreePortState
    }
  /** Forget learned addresses of all ports but one. */
  | { readonly kind: 'flush'; readonly exceptPort: number }

/** Monotonic counters. */
export interface TreeStats {
  bpdusSent: number
  bpdusReceived: number
  /** Older than one that came before. */
  bpdusStale: number
  /** Over the receive rate. */
  bpdusFlooded: number
  /** Of another bridge than the trunk's peer. */
  bpdusForeign: number
  /** Root or bridge with a priority that was not granted. */
  bpdusNotGranted: number
  /** For a port that is not there, or that is switched off. */
  bpdusNoPort: number
  bpduGuarded: number
  rootGuarded: number
  topologyChanges: number
  rootChanges: number
}

export interface TreePortInfo {
  readonly id: number
  readonly role: TreePortRole
  readonly state: TreePortState
  readonly edge: boolean
  readonly cost: number
}

export function newTreeStats(): TreeStats {
  return {
    bpdusSent: 0,
    bpdusReceived: 0,
    bpdusStale: 0,
    bpdusFlooded: 0,
    bpdusForeign: 0,
    bpdusNotGranted: 0,
    bpdusNoPort: 0,
    bpduGuarded: 0,
    rootGuarded: 0,
    topologyChanges: 0,
    rootChanges: 0,
  }
}
