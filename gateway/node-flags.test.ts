import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NODE_FLAGS } from './node-flags.ts';

test('npm start and the container tell Node what a gateway needs', () => {
  const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
  const { scripts } = JSON.parse(read('package.json')) as { scripts: { start: string } };
  assert.equal(scripts.start, ['node', ...NODE_FLAGS, 'gateway/main.ts'].join(' '));
  const command = /^CMD (\[.*\])$/m.exec(read('Dockerfile'))?.[1] ?? '[]';
  assert.deepEqual((JSON.parse(command) as string[]).slice(1), [...NODE_FLAGS, 'gateway/main.ts']);
});
