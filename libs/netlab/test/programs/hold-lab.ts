/**
 * Makes a lab with a program on each host, prints what it made, and ends the way the first argument says:
 * `wait` for a signal, `throw`, `exit`, or `handler`: a SIGINT handler of its own that exits with 7.
 */
import { Lab } from '../../src/index.ts'

const lab = await Lab.create({ name: 'hold', hosts: 2 })
const programs = lab.hosts.map((host) => host.spawn('sleep', ['1000']))
const way = process.argv[2]
if (way === 'handler') process.once('SIGINT', () => setImmediate(() => process.exit(7)))
const keepAlive = setInterval(() => {}, 60_000)
console.log(JSON.stringify({ id: lab.id, directory: lab.directory, pids: programs.map(({ pid }) => pid) }))
if (way === 'throw') throw new Error('on purpose')
if (way === 'exit') process.exit(3)
if (way === 'stop') {
  clearInterval(keepAlive)
  await Promise.all([lab.stop(), lab.stop()])
}
