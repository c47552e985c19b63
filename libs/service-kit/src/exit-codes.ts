import { type ErrorCode, WakunetError } from '@wakunet/interface'

/** Exit codes of every Wakunet program. */
export const EXIT = {
  ok: 0,
  /** It went wrong while running. */
  failed: 1,
  /** Something that the caller gave, or that the machine lacks, must be put right first. */
  wrongInput: 2,
} as const

/** Faults of input and environment: trying again without a change gives the same. */
const WRONG_INPUT: ReadonlySet<ErrorCode> = new Set([
  'ERR_ADDRESS_INVALID',
  'ERR_ADDRESS_OUTSIDE_SUBNET',
  'ERR_ALREADY_RUNNING',
  'ERR_CONFIG_INVALID',
  'ERR_INTERFACE_NAME_INVALID',
  'ERR_INTERFACE_NAME_TAKEN',
  'ERR_MISSING_PRIVILEGE',
  'ERR_MISSING_PROGRAM',
  'ERR_NATIVE_ADDON_MISSING',
  'ERR_PORT_TAKEN',
  'ERR_ROLE_CONFLICT',
  'ERR_SUBNET_OVERLAP',
  'ERR_TUN_DEVICE_MISSING',
  'ERR_USAGE',
  'ERR_VLAN_ALREADY_JOINED',
  'ERR_VLAN_ID_INVALID',
  'ERR_VLAN_LINK_INVALID',
  'ERR_VLAN_NAME_AMBIGUOUS',
  'ERR_VLAN_NOT_FOUND',
  'ERR_VLAN_NOT_JOINED',
  'ERR_VLAN_NOT_OWNED',
  'ERR_VLAN_RECORD_INVALID',
])

/** Exit code for an error that ends the program. */
export function exitCodeOf(error: unknown): number {
  return error instanceof WakunetError && WRONG_INPUT.has(error.code) ? EXIT.wrongInput : EXIT.failed
}

/** What a person sees of such an error: the message alone when it is meant for people, else everything. */
export function errorText(error: unknown): string {
  if (error instanceof WakunetError && error.code !== 'ERR_INTERNAL')
    return `${error.message} [${error.code}]`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
