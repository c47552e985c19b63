import { AeadContext } from '@wakunet/netio'
import { findProgram } from '@wakunet/netlab'
import type { TapAccess } from '../tap-access.ts'
import { type CheckResult, fail, ok } from './check.ts'

const MIN_NODE_MAJOR = 24

export const checkNodeVersion = (version: string): CheckResult =>
  Number.parseInt(version, 10) >= MIN_NODE_MAJOR
    ? ok('node', `Node ${version}`)
    : fail(
        'node',
        `Node ${version}`,
        `Wakunet needs Node ${MIN_NODE_MAJOR} or later: start it with "npm run wakunet" or bin/wakunet, which bring their own`,
      )

export const checkTunDevice = ({ deviceFault }: TapAccess): CheckResult =>
  deviceFault === null
    ? ok('tun', '/dev/net/tun opens')
    : fail(
        'tun',
        `/dev/net/tun cannot be opened (${deviceFault})`,
        'load the driver with "modprobe tun"; in a container pass the device with "devices: [/dev/net/tun]"; run as root',
      )

export const checkPrivileges = ({ netAdmin }: TapAccess): CheckResult =>
  netAdmin
    ? ok('privileges', 'CAP_NET_ADMIN is there')
    : fail(
        'privileges',
        'CAP_NET_ADMIN is missing: network interfaces cannot be made',
        'run it as root (sudo), or in a container with "cap_add: [NET_ADMIN]"; without root try "wakunet demo --user-namespace"',
      )

const PACKAGES = { ip: 'iproute2', flock: 'util-linux' } as const

export const checkProgram = (
  program: keyof typeof PACKAGES,
  find: (name: string) => string | null = findProgram,
): CheckResult => {
  const path = find(program)
  return path === null
    ? fail(program, `the program "${program}" is missing`, `apt-get install ${PACKAGES[program]}`)
    : ok(program, path)
}

/** Loads the addon by using it. */
export const checkNativeAddon = (
  use: () => unknown = () => new AeadContext('aes-256-gcm', new Uint8Array(32)),
): CheckResult => {
  try {
    use()
    return ok('native-addon', 'libs/netio loads')
  } catch (error) {
    return fail(
      'native-addon',
      `libs/netio does not load: ${error instanceof Error ? error.message : String(error)}`,
      'build it with "npm start" or "npm test", which do it first',
    )
  }
}
