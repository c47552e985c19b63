/**
 * Every error code, with what it means and what to do. Stable: people and programs match on them.
 * `docs/errors.md` lists the same codes; a test keeps both equal.
 */
export const ERROR_CODES = [
  'ERR_ADDRESS_INVALID',
  'ERR_ADDRESS_OUTSIDE_SUBNET',
  'ERR_ALREADY_RUNNING',
  'ERR_BRIDGE_MISSING',
  'ERR_BUS_DISCONNECTED',
  'ERR_BUS_INVALID_PAYLOAD',
  'ERR_BUS_NO_RESPONDER',
  'ERR_BUS_NOT_PERMITTED',
  'ERR_BUS_OVERLOADED',
  'ERR_BUS_TIMEOUT',
  'ERR_COMMAND_FAILED',
  'ERR_CONFIG_INVALID',
  'ERR_DECODE',
  'ERR_DIRECTORY_FULL',
  'ERR_INTERFACE_NAME_INVALID',
  'ERR_INTERFACE_NAME_TAKEN',
  'ERR_INTERNAL',
  'ERR_LANE_MESSAGE_TOO_LARGE',
  'ERR_MISSING_PRIVILEGE',
  'ERR_MISSING_PROGRAM',
  'ERR_NATIVE_ADDON_MISSING',
  'ERR_NOT_RUNNING',
  'ERR_NOT_STARTED',
  'ERR_PORT_TAKEN',
  'ERR_ROLE_CONFLICT',
  'ERR_STATE_DAMAGED',
  'ERR_SUBNET_OVERLAP',
  'ERR_SYSTEM_CALL',
  'ERR_TRUNK_HANDSHAKE',
  'ERR_TUN_DEVICE_MISSING',
  'ERR_USAGE',
  'ERR_VLAN_ALREADY_JOINED',
  'ERR_VLAN_ID_INVALID',
  'ERR_VLAN_LIMIT',
  'ERR_VLAN_LINK_INVALID',
  'ERR_VLAN_NAME_AMBIGUOUS',
  'ERR_VLAN_NOT_FOUND',
  'ERR_VLAN_NOT_JOINED',
  'ERR_VLAN_NOT_OWNED',
  'ERR_VLAN_RECORD_INVALID',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/**
 * The one error class. `message` is for people: what was wrong, where, and what to do. Code branches on
 * `code`, never on the message.
 */
export class WakunetError extends Error {
  override readonly name = 'WakunetError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
