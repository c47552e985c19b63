/** How long and how often is measured; the same for every system. */
export interface MeasurePlan {
  /** Whole seconds, as iperf3 wants them. */
  readonly warmUpSeconds: number
  readonly tcpSeconds: number
  readonly udpSeconds: number
  readonly pingCount: number
  readonly pingIntervalSeconds: number
  readonly loadedPingCount: number
  readonly loadedPingIntervalSeconds: number
}

export const FULL_PLAN: MeasurePlan = {
  warmUpSeconds: 1,
  tcpSeconds: 5,
  udpSeconds: 3,
  pingCount: 1000,
  pingIntervalSeconds: 0.002,
  loadedPingCount: 600,
  loadedPingIntervalSeconds: 0.005,
}

export const QUICK_PLAN: MeasurePlan = {
  warmUpSeconds: 1,
  tcpSeconds: 2,
  udpSeconds: 1,
  pingCount: 300,
  pingIntervalSeconds: 0.002,
  loadedPingCount: 200,
  loadedPingIntervalSeconds: 0.005,
}
