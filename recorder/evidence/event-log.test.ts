import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { temporaryDirectory } from '../testing/media-tools.ts';
import { folderAt } from '../testing/open-files.ts';
import { checkLog, EVENTS_FILE, EventLog, MAX_LOG_BYTES, sha256 } from './event-log.ts';

const times = { at: 1_700_000_000_000.4, t: 12.6 };

test('lines as the document says: fixed fields that no other can take the place of, each with the hash of the one before', async (context) => {
  const directory = await temporaryDirectory(context);
  const log = await EventLog.open({ folder: folderAt(directory), sessionId: 's', at: 5 });
  log.append('request', { user: 'jane', n: 99, prev: 'x', at: 1 }, times);
  const state = await log.close();
  log.append('late', {}, times);
  const text = await readFile(join(directory, EVENTS_FILE), 'utf8');
  const first = `{"n":0,"at":5,"t":null,"type":"log","format":"oriel-events","version":1,"session":"s","prev":"${'0'.repeat(64)}"}\n`;
  const second = `{"n":1,"at":1700000000000,"t":13,"type":"request","user":"jane","prev":"${sha256(first)}"}\n`;
  assert.equal(text, first + second);
  assert.deepEqual(state, { bytes: text.length, lines: 2, head: sha256(second) });
});

test('a log is gone on with where it ended, without its torn line', async (context) => {
  const directory = await temporaryDirectory(context);
  const first = await EventLog.open({ folder: folderAt(directory), sessionId: 's', at: 5 });
  for (let i = 0; i < 20; i++) first.append('input', { keys: i }, times);
  await first.close();
  await appendFile(join(directory, EVENTS_FILE), '{"n":21,"at":');
  const second = await EventLog.open({ folder: folderAt(directory), sessionId: 's', at: 6 });
  second.append('ended', {}, times);
  await second.close();
  const { events, breaks } = checkLog(await readFile(join(directory, EVENTS_FILE)));
  assert.deepEqual(breaks, []);
  assert.deepEqual(
    events.slice(-2).map(({ n, type, bytes }) => [n, type, bytes]),
    [
      [21, 'torn', 13],
      [22, 'ended', undefined],
    ],
  );
});

test('a log that is flooded fails the recording, stays small enough to be finished, and says how it ended', async (context) => {
  const directory = await temporaryDirectory(context);
  const failures: string[] = [];
  const log = await EventLog.open({
    folder: folderAt(directory),
    sessionId: 's',
    at: 5,
    onFailure: (cause) => {
      failures.push(cause.message);
      log.append('encoder-lost', { file: '0000.mp4' }, times);
    },
  });
  const text = 'x'.repeat(1024 * 1024);
  for (let i = 0; i < 70; i++) log.append('clipboard', { text }, times);
  log.append('ended', { code: 'recording_failed' }, times);
  log.append('segment', { file: '0000.mp4' }, times);
  log.append('finished', {}, times);
  await log.close();
  assert.deepEqual(failures, ['there are more than 64 MB of them']);
  const bytes = await readFile(join(directory, EVENTS_FILE));
  assert.ok(bytes.length < MAX_LOG_BYTES + 4096, `${bytes.length}`);
  const { events, breaks } = checkLog(bytes);
  assert.deepEqual(breaks, []);
  assert.deepEqual(
    events.slice(-5).map(({ type }) => type),
    ['clipboard', 'encoder-lost', 'ended', 'segment', 'finished'],
  );
});

test('any change of any line breaks the chain', async (context) => {
  const directory = await temporaryDirectory(context);
  const log = await EventLog.open({ folder: folderAt(directory), sessionId: 's', at: 5 });
  for (let i = 0; i < 12; i++) log.append('input', { keys: i }, times);
  const { head } = await log.close();
  const bytes = await readFile(join(directory, EVENTS_FILE));
  assert.deepEqual(checkLog(bytes).head, head);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const altered = Buffer.from(bytes);
      altered.writeUInt8(altered.readUInt8(at) ^ change, at);
      const checked = checkLog(altered);
      // The last line has none behind it: what it should be is in the manifest.
      return checked.breaks.length > 0 || checked.head !== head;
    }),
  );
  const lines = bytes.toString('utf8').split('\n');
  for (let n = 0; n < 12; n++) {
    const without = checkLog(Buffer.from(lines.filter((_, index) => index !== n).join('\n')));
    assert.ok(
      without.breaks.some(({ line }) => line === n),
      `line ${n} is missing and nothing is said`,
    );
    const swapped = [...lines];
    [swapped[n], swapped[n + 1]] = [swapped[n + 1] as string, swapped[n] as string];
    assert.ok(checkLog(Buffer.from(swapped.join('\n'))).breaks.length > 0);
  }
});

const writer = fileURLToPath(new URL('../testing/event-process.ts', import.meta.url));

test('a process killed at any moment loses no event that it had given to the log', async (context) => {
  for (const patience of [150, 333, 520]) {
    const directory = await temporaryDirectory(context);
    const child = spawn(process.execPath, [writer, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    while (!printed.includes('\n5\n')) await new Promise((wake) => setTimeout(wake, 10));
    await new Promise((wake) => setTimeout(wake, patience));
    child.kill('SIGKILL');
    await once(child, 'close');
    const told = Number(printed.trim().split('\n').at(-1));
    const { events } = checkLog(await readFile(join(directory, EVENTS_FILE)));
    // The number is told a turn of the event loop after the event was given, 20 ms before the next.
    assert.ok((events.at(-1)?.n ?? 0) >= told, `event ${told} is lost, the last is ${events.at(-1)?.n}`);
  }
});

test('a log that cannot be written for long fails the recording, and what is there stays whole', async (context) => {
  const directory = await temporaryDirectory(context);
  // No file may grow past 8 blocks of 512 bytes: a full disk, as far as the log can tell.
  const command = `ulimit -f 8; exec "$0" "$1" "$2" fill`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command, process.execPath, writer, directory], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /failed EFBIG/);
  const bytes = await readFile(join(directory, EVENTS_FILE));
  const log = await EventLog.open({ folder: folderAt(directory), sessionId: 's', at: 5 });
  await log.close();
  assert.deepEqual(checkLog(await readFile(join(directory, EVENTS_FILE))).breaks, []);
  assert.ok(bytes.length <= 4096);
});

test('a log that was cut in the middle of a line, at any byte, is gone on with', async (context) => {
  const directory = await temporaryDirectory(context);
  const log = await EventLog.open({ folder: folderAt(directory), sessionId: 's', at: 5 });
  log.append('input', { text: 'ü€𝄞' }, times);
  const { bytes } = await log.close();
  const path = join(directory, EVENTS_FILE);
  const whole = await readFile(path);
  for (let size = 0; size <= bytes; size += 7) {
    const file = await open(path, 'w');
    await file.write(whole.subarray(0, size));
    await file.close();
    await (await EventLog.open({ folder: folderAt(directory), sessionId: 's', at: 5 })).close();
    assert.deepEqual(checkLog(await readFile(path)).breaks, [], `cut at ${size}`);
  }
});
