import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..');

test('the commands that people are told of work with what the container image has', async () => {
  const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  const copied = [...last.matchAll(/^COPY (?!--)(\S+) /gm)].map(([, name = '']) => name);
  const settings = [...(/^ENV (.+)$/m.exec(last)?.[1] ?? '').matchAll(/(\S+)=(\S+)/g)];
  const folder = mkdtempSync(join(tmpdir(), 'oriel-image-'));
  try {
    for (const name of ['package.json', ...copied]) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const env = { ...process.env, ...Object.fromEntries(settings.map(([, name, value]) => [name, value])) };
    await Promise.all(
      ['backup', 'restore', 'rewrap', 'doctor', 'audit', 'verify'].map(async (name) => {
        const { stdout } = await promisify(execFile)('npm', ['run', '--silent', name, '--', '--help'], {
          cwd: folder,
          env,
        });
        assert.match(stdout, new RegExp(`npm run ${name}`));
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
