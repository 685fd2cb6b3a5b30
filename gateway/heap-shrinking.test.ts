import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

test('this V8 has the flag that the heap is kept by: it says so of each that it does not have', () => {
  const run = (script: string) => {
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
    });
    assert.equal(status, 0);
    return stderr;
  };
  const module = JSON.stringify(new URL('./heap-shrinking.ts', import.meta.url).href);
  const shrink = `import { letHeapShrink } from ${module}; letHeapShrink(false); letHeapShrink(true);`;
  assert.equal(run(shrink), '');
  assert.match(run(`import v8 from 'node:v8'; v8.setFlagsFromString('--memory-reducer-gc-counts=0')`), /unrecognized/);
});
