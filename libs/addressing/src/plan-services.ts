import type { AddressPlan } from './address-plan.ts'
import { parseIpv4, parseIpv6 } from './ip-address.ts'

/** Servers that the plan names, by family. */
export interface PlanServers {
  readonly addresses4: readonly Uint8Array[]
  readonly addresses6: readonly Uint8Array[]
}

/** @param texts addresses; what is none is left out */
export function planServers(texts: AddressPlan['dns'] | AddressPlan['ntp'] = []): PlanServers {
  const isAddress = (bytes: Uint8Array | null) => bytes !== null
  return {
    addresses4: texts.map(parseIpv4).filter(isAddress),
    addresses6: texts.map(parseIpv6).filter(isAddress),
  }
}
