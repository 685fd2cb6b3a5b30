import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { THUMBNAIL_FILE } from './finish.ts';
import { type Manifest, readManifest } from './manifest.ts';
import type { RecordingSummary } from './recording.ts';

/** A recording as it is on disk, for a gateway that has lost or never had its row. */
export interface StoredRecording {
  readonly sessionId: string;
  readonly directory: string;
  readonly state: Manifest['state'];
  /** `undefined` while the recording is not finished. */
  readonly summary: RecordingSummary | undefined;
  /** Absolute path of the thumbnail, if there is one. */
  readonly thumbnail: string | undefined;
}

/** All recordings below `<data>/recordings`, by folder name. Folders without a readable manifest are left out. */
export async function listRecordings(directory: string): Promise<StoredRecording[]> {
  const names = await readdir(directory).catch(() => []);
  const recordings: StoredRecording[] = [];
  for (const name of names.sort()) {
    const recording = await readRecording(join(directory, name)).catch(() => undefined);
    if (recording !== undefined) recordings.push(recording);
  }
  return recordings;
}

/** One recording's folder; `undefined` when it is none. Throws when its manifest is of a kind this build does not know. */
export async function readRecording(directory: string): Promise<StoredRecording | undefined> {
  const manifest = await readManifest(directory);
  if (manifest === undefined) return undefined;
  const thumbnail = manifest.thumbnail === undefined ? undefined : resolve(directory, THUMBNAIL_FILE);
  return {
    sessionId: manifest.sessionId,
    directory,
    state: manifest.state,
    summary: summarise(directory, manifest),
    thumbnail,
  };
}

function summarise(directory: string, manifest: Manifest): RecordingSummary | undefined {
  const { video, startedAt, endedAt, state, segments } = manifest;
  if (video === undefined || startedAt === undefined || endedAt === undefined) return undefined;
  if (state !== 'complete' && state !== 'incomplete') return undefined;
  return {
    path: resolve(directory, video.file),
    bytes: video.bytes,
    durationMs: video.durationMs,
    width: video.width,
    height: video.height,
    startedAt,
    endedAt,
    // One of which nothing was left is in the manifest, but not in the video.
    segments: segments.filter(({ frames }) => frames !== 0).length,
    state,
  };
}
