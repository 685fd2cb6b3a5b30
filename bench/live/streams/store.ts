import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Film, Scenario, Sender, Work } from '../matrix.ts';
import { streamKey } from '../matrix.ts';
import { generateStream } from './generate.ts';
import { decodeStream, encodeStream, type Stream } from './stream.ts';

/** To be raised when what is drawn or how it is encoded changes: older files are not used then. */
const GENERATION = 1;

/** Where generated streams are kept from one run to the next. */
export function streamFolder(): string {
  return join(tmpdir(), `oriel-bench-streams-${userInfo().uid}-${GENERATION}`);
}

export function streamFile(key: string): string {
  return join(streamFolder(), `${key}.stream`);
}

/** Encodes a stream unless that was done before; it takes seconds. @returns whether it had to be made */
export async function ensureStream(scenario: Scenario | Film | Work, size: string, sender: Sender): Promise<boolean> {
  const file = streamFile(streamKey(scenario, size, sender));
  if (existsSync(file)) return false;
  await mkdir(streamFolder(), { recursive: true, mode: 0o700 });
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, encodeStream(generateStream(scenario, size, sender)));
  await rename(unfinished, file);
  return true;
}

export async function readStream(file: string): Promise<Stream> {
  const { buffer, byteOffset, length } = await readFile(file);
  return decodeStream(new Uint8Array(buffer, byteOffset, length));
}
