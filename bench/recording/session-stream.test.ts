import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { BenchError } from '../cli.ts';
import { ReplayedSession } from './replayed-session.ts';
import { SessionStreamReader, SessionStreamWriter } from './session-stream.ts';

async function folderFor(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'oriel-stream-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A desktop of 640 × 480 that came 2 s before the work began, and a pointer that moved 50 ms after it. */
async function shortSession(folder: string): Promise<string> {
  const path = join(folder, 'short.session');
  const writer = await SessionStreamWriter.create(path);
  writer.update(1000, { code: UpdateCode.desktopReset, data: Uint8Array.of(0x80, 2, 0xe0, 1) });
  writer.pointer(3050.5, 640, 1000);
  writer.update(3050.5, { code: UpdateCode.pointerHidden, data: new Uint8Array(0) });
  await writer.end(3000);
  return path;
}

test('a session is read as it was written, with times since its work began', async (context) => {
  const reader = new SessionStreamReader(await shortSession(await folderFor(context)));
  context.after(() => reader.close());
  assert.deepEqual(
    [...reader.moments()],
    [
      { at: 0, kind: 'update', update: { code: UpdateCode.desktopReset, data: Uint8Array.of(0x80, 2, 0xe0, 1) } },
      { at: 50.5, kind: 'pointer', x: 640, y: 1000 },
      { at: 50.5, kind: 'update', update: { code: UpdateCode.pointerHidden, data: new Uint8Array(0) } },
    ],
  );
});

test('played, it shows at once what was there, and moves the pointer when it was moved', async (context) => {
  const session = new ReplayedSession('short', await shortSession(await folderFor(context)));
  context.after(() => session.close());
  const seen: string[] = [];
  session.start({ changed: () => {}, pointer: (x, y, { kind }) => seen.push(`${x},${y} ${kind}`) });
  assert.deepEqual([session.width, session.height], [640, 480]);
  session.step(50);
  assert.deepEqual(seen, ['0,0 default']);
  session.step(100);
  assert.deepEqual(seen.slice(1), ['640,1000 default', '640,1000 hidden']);
});

test('another file, or a session that was not written to its end, is said to be none', async (context) => {
  const folder = await folderFor(context);
  const other = join(folder, 'other.session');
  await writeFile(other, 'something else');
  const cut = await shortSession(folder);
  await truncate(cut, 60);
  for (const path of [other, cut]) {
    assert.throws(
      () => new SessionStreamReader(path),
      (error) => error instanceof BenchError && error.code === 'file_unreadable',
    );
  }
});

test('what cannot be written is told at the end', async () => {
  const writer = await SessionStreamWriter.create('/dev/full');
  writer.pointer(0, 1, 1);
  await assert.rejects(writer.end(0), { code: 'ENOSPC' });
});
