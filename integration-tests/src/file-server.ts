import type { LabProcess } from '@wakunet/netlab'
import type { Station } from './station.ts'
import { waitUntil } from './wait-until.ts'

const PORT = 8080

/** Python's HTTP server on a station, for the files of its host's directory. It ends with the lab. */
export class FileServer {
  readonly #station: Station
  readonly #process: LabProcess

  private constructor(station: Station) {
    this.#station = station
    const args = ['--bind', station.address4, '--directory', station.host.lab.directory]
    this.#process = station.host.lab.spawn('python3', ['-m', 'http.server', ...args, String(PORT)])
  }

  static async start(station: Station): Promise<FileServer> {
    const server = new FileServer(station)
    await waitUntil(`the HTTP server of ${station.name}`, () => server.#isListening())
    return server
  }

  /** Where a file of the host's directory can be fetched, by its name. */
  url(file: string): string {
    return `http://${this.#station.address4}:${PORT}/${file}`
  }

  async stop(): Promise<void> {
    await this.#process.stop()
  }

  async #isListening(): Promise<boolean> {
    const { stdout } = await this.#station.host.lab.exec('ss', ['-ltnH', `sport = :${PORT}`])
    return stdout.includes('LISTEN')
  }
}

/**
 * Fetches a URL with curl on a station.
 * @returns SHA-256 of what came, and bytes and seconds as curl counted them
 */
export async function fetchWithCurl(
  station: Station,
  url: string,
  timeoutMs: number,
): Promise<{ sha256: string; bytes: number; seconds: number }> {
  const script = 'curl -fsS --write-out "%{stderr}%{size_download} %{time_total}" "$1" | sha256sum'
  const { stdout, stderr } = await station.host.lab.exec('sh', ['-c', script, 'sh', url], { timeoutMs })
  const [bytes, seconds] = stderr.trim().split(' ').map(Number)
  return { sha256: stdout.slice(0, 64), bytes: bytes ?? Number.NaN, seconds: seconds ?? Number.NaN }
}
