import { closeSync, openSync, readFileSync } from 'node:fs'
import { WakunetError } from '@wakunet/interface'
import { Lab } from '@wakunet/netlab'

const TUN_DEVICE = '/dev/net/tun'
/** capabilities(7) */
const CAP_NET_ADMIN = 12n

/** What this process may do about network interfaces. */
export interface TapAccess {
  readonly netAdmin: boolean
  /** errno name of opening /dev/net/tun, null where it opens. */
  readonly deviceFault: string | null
}

export const readTapAccess = (): TapAccess => ({ netAdmin: hasNetAdmin(), deviceFault: openFault() })

/**
 * Says before anything is started why TAP interfaces cannot be made.
 * @throws WakunetError `ERR_TUN_DEVICE_MISSING`, `ERR_MISSING_PRIVILEGE`
 */
export const requireTapAccess = (access: TapAccess, command: string): void => {
  if (!access.netAdmin) throw new WakunetError('ERR_MISSING_PRIVILEGE', privilegeText(command))
  if (access.deviceFault !== null) throw new WakunetError(...deviceText(access.deviceFault))
}

const privilegeText = (command: string): string => {
  const { kind, tun } = Lab.privileges()
  const demo =
    kind === 'user-namespace' && tun.usable
      ? '\nTo see it work without root, in a user namespace of your own:  wakunet demo --user-namespace'
      : ''
  return (
    `${command} makes network interfaces, which needs the privilege CAP_NET_ADMIN, and this process lacks it: ` +
    `run it as root (sudo ${command}), or in a container with "cap_add: [NET_ADMIN]"${demo}`
  )
}

const deviceText = (fault: string): ['ERR_TUN_DEVICE_MISSING' | 'ERR_MISSING_PRIVILEGE', string] =>
  fault === 'EACCES' || fault === 'EPERM'
    ? [
        'ERR_MISSING_PRIVILEGE',
        `${TUN_DEVICE} may not be opened by this process (${fault}): in a container pass it with "devices: [${TUN_DEVICE}]"`,
      ]
    : [
        'ERR_TUN_DEVICE_MISSING',
        `${TUN_DEVICE} cannot be opened (${fault}): load the driver with "modprobe tun"; in a container pass the device with "devices: [${TUN_DEVICE}]"`,
      ]

const hasNetAdmin = (): boolean => {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0'
  return ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) === 1n
}

const openFault = (): string | null => {
  try {
    closeSync(openSync(TUN_DEVICE, 'r+'))
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  }
}
