import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const setup = join(import.meta.dirname, 'setup.mjs');

function runSetup(args: readonly string[], env: NodeJS.ProcessEnv) {
  return spawnSync(process.execPath, [setup, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });
}

test('set-up with nothing to do says nothing and succeeds', () => {
  const { status, stdout, stderr } = runSetup(['--no-build'], {});
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});

test('a missing system part that cannot be installed fails, naming the part, its package and a command', () => {
  const empty = mkdtempSync(join(tmpdir(), 'oriel-path-'));
  try {
    // Neither ffmpeg nor apt-get is on this PATH.
    const { status, stderr } = runSetup(['--no-build'], { PATH: empty, CI: 'true' });
    assert.equal(status, 1);
    assert.match(stderr, /ffmpeg \(records sessions as MP4\): Debian\/Ubuntu package ffmpeg/);
    assert.match(stderr, /install them with/);
  } finally {
    rmSync(empty, { recursive: true });
  }
});

test('an unknown option is refused', () => {
  const { status, stderr } = runSetup(['--tset'], {});
  assert.equal(status, 1);
  assert.match(stderr, /unknown option --tset/);
});
