/** True for an address over a relay. */
export function isRelayed(address: string): boolean {
  return address.includes('/p2p-circuit')
}
