import { WakunetError } from '@wakunet/interface'
import { runCommand } from '@wakunet/netlab'
import type { Installation, System } from './system.ts'
import { unpackDebian } from './unpacked.ts'

const APT_TIMEOUT_MS = 600_000

/** What a person types to get a missing system. */
export function installHint({ aptPackages, unpacked }: Installation): string {
  const steps: string[] = []
  if (aptPackages.length > 0) steps.push(`apt-get install ${aptPackages.join(' ')}`)
  if (unpacked !== undefined) {
    steps.push(
      `sh bench/scripts/unpack-debian.sh ${unpacked.suite} .cache/bench ${unpacked.packages.join(' ')}`,
    )
  }
  return steps.length === 0 ? '' : `${steps.join(' && ')}; or let "npm run bench -- --install" do it`
}

/**
 * Installs one missing system.
 * @throws WakunetError `ERR_MISSING_PROGRAM` when it is still missing afterwards; CommandError of apt-get
 */
export async function install(system: System, signal: AbortSignal): Promise<void> {
  const { aptPackages, unpacked } = system.installation
  if (aptPackages.length > 0) {
    const quiet = ['-qq', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300']
    await runCommand('apt-get', ['install', ...quiet, ...aptPackages], {
      timeoutMs: APT_TIMEOUT_MS,
      env: { DEBIAN_FRONTEND: 'noninteractive' },
      signal,
    })
  }
  if (unpacked !== undefined) await unpackDebian(unpacked.suite, unpacked.packages, signal)
  const missing = system.missing()
  if (missing !== null) throw new WakunetError('ERR_MISSING_PROGRAM', `${system.name}: still ${missing}`)
}
