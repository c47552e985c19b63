import type { Run } from '../src/measure.ts'
import type { System } from '../src/system.ts'

/** A run whose every figure is the same number. */
export function runOf(value: number): Run {
  return {
    figures: {
      tcp1Mbps: value,
      tcp4Mbps: value,
      udp64Pps: value,
      pingP50Us: value,
      pingP99Us: value,
      loadedPingP99Us: value,
      cpuSecondsPerGB: value,
      rssMiB: value,
    },
    details: {
      congestionControl: 'cubic',
      retransmits: 0,
      pingsLost: 0,
      loadedPingsLost: 0,
      peakMiB: value,
      machineCpuSecondsPerGB: value,
    },
  }
}

/** A system that is only a name. */
export function systemOf(name: string, changes: Partial<System> = {}): System {
  return {
    name,
    ours: false,
    layer: 2,
    crypto: 'none',
    installation: { aptPackages: [] },
    isPair: true,
    missing: () => null,
    version: async () => '1',
    up: () => Promise.reject(new Error('not in this test')),
    ...changes,
  }
}
