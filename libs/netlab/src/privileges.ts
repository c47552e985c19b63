import { spawnSync } from 'node:child_process'
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs'
import { findProgram } from './command.ts'

export type PrivilegeKind = 'root' | 'user-namespace' | 'none'

/** What this process may do, and why, in words for people. */
export interface LabPrivileges {
  /**
   * `root`: labs work here, also where "here" is a user namespace already. `user-namespace`: they work in a
   * command run with `Lab.userNamespaceCommand`. `none`: they do not.
   */
  readonly kind: PrivilegeKind
  readonly reason: string
  /** Whether TAP interfaces can be made in a lab of that kind. */
  readonly tun: { readonly usable: boolean; readonly reason: string }
}

/** What was found out about the machine. */
export interface PrivilegeProbes {
  /** Effective capabilities (capabilities(7)). */
  readonly capabilities: bigint
  readonly runWritable: boolean
  /** Null where `unshare` made a user, network and mount namespace; else why not. */
  readonly userNamespaceFault: string | null
  /** errno of opening /dev/net/tun, null where it opened. */
  readonly tunFault: string | null
}

const CAP_NET_ADMIN = 12n
const CAP_SYS_ADMIN = 21n
const TUN_DEVICE = '/dev/net/tun'

/**
 * Command that runs `argv` as the root of a user namespace of its own, with its own network and mounts; /run is
 * private and empty, so that `ip netns` can keep its names there. The script is fixed, `argv` are its arguments.
 */
export function userNamespaceCommand(argv: readonly string[]): string[] {
  const script =
    'mount -t tmpfs -o mode=755 wakunet-lab /run && mkdir -p /run/netns && ip link set lo up && exec "$@"'
  return [
    ...['unshare', '--user', '--map-root-user', '--net', '--mount', '--'],
    ...['sh', '-c', script, 'wakunet-lab', ...argv],
  ]
}

export function readPrivileges(): LabPrivileges {
  const capabilities = effectiveCapabilities()
  const runWritable = isWritable('/run')
  const enough = hasCapabilities(capabilities) && runWritable
  return judgePrivileges({
    capabilities,
    runWritable,
    userNamespaceFault: enough ? null : tryUserNamespace(),
    tunFault: openFault(TUN_DEVICE),
  })
}

export function judgePrivileges(probes: PrivilegeProbes): LabPrivileges {
  const tun = judgeTun(probes.tunFault)
  if (hasCapabilities(probes.capabilities) && probes.runWritable) {
    return { kind: 'root', reason: 'This process has CAP_NET_ADMIN and CAP_SYS_ADMIN.', tun }
  }
  const missing = hasCapabilities(probes.capabilities)
    ? '/run is not writable, and ip netns keeps its names there'
    : 'this process lacks CAP_NET_ADMIN and CAP_SYS_ADMIN'
  if (probes.userNamespaceFault === null) {
    return {
      kind: 'user-namespace',
      reason: `Not as root, because ${missing}; but the kernel lets this user make user namespaces.`,
      tun,
    }
  }
  return {
    kind: 'none',
    reason:
      `Not as root, because ${missing}; not in a user namespace either: ${probes.userNamespaceFault}. ` +
      'Run it as root, or allow user namespaces: sysctl user.max_user_namespaces above 0, ' +
      'kernel.unprivileged_userns_clone=1 (Debian), kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu).',
    tun,
  }
}

function judgeTun(fault: string | null): LabPrivileges['tun'] {
  if (fault === null) return { usable: true, reason: `${TUN_DEVICE} opens.` }
  if (fault === 'ENOENT' || fault === 'ENODEV' || fault === 'ENXIO') {
    return {
      usable: false,
      reason: `${TUN_DEVICE} is missing: modprobe tun, or mkdir -p /dev/net && mknod /dev/net/tun c 10 200; in a container add the device.`,
    }
  }
  return {
    usable: false,
    reason: `${TUN_DEVICE} may not be opened (${fault}): chmod 0666 ${TUN_DEVICE} as root.`,
  }
}

function hasCapabilities(capabilities: bigint): boolean {
  const needed = (1n << CAP_NET_ADMIN) | (1n << CAP_SYS_ADMIN)
  return (capabilities & needed) === needed
}

function effectiveCapabilities(): bigint {
  const match = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))
  return BigInt(`0x${match?.[1] ?? '0'}`)
}

function tryUserNamespace(): string | null {
  const unshare = findProgram('unshare')
  if (unshare === null) return 'the program "unshare" is missing (Debian package util-linux)'
  const [, ...args] = userNamespaceCommand(['true'])
  const result = spawnSync(unshare, args, { timeout: 5_000, encoding: 'utf8' })
  if (result.status === 0) return null
  return result.stderr?.trim() || result.error?.message || `unshare ended with code ${result.status}`
}

function openFault(file: string): string | null {
  try {
    closeSync(openSync(file, constants.O_RDWR))
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  }
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false
  }
}
