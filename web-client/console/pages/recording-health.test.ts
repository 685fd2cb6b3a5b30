import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordingHealth } from '../api/types.ts';
import { recordingProblem, recordingProgress } from './recording-health.ts';

const NOW = Date.UTC(2026, 10, 22, 9);
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();
const well: RecordingHealth = {
  segments: 2,
  segmentStartedAt: ago(300),
  bytes: 1000,
  behindMs: 400,
  savedAt: ago(4),
  reportedAt: ago(2),
};

test('what is wrong with a recording, the worst first', () => {
  const problem = (fields: Partial<RecordingHealth>) => recordingProblem({ ...well, ...fields }, NOW);
  assert.equal(problem({}), undefined);
  assert.equal(problem({ behindMs: 59_000 }), undefined, 'it waits for its turn');
  assert.equal(problem({ behindMs: 72_000 }), '1:12 behind');
  assert.equal(problem({ savedAt: ago(40) }), 'Not saved for 0:40');
  assert.equal(problem({ savedAt: null, segmentStartedAt: ago(3) }), undefined, 'it has only begun');
  assert.equal(problem({ savedAt: null, segmentStartedAt: null }), undefined, 'there is no picture yet');
  assert.equal(problem({ reportedAt: ago(75), behindMs: 72_000 }), 'No word from the recorder for 1:15');
});

test('how far the video of a recording goes', () => {
  assert.equal(recordingProgress(well), 'Up to date');
  assert.equal(recordingProgress({ ...well, behindMs: 40_000 }), 'Saved, and encoded up to 0:40 ago');
});
