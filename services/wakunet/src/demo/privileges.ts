import { WakunetError } from '@wakunet/interface'
import type { LabPrivileges } from '@wakunet/netlab'
import { requireTapAccess, type TapAccess } from '../tap-access.ts'

/**
 * Says before anything is built which privilege is missing, and offers the user-namespace demo where the kernel
 * allows one.
 * @throws WakunetError `ERR_MISSING_PRIVILEGE`, `ERR_TUN_DEVICE_MISSING`
 */
export const checkPrivileges = (
  privileges: LabPrivileges,
  access: TapAccess,
  env: Readonly<NodeJS.ProcessEnv>,
): void => {
  if (privileges.kind === 'none') throw new WakunetError('ERR_MISSING_PRIVILEGE', privileges.reason)
  if (privileges.kind === 'root') {
    requireTapAccess(access, 'wakunet demo')
    return
  }
  const first = privileges.tun.usable ? '' : `\nThat needs one thing first: ${privileges.tun.reason}`
  throw new WakunetError(
    'ERR_MISSING_PRIVILEGE',
    'The demo builds network namespaces, and this process lacks CAP_NET_ADMIN and CAP_SYS_ADMIN: run it as root.\n' +
      `Or be root of a user namespace of your own, which this kernel allows:  ${offeredCommand(env)}${first}`,
  )
}

/** The command in the words that the user started it with. */
const offeredCommand = (env: Readonly<NodeJS.ProcessEnv>): string =>
  env.npm_lifecycle_event === 'start' ? 'npm start -- --user-namespace' : 'wakunet demo --user-namespace'
