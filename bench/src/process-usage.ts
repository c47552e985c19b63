import { readFileSync } from 'node:fs'

/** `sysconf(_SC_CLK_TCK)`: what /proc counts in; 100 on every Linux (USER_HZ). */
const TICKS_PER_SECOND = 100

/**
 * CPU seconds (user and system, all threads, also those that have ended) of one process.
 * @param stat content of /proc/<pid>/stat (proc_pid_stat(5), fields 14 and 15)
 */
export function parseCpuSeconds(stat: string): number {
  // The second field is the program's name in brackets, which may itself hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/**
 * Resident memory now and at its highest, in KiB.
 * @param status content of /proc/<pid>/status (proc_pid_status(5))
 */
export function parseMemoryKiB(status: string): { rss: number; peak: number } {
  const value = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0)
  return { rss: value('VmRSS'), peak: value('VmHWM') }
}

/**
 * CPU seconds during which any processor did anything, for whomever.
 * @param stat content of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal
 */
export function parseBusySeconds(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = stat
    .slice(0, stat.indexOf('\n'))
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND
}

/** Sum over processes. A process that has ended makes the figure meaningless: its error is passed on. */
export function cpuSeconds(pids: readonly number[]): number {
  return sum(pids.map((pid) => parseCpuSeconds(readFileSync(`/proc/${pid}/stat`, 'latin1'))))
}

export function memoryMiB(pids: readonly number[]): { rss: number; peak: number } {
  const each = pids.map((pid) => parseMemoryKiB(readFileSync(`/proc/${pid}/status`, 'latin1')))
  return { rss: sum(each.map(({ rss }) => rss)) / 1024, peak: sum(each.map(({ peak }) => peak)) / 1024 }
}

/** Of the larger node: what one host has to have. @param nodes processes of each */
export function largestMemory(nodes: readonly (readonly { readonly pid: number }[])[]): {
  rss: number
  peak: number
} {
  const each = nodes.map((processes) => memoryMiB(processes.map(({ pid }) => pid)))
  return { rss: Math.max(...each.map(({ rss }) => rss)), peak: Math.max(...each.map(({ peak }) => peak)) }
}

export function busySeconds(): number {
  return parseBusySeconds(readFileSync('/proc/stat', 'latin1'))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
