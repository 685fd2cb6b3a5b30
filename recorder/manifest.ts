import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * `recording.json`: what a recording's folder holds. Versioned, and only ever added to: old recordings must play forever.
 * Described in docs/recording.md.
 */
export interface Manifest {
  readonly format: 'oriel-recording';
  readonly version: 1;
  readonly sessionId: string;
  /** `recording` and `finishing` are found on disk only while they happen, or after a crash. */
  state: 'recording' | 'finishing' | 'complete' | 'incomplete';
  /** Milliseconds since the epoch of the first frame; absent before there is one. */
  startedAt?: number;
  endedAt?: number;
  readonly codec: { readonly name: 'h264'; readonly encoder: string; readonly ffmpeg: string };
  segments: ManifestSegment[];
  /** The joined video; absent until it is there. */
  video?: ManifestVideo;
  thumbnail?: string;
  /** Of a video that carries its evidence: the key that signed it and the end of its chain. */
  evidence?: { readonly keyId: string; readonly chain: string };
  /** The process that writes this recording, while it does. */
  owner?: { readonly pid: number };
  /** What went wrong on the way, oldest first. */
  problems?: string[];
}

export interface ManifestSegment {
  readonly file: string;
  readonly startedAt: number;
  /** Coded size, in which the desktop lies centred. */
  readonly width: number;
  readonly height: number;
  readonly desktop: { readonly width: number; readonly height: number };
  readonly qp: number;
  /** Timestamp of the last frame; known when the segment has been closed. */
  durationMs?: number;
  frames?: number;
  bytes?: number;
  /** How its encoder ended, when that was not as planned. */
  problem?: string;
}

export interface ManifestVideo {
  readonly file: string;
  readonly bytes: number;
  readonly durationMs: number;
  readonly width: number;
  readonly height: number;
}

export const MANIFEST_FILE = 'recording.json';

/** `undefined` when there is none; throws when it is not one of ours. */
export async function readManifest(directory: string): Promise<Manifest | undefined> {
  let text: string;
  try {
    text = await readFile(join(directory, MANIFEST_FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const value = JSON.parse(text) as Partial<Manifest> | null;
  if (value?.format !== 'oriel-recording' || !Array.isArray(value.segments)) {
    throw new Error(`${MANIFEST_FILE} is not a recording's manifest`);
  }
  if (value.version !== 1) throw new Error(`${MANIFEST_FILE} has version ${value.version}, this build knows version 1`);
  return value as Manifest;
}

/** Atomic and durable: after a power cut there is the old one or the new one. */
export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  const path = join(directory, MANIFEST_FILE);
  const file = await open(`${path}.tmp`, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(manifest, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
  await syncDirectory(directory);
}

/** Makes renames and new files in a folder durable. Windows has no such thing and needs none. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => undefined);
  if (handle === undefined) return;
  await handle.sync().catch(() => {});
  await handle.close();
}
