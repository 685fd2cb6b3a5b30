import type { RecordingHealth } from '../api/types.ts';
import { formatClock } from '../format.ts';

/** The recorder takes its time to see what moves; it says something every two seconds, and saves every three. */
const UP_TO_DATE_MS = 5_000;
/** Recordings that take turns at encoding are never as far behind as this, unless the machine is too small for them. */
const BEHIND_MS = 60_000;
const SILENT_MS = 10_000;
const UNSAVED_MS = 15_000;

/** What is wrong with a recording that goes on, in words. @param now milliseconds since the epoch */
export function recordingProblem(health: RecordingHealth, now: number): string | undefined {
  const { behindMs, savedAt, reportedAt, segmentStartedAt } = health;
  const silent = now - Date.parse(reportedAt);
  if (silent > SILENT_MS) return `No word from the recorder for ${formatClock(silent)}`;
  if (behindMs > BEHIND_MS) return `${formatClock(behindMs)} behind`;
  const saved = savedAt ?? segmentStartedAt;
  const unsaved = saved === null ? 0 : now - Date.parse(saved);
  return unsaved > UNSAVED_MS ? `Not saved for ${formatClock(unsaved)}` : undefined;
}

/** How far the video goes of a recording with which nothing is wrong, in words. */
export function recordingProgress({ behindMs }: RecordingHealth): string {
  return behindMs > UP_TO_DATE_MS ? `Saved, and encoded up to ${formatClock(behindMs)} ago` : 'Up to date';
}
