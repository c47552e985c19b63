import { execFile } from 'node:child_process'
import { WakunetError } from '@wakunet/interface'
import { systemCode } from './system-error.ts'

/** `ip` answers within milliseconds; a hung one must not hang us. */
const TIMEOUT_MS = 10_000
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024

/**
 * Runs iproute2 without a shell; the network namespace is that of this process.
 * @returns its standard output
 * @throws WakunetError `ERR_MISSING_PROGRAM`, or `ERR_SYSTEM_CALL` with what `ip` said
 */
export function runIp(args: readonly string[], input = '', signal?: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const options = {
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' },
    timeout: TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
    ...(signal && { signal }),
  }
  const child = execFile('ip', args, options, (error, stdout, stderr) => {
    if (!error) resolve(stdout)
    else reject(error.name === 'AbortError' ? error : ipError(args, error, stderr))
  })
  // A child that could not start or ended early closes its input; the callback above tells why.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  return promise
}

/** Runs the lines as one `ip` batch: the first that fails ends it. */
export async function runIpBatch(lines: readonly string[], signal?: AbortSignal): Promise<void> {
  if (lines.length === 0) return
  await runIp(['-batch', '-'], `${lines.join('\n')}\n`, signal)
}

function ipError(args: readonly string[], error: Error, stderr: string): WakunetError {
  if (systemCode(error) === 'ENOENT') {
    return new WakunetError(
      'ERR_MISSING_PROGRAM',
      "The program 'ip' is missing; network interfaces are configured with it. Install iproute2 " +
        '(on Debian and Ubuntu: apt-get install iproute2).',
      { cause: error },
    )
  }
  const said = stderr.trim().replaceAll('\n', '; ') || error.message
  return new WakunetError('ERR_SYSTEM_CALL', `'ip ${args.join(' ')}' failed: ${said}`, { cause: error })
}
