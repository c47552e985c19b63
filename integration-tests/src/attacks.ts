import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { LabHost, LabProcess } from '@wakunet/netlab'
import { GUARD_NAMES } from '@wakunet/switching'
import type { Station } from './station.ts'

const FRAMES = path.join(import.meta.dirname, 'programs/frames.py')
/** Debian's own Python, which has scapy, whatever else is first on the PATH. */
const PYTHON = '/usr/bin/python3'

export const ATTACK_PROGRAMS = [
  'scapy3',
  'arpspoof',
  'atk6-fake_advertise6',
  'atk6-fake_router26',
  'atk6-flood_mld26',
  'atk6-flood_router26',
  'dhcpig',
  'dnsmasq',
  'ettercap',
  'hping3',
  'macof',
  'mausezahn',
  'yersinia',
]

/** How long frames may take on a machine that is busy with other things. */
const SEND_MIN_MS = 120_000
const SLOWEST_PER_SECOND = 2_000

/** Section `switch` of a node that looks away. */
export const NO_GUARDS = {
  guards: Object.fromEntries(GUARD_NAMES.map((name) => [name, false])),
  neighbourProxy: false,
}

/** Options of `programs/frames.py`. */
export type FrameOptions = Readonly<Record<string, string | number>>

/** Frames of a kind that `programs/frames.py` knows, from a station's own interface. @returns how many were sent */
export async function sendFrames(from: Station, mode: string, options: FrameOptions = {}): Promise<number> {
  const args = frameArguments(from.interface, mode, options)
  const timeoutMs = SEND_MIN_MS + Math.ceil((Number(options.count ?? 0) / SLOWEST_PER_SECOND) * 1_000)
  const { stdout } = await from.host.lab.exec(PYTHON, args, { timeoutMs })
  return (JSON.parse(stdout) as { sent: number }).sent
}

/** The same until it is stopped. */
export function startFrames(from: Station, mode: string, options: FrameOptions = {}): LabProcess {
  return from.host.lab.spawn(
    PYTHON,
    frameArguments(from.interface, mode, { ...options, count: Number.MAX_SAFE_INTEGER }),
  )
}

/** The same from any interface, at the very moment of the call of what it returns. */
export async function prepareFrames(
  host: LabHost,
  interfaceName: string,
  mode: string,
  options: FrameOptions = {},
): Promise<() => Promise<void>> {
  const sender = host.spawn(PYTHON, frameArguments(interfaceName, mode, { ...options, wait: 1 }))
  await sender.waitForOutput(/ready/)
  return async () => {
    sender.child.stdin?.end('\n')
    await sender.exited
  }
}

function frameArguments(interfaceName: string, mode: string, options: FrameOptions): string[] {
  return [FRAMES, interfaceName, mode, ...Object.entries(options).map(([key, value]) => `${key}=${value}`)]
}

/**
 * Runs a program for so long on a station's host; it ends earlier if it wants to. Its standard input stays open: some stop
 * when it ends.
 */
export async function runFor(
  from: Station,
  milliseconds: number,
  program: string,
  args: readonly string[],
): Promise<string> {
  const running = from.host.lab.spawn(program, args)
  await Promise.race([running.exited, pause(milliseconds)])
  if (running.status === null) await running.stop({ signal: 'SIGINT', timeoutMs: 1_000 })
  const { stdout, stderr } = running.output()
  return `${stdout}${stderr}`
}
