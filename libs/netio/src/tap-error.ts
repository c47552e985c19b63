import { WakunetError } from '@wakunet/interface'
import { runIp } from './ip-command.ts'
import { systemCode } from './system-error.ts'

/** Why a TAP did not open, in words that say what to do. */
export async function tapOpenError(name: string, cause: unknown): Promise<unknown> {
  const code = systemCode(cause)
  const syscall = cause instanceof Error && 'syscall' in cause ? cause.syscall : undefined
  if (syscall === 'open') return deviceError(code, cause)
  if (syscall !== 'TUNSETIFF') return cause
  if (code === 'EPERM') return privilegeError(name, cause)
  const taken = await describeOccupant(name)
  if (taken === undefined && code !== 'EBUSY') {
    return new WakunetError('ERR_SYSTEM_CALL', `The TAP ${name} cannot be created: ${code}.`, { cause })
  }
  return new WakunetError(
    'ERR_INTERFACE_NAME_TAKEN',
    `The interface name ${name} is taken: ${taken ?? 'another program has the TAP open'}. ` +
      'Choose another name, or remove that interface.',
    { cause },
  )
}

function deviceError(code: string | undefined, cause: unknown): WakunetError {
  if (code === 'EACCES' || code === 'EPERM') {
    return new WakunetError(
      'ERR_MISSING_PRIVILEGE',
      '/dev/net/tun may not be opened by this user. Run as root, or give access to the device; in a container ' +
        "allow it with 'devices: [/dev/net/tun]'.",
      { cause },
    )
  }
  return new WakunetError(
    'ERR_TUN_DEVICE_MISSING',
    `/dev/net/tun cannot be opened (${code}): the kernel's tun driver is missing. Load it with 'modprobe tun'; in a ` +
      "container pass the device with 'devices: [/dev/net/tun]'.",
    { cause },
  )
}

function privilegeError(name: string, cause: unknown): WakunetError {
  return new WakunetError(
    'ERR_MISSING_PRIVILEGE',
    `Creating the interface ${name} needs the capability CAP_NET_ADMIN. Run as root, or grant it ` +
      "('setcap cap_net_admin+ep' on the program, 'cap_add: [NET_ADMIN]' for a container).",
    { cause },
  )
}

/** What already has the name, or undefined when nothing has, as far as `ip` can tell. */
async function describeOccupant(name: string): Promise<string | undefined> {
  try {
    const links = JSON.parse(await runIp(['-json', '-details', 'link', 'show', 'dev', name])) as IpLink[]
    const info = links[0]?.linkinfo
    if (info?.info_kind !== 'tun') return `it is an interface of kind '${info?.info_kind ?? 'device'}'`
    if (info.info_data?.type !== 'tap') return 'it is a TUN interface, not a TAP'
    if (info.info_data.multi_queue) return 'it is a TAP with several queues, which cannot be shared'
    return 'another program has the TAP open'
  } catch {
    return undefined
  }
}

interface IpLink {
  readonly linkinfo?: {
    readonly info_kind?: string
    readonly info_data?: { readonly type?: string; readonly multi_queue?: boolean }
  }
}
