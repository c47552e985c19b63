import { formatFigure, renderTable } from '../table.ts'
import { AXES, AXIS_NAMES, BASE_CASE, PATH_NAMES, type PathName, pathsOf, type SwitchCase } from './cases.ts'
import { SUBJECT_NAMES, type SubjectName } from './subject.ts'
import type { SubjectResults, SwitchResult } from './switch-result.ts'

const AXIS_TITLES: Readonly<Record<keyof SwitchCase, string>> = {
  frameBytes: 'frame size, bytes',
  batchFrames: 'frames of a call',
  fdbEntries: 'learned addresses',
  members: 'members',
}

/** Whose ways the tables by size show; the first table has all. */
const SHOWN: readonly SubjectName[] = ['fabric', 'datapath']

/** What each part costs, one table for each thing that was changed, then heap and broadcasts. */
export function renderSwitch({ cases, fanOut }: SubjectResults): string {
  return [
    BASE_TEXT,
    renderParts('ns of a frame', cases, ({ nsPerFrame }) => nsPerFrame),
    ...AXIS_NAMES.map((axis) => renderAxis(cases, axis)),
    renderParts('heap bytes of a frame', cases, ({ heapBytesPerFrame }) => heapBytesPerFrame),
    renderParts('heap bytes of a call', cases, ({ heapBytesPerCall }) => heapBytesPerCall),
    renderFanOut(fanOut),
  ].join('\n\n')
}

const BASE_TEXT = [
  'The switch alone, without I/O. bridge: the forwarding database and the decision; fabric: with spanning tree, shortest',
  'paths and records; unguarded: with multicast and the neighbour proxy; datapath: with all guards, as nodes run it.',
  `Frames of ${BASE_CASE.frameBytes} bytes, ${BASE_CASE.batchFrames} a call, ${BASE_CASE.fdbEntries} learned addresses and ` +
    `${BASE_CASE.members} members where nothing else is said; a record takes fewer of 9,000 bytes and more.`,
].join('\n')

/** @param figure of the base case */
function renderParts(
  title: string,
  cases: readonly SwitchResult[],
  figure: (result: SwitchResult) => number,
): string {
  const rows = PATH_NAMES.map((path) => [
    path,
    ...SUBJECT_NAMES.map((subject) => format(find(cases, subject, path, BASE_CASE), figure)),
  ])
  return renderTable([title, ...SUBJECT_NAMES], rows)
}

function renderAxis(cases: readonly SwitchResult[], axis: keyof SwitchCase): string {
  const values = AXES[axis] as readonly number[]
  const heading = [
    `${AXIS_TITLES[axis]}, ns of a frame`,
    ...values.map((value) => value.toLocaleString('en-US')),
  ]
  const rows = PATH_NAMES.flatMap((path) =>
    SHOWN.filter((subject) => pathsOf(subject).includes(path)).map((subject) => [
      `${path}: ${subject}`,
      ...values.map((value) => {
        const wanted = { ...BASE_CASE, [axis]: value }
        return format(find(cases, subject, path, wanted), ({ nsPerFrame }) => nsPerFrame)
      }),
    ]),
  )
  return renderTable(heading, rows)
}

function find(
  cases: readonly SwitchResult[],
  subject: SubjectName,
  path: PathName,
  wanted: SwitchCase,
): SwitchResult | undefined {
  return cases.find(
    (result) =>
      result.subject === subject &&
      result.path === path &&
      AXIS_NAMES.every((axis) => result[axis] === wanted[axis]),
  )
}

function format(result: SwitchResult | undefined, figure: (result: SwitchResult) => number): string {
  return result === undefined ? '-' : formatFigure(figure(result))
}

function renderFanOut(fanOut: SubjectResults['fanOut']): string {
  const heading = ['broadcast in a full mesh, ns of a frame', 'sender', 'a receiver', 'all receivers']
  const rows = fanOut.map(({ members, senderNsPerFrame, receiversNsPerFrame }) => [
    `${members} members: fabric`,
    formatFigure(senderNsPerFrame),
    formatFigure(receiversNsPerFrame / (members - 1)),
    formatFigure(receiversNsPerFrame),
  ])
  return renderTable(heading, rows)
}
