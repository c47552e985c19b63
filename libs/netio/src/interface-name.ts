import { WakunetError } from '@wakunet/interface'

/** IFNAMSIZ of Linux counts the final zero: 15 characters are left. */
export const MAX_INTERFACE_NAME_LENGTH = 15

/**
 * Letters, digits, `_`, `-` and `.`; narrower than the kernel on purpose: a name also goes through `ip`,
 * `sysctl` paths and people's scripts, and `%` would be a pattern to the kernel.
 * @throws WakunetError `ERR_INTERFACE_NAME_INVALID`
 */
export function checkInterfaceName(name: string): void {
  if (/^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,14}$/.test(name) && name !== '.' && name !== '..') return
  throw new WakunetError(
    'ERR_INTERFACE_NAME_INVALID',
    `${JSON.stringify(name)} cannot name a network interface: use 1 to ${MAX_INTERFACE_NAME_LENGTH} letters, digits, ` +
      "'_', '-' or '.', not beginning with '-'.",
  )
}
