import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../testing/media-tools.ts';
import { findFfmpeg, pipeFfmpeg } from './ffmpeg.ts';
import { lowerPriority, Niceness } from './lower-priority.ts';

test('all threads of a process are lowered, and its group', { skip: process.platform !== 'linux' }, async (context) => {
  const program = 'process.stdout.write("."); setInterval(() => {}, 1000)';
  const child = spawn(process.execPath, ['-e', program], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const pid = child.pid as number;
  lowerPriority(pid, Niceness.capture);
  const threads = readdirSync(`/proc/${pid}/task`).map(Number);
  assert.ok(threads.length > 1, 'Node has helpers');
  assert.deepEqual(
    threads.map((thread) => getPriority(thread)),
    threads.map(() => Niceness.capture),
  );
  // Where the kernel has such groups.
  const group = `/proc/${pid}/autogroup`;
  if (existsSync(group)) assert.match(readFileSync(group, 'utf8'), new RegExp(`nice ${Niceness.capture}$`, 'm'));
});

test('a process that is gone is left alone', async () => {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  lowerPriority(child.pid, Niceness.encode);
  lowerPriority(undefined, Niceness.encode);
});

test('an ffmpeg that encodes is lowered; one that a session waits for is not', async (context) => {
  const folder = await temporaryDirectory(context);
  const [program, niceness] = ['ffmpeg', 'niceness'].map((name) => join(folder, name)) as [string, string];
  // Only once whoever started it has had the time to lower it.
  await writeFile(program, `#!/bin/sh\nsleep 0.5\nnice > ${niceness}\n`, { mode: 0o755 });
  const own = getPriority();
  await assert.rejects(findFfmpeg(program), { code: 'recorder_unavailable' });
  assert.equal(Number(await readFile(niceness, 'utf8')), own);
  await pipeFfmpeg(program, [], 10_000, { output: async () => {} });
  assert.equal(Number(await readFile(niceness, 'utf8')), Math.max(own, Niceness.encode));
});
