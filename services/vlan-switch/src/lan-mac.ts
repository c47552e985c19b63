/** The local bit of a group of addresses that differ in their first byte alone: 02 is the member itself. */
const BRIDGE_PORT = 'fe'
const LAN_HELLO = '06'

/**
 * MAC address of a TAP that is the port of a bridge. A Linux bridge takes the lowest address of its ports for its own, and a
 * host's connections break when it changes: this one is never the lowest.
 */
export function bridgePortMac(memberMac: string): string {
  return BRIDGE_PORT + memberMac.slice(2)
}

/** Source of what the switch says on a LAN: an address of its own, which no interface has. */
export function lanHelloMac(memberMac: string): string {
  return LAN_HELLO + memberMac.slice(2)
}
