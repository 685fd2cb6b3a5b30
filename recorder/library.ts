import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Manifest, readManifest } from './manifest.ts';
import type { RecordingSummary } from './recording.ts';
import { RecordingFolder } from './storage/recording-folder.ts';

/** The key that a recording is encrypted with; nothing where it is not, or where the key was destroyed. */
export type KeyOf = (recordingId: string) => Promise<Uint8Array | undefined>;

export const NO_KEYS: KeyOf = async () => undefined;

/** A recording as it is on disk, for a gateway that has lost or never had its row. */
export interface StoredRecording {
  readonly sessionId: string;
  readonly directory: string;
  readonly state: Manifest['state'];
  /** `undefined` while the recording is not finished. */
  readonly summary: RecordingSummary | undefined;
  /** The name of the thumbnail's file, if there is one. */
  readonly thumbnail: string | undefined;
}

/** All recordings below `<data>/recordings`, by folder name. Folders without a readable manifest are left out. */
export async function listRecordings(directory: string, keyOf: KeyOf = NO_KEYS): Promise<StoredRecording[]> {
  const names = await readdir(directory).catch(() => []);
  const recordings: StoredRecording[] = [];
  for (const name of names.sort()) {
    const recording = await readRecording(join(directory, name), keyOf).catch(() => undefined);
    if (recording !== undefined) recordings.push(recording);
  }
  return recordings;
}

/** One recording's folder; `undefined` when it is none. Throws when its manifest is of a kind this build does not know. */
export async function readRecording(directory: string, keyOf: KeyOf = NO_KEYS): Promise<StoredRecording | undefined> {
  const id = basename(directory);
  const folder = new RecordingFolder(directory, id, await keyOf(id));
  const manifest = await readManifest(folder);
  if (manifest === undefined) return undefined;
  const { sessionId, state, thumbnail } = manifest;
  return {
    sessionId,
    directory,
    state,
    summary: summarise(folder.pathOf(manifest.video?.file ?? ''), manifest),
    thumbnail,
  };
}

/** Whether somebody finishes it, or has to. */
export function isUnfinished({ state }: Pick<Manifest, 'state'>): boolean {
  return state === 'recording' || state === 'finishing';
}

/** @param path of the video */
export function summarise(path: string, manifest: Manifest): RecordingSummary | undefined {
  const { video, startedAt, endedAt, state, segments } = manifest;
  if (video === undefined || startedAt === undefined || endedAt === undefined) return undefined;
  if (state !== 'complete' && state !== 'incomplete') return undefined;
  return {
    path,
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
