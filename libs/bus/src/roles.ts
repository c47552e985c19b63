import { WakunetError } from '@wakunet/interface'
import { type BusRole, contract, type EventSubject, type RequestSubject } from './contract.ts'

/**
 * Looks a request subject up by a name that may come from outside.
 * @returns undefined where the contract has no such request
 */
export function findRequest(subject: string): RequestSubject | undefined {
  const spec = Object.hasOwn(contract, subject) ? contract[subject as keyof typeof contract] : undefined
  return spec?.kind === 'request' ? spec : undefined
}

/** Looks an event subject up by a name that may come from outside. */
export function findEvent(subject: string): EventSubject | undefined {
  const spec = Object.hasOwn(contract, subject) ? contract[subject as keyof typeof contract] : undefined
  return spec?.kind === 'event' ? spec : undefined
}

/** @throws WakunetError `ERR_BUS_NOT_PERMITTED` unless `role` may ask on this subject */
export function permitRequest(role: BusRole, subject: string): RequestSubject {
  const spec = findRequest(subject)
  if (spec?.requesters.includes(role)) return spec
  throw refusal(role, 'ask', subject)
}

/** @throws WakunetError `ERR_BUS_NOT_PERMITTED` unless `role` is the one that answers this subject */
export function permitRespond(role: BusRole, subject: string): RequestSubject {
  const spec = findRequest(subject)
  if (spec?.responder === role) return spec
  throw refusal(role, 'answer', subject)
}

/** @throws WakunetError `ERR_BUS_NOT_PERMITTED` unless `role` may publish this event */
export function permitPublish(role: BusRole, subject: string): EventSubject {
  const spec = findEvent(subject)
  if (spec?.publishers.includes(role)) return spec
  throw refusal(role, 'publish', subject)
}

/** @throws WakunetError `ERR_BUS_NOT_PERMITTED` unless `role` may hear this event */
export function permitSubscribe(role: BusRole, subject: string): EventSubject {
  const spec = findEvent(subject)
  if (spec?.subscribers.includes(role)) return spec
  throw refusal(role, 'subscribe to', subject)
}

function refusal(role: BusRole, verb: string, subject: string): WakunetError {
  const shown = JSON.stringify(subject.slice(0, 64))
  return new WakunetError(
    'ERR_BUS_NOT_PERMITTED',
    `the contract does not let role ${role} ${verb} ${shown} (libs/bus/src/contract.ts)`,
  )
}
