import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ensureSigningKey, type PublicKey } from '../evidence/signing-key.ts';
import { temporaryDirectory } from './media-tools.ts';
import { RecordingSession } from './recording-session.ts';

export interface Sealed {
  readonly path: string;
  readonly folder: string;
  readonly bytes: Buffer;
  readonly keys: readonly PublicKey[];
  readonly keyFile: string;
}

/** A recording of three segments with some events, sealed by the recorder itself. */
export async function sealedRecording(context: TestContext, colour = '#c06020'): Promise<Sealed> {
  const folder = await temporaryDirectory(context);
  const keyFile = join(folder, 'keys', 'evidence.key');
  const key = await ensureSigningKey(keyFile);
  const options = { signingKeyFile: keyFile, segmentMs: 4000 };
  const session = await RecordingSession.open(context, 320, 240, options);
  session.recorder.event('request', { user: 'jane' }, session.clock.now() - 500);
  for (let i = 0; i < 12; i++) {
    session.fill({ x: i * 20, y: i * 10, width: 90, height: 70 }, i % 2 ? '#2060c0' : colour);
    session.recorder.event('input', { keys: i, clicks: 1 });
    await session.advance(1000);
  }
  const summary = await session.finish();
  assert.ok(summary);
  assert.equal(summary.state, 'complete');
  return { path: summary.path, folder, bytes: await readFile(summary.path), keys: [key.publicKey], keyFile };
}
