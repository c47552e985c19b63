import type { FrameBatch } from '@wakunet/interface'
import type { DecodedRecord } from '@wakunet/record'
import type { World } from './world.ts'

/** What a switch, or a part of one, has done; grows. */
export interface SubjectCounts {
  /** Frames that left, once each however many members get them. */
  sent: number
  /** Frames for the TAP. */
  delivered: number
}

/** A switch, or a part of one, that frames go through; it must count what it lets through. */
export interface Subject {
  readonly counts: Readonly<SubjectCounts>
  /** Frames with record frame headers from the TAP. */
  fromTap(batch: FrameBatch): void
  /** A record came over the trunk to the peer whose id is at `peerOffset` of its bytes. */
  fromTrunk(record: DecodedRecord, peerOffset: number): void
}

/** Builds a switch that knows the members of a world and has nothing learned yet. */
export type CreateSubject = (world: World) => Subject

/** What is measured, from the inside out. */
export const SUBJECT_NAMES = ['bridge', 'fabric', 'unguarded', 'datapath'] as const
export type SubjectName = (typeof SUBJECT_NAMES)[number]
