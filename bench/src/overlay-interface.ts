import { WakunetError } from '@wakunet/interface'
import type { LabHost, LabProcess } from '@wakunet/netlab'
import { OVERLAY_MTU, OVERLAY_PREFIX_LENGTH, overlayAddress } from './system.ts'

const POLL_MS = 50
const DEADLINE_MS = 15_000

/** Gives a host's overlay interface its address and MTU, and switches it on. */
export async function assignAddress(host: LabHost, interfaceName: string, index: number): Promise<void> {
  await host.ip([
    `link set ${interfaceName} mtu ${OVERLAY_MTU} up`,
    `addr add ${overlayAddress(index)}/${OVERLAY_PREFIX_LENGTH} broadcast + dev ${interfaceName}`,
  ])
}

/**
 * Waits until a program has made its interface.
 * @throws WakunetError `ERR_NOT_STARTED` with the program's last words when it ends or takes too long
 */
export async function untilInterface(
  host: LabHost,
  interfaceName: string,
  program: LabProcess,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    signal.throwIfAborted()
    const { code } = await host.exec('ip', ['link', 'show', 'dev', interfaceName], { allowFailure: true })
    if (code === 0) return
    if (program.status !== null || performance.now() > deadline) {
      const { stdout, stderr } = program.output()
      const said = `${stdout}${stderr}`.trim().slice(-1_000)
      throw new WakunetError(
        'ERR_NOT_STARTED',
        `${program.program} made no interface ${interfaceName}: ${said}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
