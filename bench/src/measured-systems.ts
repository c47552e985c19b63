import { WakunetError } from '@wakunet/interface'
import { findMissing, refuseMissing } from './run-bench.ts'
import type { SuiteContext } from './suite.ts'
import type { System } from './system.ts'
import { SYSTEMS } from './systems/index.ts'

/**
 * Systems for a suite: those that `--only` names, or those of `defaults` that are installed.
 * @throws WakunetError `ERR_MISSING_PROGRAM` for one that is named and missing
 */
export function measuredSystems({ only, progress }: SuiteContext, defaults: readonly string[]): System[] {
  if (only.length > 0) {
    const named = SYSTEMS.filter(({ name }) => only.includes(name))
    refuseMissing(named.flatMap(findMissing))
    return named
  }
  return SYSTEMS.filter(({ name }) => defaults.includes(name)).filter((system) => {
    const reason = system.missing()
    if (reason !== null) progress(`${system.name} is left out: ${reason}`)
    return reason === null
  })
}

/**
 * The same for a suite of many hosts.
 * @throws WakunetError `ERR_USAGE` for one that joins two hosts only, `ERR_MISSING_PROGRAM`
 */
export function systemsOfMany(context: SuiteContext, defaults: readonly string[]): System[] {
  for (const { name, isPair } of SYSTEMS)
    if (isPair && context.only.includes(name))
      throw new WakunetError('ERR_USAGE', `--only: ${name} joins two hosts, not more.`)
  return measuredSystems(context, defaults)
}

/** Ours against each of the others. */
export function oursAgainstOthers(systems: readonly System[]): (readonly [string, string])[] {
  const others = systems.filter(({ ours }) => !ours)
  return systems
    .filter(({ ours }) => ours)
    .flatMap(({ name }) => others.map((other) => [name, other.name] as const))
}
