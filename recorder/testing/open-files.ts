import { basename } from 'node:path';
import type { OpenedBox } from '../evidence/evidence-box.ts';
import { readEvidence } from '../evidence/verify.ts';
import { type FragmentScan, scanFragments } from '../mp4/fragmented-mp4.ts';
import { openFile } from '../storage/byte-source.ts';
import { RecordingFolder } from '../storage/recording-folder.ts';

/** A recording's folder by its path. */
export function folderAt(directory: string, key?: Uint8Array): RecordingFolder {
  return new RecordingFolder(directory, basename(directory), key);
}

export async function evidenceIn(path: string): Promise<OpenedBox | undefined> {
  const file = await openFile(path);
  return readEvidence(file).finally(() => file.close());
}

/** `undefined` when it is not there, too. */
export async function scanSegmentFile(path: string): Promise<FragmentScan | undefined> {
  const file = await openFile(path).catch(() => undefined);
  return file && scanFragments(file).finally(() => file.close());
}
