/**
 * Benchmarks: Wakunet and other overlays between two hosts of one machine, measured in the same run.
 *
 * `options` -> `rounds` -> `measure` (a lab, one `system`, iperf3 and ping) -> `report` -> table and JSON.
 * A comparison, never a test: nothing here passes or fails by a figure.
 */
export { FIGURES, type FigureKey, type FigureSummaries, type Figures } from './figures.ts'
export type { BenchReport } from './report.ts'
export { median, percentile, type Summary, summarize } from './statistics.ts'
export type { Overlay, System } from './system.ts'
