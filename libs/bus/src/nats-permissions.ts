import { WakunetError } from '@wakunet/interface'
import { type BusRole, contract, type Subject } from './contract.ts'
import { MAX_BUS_MESSAGE_BYTES } from './limits.ts'
import {
  checkNatsPrefix,
  DEFAULT_NATS_PREFIX,
  natsInboxPrefix,
  natsSubject,
  RESPONDER_QUEUE,
} from './nats-subjects.ts'

/** What a credential may do on a NATS server, in the server's own terms. */
export interface NatsPermissions {
  readonly publish: { readonly allow: readonly string[] }
  /** `subject queue` permits that subject in that queue group alone. */
  readonly subscribe: { readonly allow: readonly string[] }
  /** One answer to each request that was received, wherever its inbox is. */
  readonly allowResponses: boolean
}

export interface NatsUser {
  readonly user: string
  /** Plain, or a bcrypt hash, which the server recognises by itself. */
  readonly password: string
  readonly permissions: NatsPermissions
}

/** What the contract lets `role` do, and nothing more. */
export function natsPermissions(role: BusRole, prefix: string = DEFAULT_NATS_PREFIX): NatsPermissions {
  checkNatsPrefix(prefix)
  const publish: string[] = []
  const subscribe = [`${natsInboxPrefix(role)}.>`]
  let allowResponses = false
  for (const [name, spec] of Object.entries(contract)) {
    const subject = natsSubject(prefix, name as Subject)
    if (spec.kind === 'request') {
      if (spec.requesters.some((requester) => requester === role)) publish.push(subject)
      if (spec.responder !== role) continue
      subscribe.push(`${subject} ${RESPONDER_QUEUE}`)
      allowResponses = true
    } else {
      if (spec.publishers.some((publisher) => publisher === role)) publish.push(subject)
      if (spec.subscribers.some((subscriber) => subscriber === role)) subscribe.push(subject)
    }
  }
  return { publish: { allow: publish }, subscribe: { allow: subscribe }, allowResponses }
}

/** One credential that may do what each of `all` may: a service that uses the bus and the NATS lane. */
export function mergeNatsPermissions(...all: readonly NatsPermissions[]): NatsPermissions {
  return {
    publish: { allow: [...new Set(all.flatMap((one) => one.publish.allow))] },
    subscribe: { allow: [...new Set(all.flatMap((one) => one.subscribe.allow))] },
    allowResponses: all.some((one) => one.allowResponses),
  }
}

/**
 * The part of a `nats-server.conf` that gives each user its permissions and lets the largest message pass.
 * Whoever has no credential in it has no access.
 * @throws WakunetError `ERR_CONFIG_INVALID` where a name or password cannot be written down unharmed
 */
export function natsServerConfig(users: readonly NatsUser[]): string {
  const blocks = users.map(userBlock).join('')
  return `max_payload: ${MAX_BUS_MESSAGE_BYTES}\nauthorization {\n  users: [\n${blocks}  ]\n}\n`
}

function userBlock({ user, password, permissions }: NatsUser): string {
  const responses = permissions.allowResponses ? '        allow_responses: { max: 1, expires: "5m" }\n' : ''
  return (
    `    {\n      user: ${quoted(user, 'user')}\n      password: ${quoted(password, 'password')}\n` +
    `      permissions: {\n        publish: { allow: ${list(permissions.publish.allow)} }\n` +
    `        subscribe: { allow: ${list(permissions.subscribe.allow)} }\n${responses}      }\n    }\n`
  )
}

function list(subjects: readonly string[]): string {
  return `[${subjects.map((subject) => quoted(subject, 'subject')).join(', ')}]`
}

function quoted(value: string, what: string): string {
  if (/^[ !#-[\]-~]{1,256}$/.test(value)) return `"${value}"`
  throw new WakunetError(
    'ERR_CONFIG_INVALID',
    `a NATS ${what} must be 1 to 256 printable ASCII characters without " and \\`,
  )
}
