import type { AddressPlan } from './address-plan.ts'
import { parseIpv4, parseIpv6 } from './ip-address.ts'

/** Servers that the plan names, as bytes; what is neither an address nor a name is left out. */
export interface PlanServers {
  readonly addresses4: readonly Uint8Array[]
  readonly addresses6: readonly Uint8Array[]
  readonly names: readonly string[]
}

export function planServers(texts: AddressPlan['dns'] | AddressPlan['ntp'] = []): PlanServers {
  const addresses4: Uint8Array[] = []
  const addresses6: Uint8Array[] = []
  const names: string[] = []
  for (const text of texts) {
    const address4 = parseIpv4(text)
    const address6 = parseIpv6(text)
    if (address4 !== null) addresses4.push(address4)
    else if (address6 !== null) addresses6.push(address6)
    else names.push(text)
  }
  return { addresses4, addresses6, names }
}
