import type { RecordingFolder } from './storage/recording-folder.ts';

/**
 * `recording.json`: what a recording's folder holds. Versioned, and only ever added to: old recordings must play forever.
 * Described in docs/recording.md. Version 2 may be encrypted, with all files beside it.
 */
export interface Manifest {
  readonly format: 'oriel-recording';
  readonly version: 1 | 2;
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
export async function readManifest(folder: RecordingFolder): Promise<Manifest | undefined> {
  const bytes = await folder.read(MANIFEST_FILE);
  return bytes && parseManifest(bytes);
}

/** Throws when it is not one of ours. */
export function parseManifest(bytes: Buffer): Manifest {
  const value = JSON.parse(bytes.toString('utf8')) as Partial<Manifest> | null;
  if (value?.format !== 'oriel-recording' || !Array.isArray(value.segments)) {
    throw new Error(`${MANIFEST_FILE} is not a recording's manifest`);
  }
  if (value.version !== 1 && value.version !== 2) {
    throw new Error(`${MANIFEST_FILE} has version ${value.version}, this build knows versions 1 and 2`);
  }
  return value as Manifest;
}

/** Atomic and durable: after a power cut there is the old one or the new one. */
export async function writeManifest(folder: RecordingFolder, manifest: Manifest): Promise<void> {
  await folder.write(MANIFEST_FILE, Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`));
}
