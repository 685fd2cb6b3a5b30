import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { RecordingFolder } from '../storage/recording-folder.ts';
import { temporaryDirectory } from '../testing/media-tools.ts';
import { smallDisk } from '../testing/small-disk.ts';
import { EventJournal, readLostEvents } from './event-journal.ts';
import { EventLog } from './event-log.ts';

const NONE = { count: 0, lastOf: new Map<string, number>() };

async function sealedFolder(context: TestContext): Promise<RecordingFolder> {
  return new RecordingFolder(join(await temporaryDirectory(context), 'session-1'), 'session-1', randomBytes(32));
}

function journalIn(folder: RecordingFolder, options = {}): EventJournal {
  return new EventJournal(folder, () => 5000, options);
}

test('what was appended is there without anything having been closed, and encrypted', async (context) => {
  const folder = await sealedFolder(context);
  const journal = journalIn(folder);
  journal.append('connected', { host: 'server-7' }, 1000);
  journal.append('input', { keys: 3 }, 2000);
  await journal.flush();
  assert.deepEqual(await readLostEvents(folder, NONE), [
    { n: 0, at: 1000, type: 'connected', fields: { host: 'server-7' } },
    { n: 1, at: 2000, type: 'input', fields: { keys: 3 } },
  ]);
  for (const name of await readdir(folder.path)) {
    assert.ok(!(await readFile(join(folder.path, name), 'latin1')).includes('server-7'), name);
  }
  await journal.close();
});

test('a log takes from it exactly what it does not have', async (context) => {
  const folder = await sealedFolder(context);
  await mkdir(folder.path);
  const journal = journalIn(folder);
  const log = await EventLog.open({ folder, sessionId: 'session-1', at: 0 });
  const send = (keys: number, arrives: boolean) => {
    journal.append('input', { keys }, keys * 1000);
    if (arrives) log.append('input', { keys }, { at: keys * 1000, t: null });
  };
  send(1, true);
  // What the recorder writes by itself is none of the gateway's events.
  log.append('desktop', { width: 1, height: 1 }, { at: 1, t: null });
  send(2, true);
  send(3, false);
  send(4, false);
  await journal.flush();
  await log.close();
  const next = await EventLog.open({ folder, sessionId: 'session-1', at: 0 });
  await next.appendLost(500);
  await next.appendLost(500);
  await next.close();
  const content = (await folder.openLog('events.jsonl')) ?? assert.fail();
  const lines = (await content.read(0, content.size)).toString().trim().split('\n');
  await content.close();
  const inputs = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'input');
  assert.deepEqual(
    inputs.map(({ keys, at, t }) => [keys, at, t]),
    [
      [1, 1000, null],
      [2, 2000, null],
      [3, 3000, 2500],
      [4, 4000, 3500],
    ],
  );
  await journal.close();
});

test('what was being summed up counts until it has been written as an event', async (context) => {
  const folder = await sealedFolder(context);
  const journal = journalIn(folder, { pendingEveryMs: 0 });
  let keys: number | undefined = 0;
  const type = async () => {
    keys = (keys ?? 0) + 1;
    journal.pending('input', () => (keys === undefined ? undefined : { keys }));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await journal.flush();
  };
  const lost = async () => (await readLostEvents(folder, NONE)).map(({ type, fields }) => [type, fields.keys]);
  await type();
  assert.deepEqual(await lost(), [['input', 1]]);
  await type();
  journal.append('frozen', {}, 1);
  await type();
  assert.deepEqual(await lost(), [
    ['frozen', undefined],
    ['input', 3],
  ]);
  journal.append('input', { keys }, 2);
  keys = undefined;
  await journal.flush();
  assert.deepEqual(await lost(), [
    ['frozen', undefined],
    ['input', 3],
  ]);
  // The log may have it although the journal was too slow to.
  assert.deepEqual(await readLostEvents(folder, { count: 2, lastOf: new Map([['input', 1]]) }), []);
  await journal.close();
});

test('it does not grow for ever, and keeps the newest', async (context) => {
  const folder = await sealedFolder(context);
  const journal = journalIn(folder, { rotateBytes: 2000 });
  for (let n = 0; n < 500; n++) {
    journal.append('input', { keys: n }, n);
    await journal.flush();
  }
  const names = await readdir(folder.path);
  assert.equal(names.length, 2);
  for (const name of names) assert.ok((await stat(join(folder.path, name))).size < 8000);
  const kept = (await readLostEvents(folder, { ...NONE, count: 490 })).map(({ n }) => n);
  assert.deepEqual(kept, [490, 491, 492, 493, 494, 495, 496, 497, 498, 499]);
  await journal.close();
});

test('what a full disk did not take is written when there is room', async (context) => {
  const disk = await smallDisk(context, 300);
  if (disk === undefined) return;
  const folder = new RecordingFolder(join(disk, 'session-1'), 'session-1', randomBytes(32));
  const journal = journalIn(folder);
  journal.append('input', { keys: 1 }, 1);
  await journal.flush();
  const ballast = join(disk, 'ballast');
  await writeFile(ballast, Buffer.alloc(400_000)).catch(() => {});
  // More than fits into what is left of the file's last page.
  journal.append('input', { keys: 2, padding: 'x'.repeat(5000) }, 2);
  await journal.flush();
  journal.append('ended', {}, 3);
  await journal.flush();
  const lost = async () => (await readLostEvents(folder, NONE)).map(({ n }) => n);
  assert.deepEqual(await lost(), [0]);
  await rm(ballast);
  await journal.flush();
  assert.deepEqual(await lost(), [0, 1, 2]);
  await journal.close();
});

test('cut off anywhere, or not there: what is whole of it counts', async (context) => {
  const folder = await sealedFolder(context);
  assert.deepEqual(await readLostEvents(folder, NONE), []);
  const journal = journalIn(folder);
  for (let n = 0; n < 5; n++) {
    journal.append('input', { keys: n }, n);
    await journal.flush();
  }
  await journal.close();
  const [name = ''] = await readdir(folder.path);
  const { size } = await stat(join(folder.path, name));
  for (let cut = size; cut >= 0; cut -= 7) {
    await truncate(join(folder.path, name), cut);
    const kept = (await readLostEvents(folder, NONE)).map(({ n }) => n);
    assert.deepEqual(kept, [0, 1, 2, 3, 4].slice(0, kept.length));
    assert.ok(cut < size ? kept.length < 5 : kept.length === 5);
  }
});
