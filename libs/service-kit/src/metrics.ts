import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Units that a gauge or histogram may end in; a counter ends in `_total`. Singular things are 0 or 1. */
export const METRIC_UNITS = [
  'addresses',
  'bytes',
  'connected',
  'connections',
  'entries',
  'frames',
  'info',
  'members',
  'messages',
  'peers',
  'ports',
  'ratio',
  'ready',
  'records',
  'requests',
  'seconds',
  'timestamp_seconds',
  'trunks',
  'vlans',
] as const

/** Plain numbers that a component keeps; every property named in the help is exposed. */
export type Numbers<K extends string> = Readonly<Record<K, number>>
type Help<K extends string> = Readonly<Record<K, string>>
type Labels = Readonly<Record<string, string>>

/** One place from which a metric takes its value at every scrape. */
interface Source {
  readonly labels: Labels
  readonly read: () => number
}

export interface MetricsInit {
  /** Metrics of the process itself (`process_*`, `nodejs_*`). Once per process. Default false. */
  readonly processMetrics?: boolean
}

/**
 * The metrics of a process. Components keep plain numbers and know nothing of Prometheus; services expose them
 * here, and they are read when somebody scrapes. Several services in one process share one registry.
 */
export class MetricsRegistry {
  /** For libraries that bring metrics of their own. */
  readonly prometheus = new Registry()
  readonly #sources = new Map<string, { kind: 'counter' | 'gauge'; list: Source[] }>()
  readonly #readFailures: Counter
  #scrape: Promise<string> | null = null

  constructor(init: MetricsInit = {}) {
    if (init.processMetrics === true) collectDefaultMetrics({ register: this.prometheus })
    this.#readFailures = new Counter({
      name: 'wakunet_service_kit_metric_read_failures_total',
      help: 'Values that could not be read at a scrape: a component threw or gave no number.',
      registers: [this.prometheus],
    })
  }

  get contentType(): string {
    return this.prometheus.contentType
  }

  /** The exposition text. Scrapes at the same time share one pass. */
  text(): Promise<string> {
    this.#scrape ??= this.prometheus.metrics().finally(() => {
      this.#scrape = null
    })
    return this.#scrape
  }

  /**
   * Exposes monotonic numbers as counters: `framesRead` under `wakunet_vlan_switch_tap` is
   * `wakunet_vlan_switch_tap_frames_read_total`. A second call with other `labels` adds a series.
   */
  countersFrom<K extends string>(
    prefix: string,
    help: Help<K>,
    read: () => Numbers<NoInfer<K>>,
    labels: Labels = {},
  ): void {
    for (const field of Object.keys(help) as K[])
      this.#add('counter', `${prefix}_${snakeCase(field)}_total`, help[field], {
        labels,
        read: () => read()[field],
      })
  }

  /** The same for numbers that go up and down: `queuedBytes` is `..._queued_bytes`. */
  gaugesFrom<K extends string>(
    prefix: string,
    help: Help<K>,
    read: () => Numbers<NoInfer<K>>,
    labels: Labels = {},
  ): void {
    for (const field of Object.keys(help) as K[])
      this.#add('gauge', `${prefix}_${snakeCase(field)}`, help[field], { labels, read: () => read()[field] })
  }

  /** One counter with a series per value of a closed set, for example drops by reason. */
  countersBy<V extends string>(
    name: string,
    help: string,
    label: string,
    values: readonly V[],
    read: () => Numbers<V>,
  ): void {
    for (const value of values)
      this.#add('counter', name, help, { labels: { [label]: value }, read: () => read()[value] })
  }

  /** Where single observations matter, for example durations. Buckets in the unit of the name. */
  histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    checkMetricName('histogram', name)
    return new Histogram({ name, help, buckets: [...buckets], registers: [this.prometheus] })
  }

  #add(kind: 'counter' | 'gauge', name: string, help: string, source: Source): void {
    const known = this.#sources.get(name)
    if (known === undefined) {
      this.#create(kind, name, help, source)
      return
    }
    if (known.kind !== kind) throw new Error(`metric ${name} is a ${known.kind} already`)
    const key = labelKey(source.labels)
    if (known.list.some((other) => labelKey(other.labels) === key))
      throw new Error(`metric ${name}{${key}} is exposed twice`)
    if (labelNames(known.list[0]!.labels) !== labelNames(source.labels))
      throw new Error(
        `metric ${name} has labels ${labelNames(known.list[0]!.labels)}, not ${labelNames(source.labels)}`,
      )
    known.list.push(source)
  }

  #create(kind: 'counter' | 'gauge', name: string, help: string, source: Source): void {
    checkMetricName(kind, name)
    const list = [source]
    const failures = this.#readFailures
    const init = { name, help, labelNames: Object.keys(source.labels), registers: [this.prometheus] }
    if (kind === 'counter')
      new Counter({
        ...init,
        collect() {
          this.reset()
          readAll(list, failures, (labels, value) => this.inc(labels, value))
        },
      })
    else
      new Gauge({
        ...init,
        collect() {
          this.reset()
          readAll(list, failures, (labels, value) => this.set(labels, value))
        },
      })
    this.#sources.set(name, { kind, list })
  }
}

/** One component that fails must not hide the metrics of the others. */
function readAll(
  list: readonly Source[],
  failures: Counter,
  put: (labels: Labels, value: number) => void,
): void {
  for (const { labels, read } of list) {
    try {
      const value = read()
      if (!Number.isFinite(value)) throw new RangeError(`not a number: ${value}`)
      put(labels, value)
    } catch {
      failures.inc()
    }
  }
}

const labelNames = (labels: Labels): string => Object.keys(labels).sort().join(',')
const labelKey = (labels: Labels): string =>
  Object.keys(labels)
    .sort()
    .map((name) => `${name}="${labels[name]}"`)
    .join(',')

const snakeCase = (text: string): string => text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** @throws Error when `name` is not `wakunet_<service>_<what>_<unit>` */
export function checkMetricName(kind: 'counter' | 'gauge' | 'histogram', name: string): void {
  if (!/^wakunet(_[a-z][a-z0-9]*){2,}$/.test(name))
    throw new Error(`metric ${name}: must be wakunet_<service>_<what>_<unit> in lower case`)
  const units = kind === 'counter' ? ['total'] : METRIC_UNITS
  if (!units.some((unit) => name.endsWith(`_${unit}`)))
    throw new Error(`metric ${name}: a ${kind} must end in a unit, one of ${units.join(', ')}`)
}
