const REPLY = /^\d+ bytes from [\d.]+: icmp_seq=(\d+) .*\btime=([\d.]+) ms/

/**
 * Reads the output of `ping -b`: how long each echo request took until the last of all receivers had answered, in µs. Requests
 * that somebody did not answer are left out.
 */
export function timesUntilLast(output: string, receivers: number): number[] {
  const answers = new Map<string, number[]>()
  for (const line of output.split('\n')) {
    const reply = REPLY.exec(line)
    if (reply === null) continue
    const times = answers.get(reply[1]!) ?? []
    times.push(Math.round(Number(reply[2]) * 1000))
    answers.set(reply[1]!, times)
  }
  return [...answers.values()].filter(({ length }) => length >= receivers).map((times) => Math.max(...times))
}
