import { WakunetError } from '@wakunet/interface'
import { type BusRole, contract, type Subject } from './contract.ts'

export const DEFAULT_NATS_PREFIX = 'wakunet'
/** Of several responders of one role only one gets a request: they are one queue group. */
export const RESPONDER_QUEUE = 'responder'

/** The subject on NATS that carries `subject` of the contract. */
export function natsSubject(prefix: string, subject: Subject): string {
  return `${prefix}.${subject}`
}

/** Under this prefix a role receives its answers, and no other role may listen there. */
export function natsInboxPrefix(role: BusRole): string {
  return `_INBOX.${role}`
}

/**
 * Whether an answer on `subject` may go to `reply`: only the inbox of a role that may ask. Otherwise a
 * requester could name any subject as its inbox and have the responder publish there.
 */
export function isReplyPermitted(subject: Subject, reply: string): boolean {
  const spec = contract[subject]
  if (spec.kind !== 'request') return false
  return spec.requesters.some((role) => reply.startsWith(`${natsInboxPrefix(role)}.`))
}

/** @throws WakunetError `ERR_CONFIG_INVALID` unless `prefix` is a plain NATS subject without wildcards */
export function checkNatsPrefix(prefix: string): string {
  if (/^[A-Za-z0-9_-]{1,32}(\.[A-Za-z0-9_-]{1,32}){0,3}$/.test(prefix)) return prefix
  throw new WakunetError(
    'ERR_CONFIG_INVALID',
    `the NATS prefix ${JSON.stringify(prefix.slice(0, 80))} must be letters, digits, - or _, in up to 4 parts ` +
      `separated by dots, for example "${DEFAULT_NATS_PREFIX}"`,
  )
}
