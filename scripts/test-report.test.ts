import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestReport } from './test-report.ts';

function newReport() {
  const lines: string[] = [];
  const report = new TestReport({ root: '/project', verbose: false, ci: true }, (line) => lines.push(line));
  const passes = (file: string, name: string, more: object = {}) =>
    report.event({ type: 'test:pass', data: { file: `/project/${file}`, name, nesting: 0, ...more } });
  const fails = (file: string, name: string, why: string) =>
    report.event({
      type: 'test:fail',
      data: { file: `/project/${file}`, name, nesting: 0, details: { error: { cause: new Error(why) } } },
    });
  return { report, passes, fails, printed: () => lines.join('\n') };
}

test('what failed is counted, and named at the end with its reason', () => {
  const { report, passes, fails, printed } = newReport();
  passes('a.test.ts', 'one');
  fails('a.test.ts', 'two', 'the moon was full');
  passes('b.test.ts', 'three', { skip: 'no moon' });
  report.check('lint', false, 1, 'bad');
  report.finish();
  assert.deepEqual([report.passed, report.failed], [1, 3]);
  const end = printed().split('\nfailed:\n')[1] ?? '';
  for (const words of ['a.test.ts: two', 'the moon was full', 'b.test.ts: three', 'lint'])
    assert.ok(end.includes(words), words);
  assert.ok(!printed().includes('passed in the next'));
});

test('of a file that runs once more the second run counts, and what failed in the first only is named', () => {
  const { report, passes, fails, printed } = newReport();
  const files = ['a.test.ts', 'b.test.ts', 'c.test.ts'];
  passes('a.test.ts', 'one');
  passes('b.test.ts', 'two');
  fails('b.test.ts', 'three', 'the moon was full');
  fails('c.test.ts', 'four', 'always so');
  assert.deepEqual(report.failedFiles(files), ['b.test.ts', 'c.test.ts']);

  report.onceMore(['b.test.ts', 'c.test.ts']);
  assert.deepEqual([report.passed, report.failed], [1, 0]);
  passes('b.test.ts', 'two');
  passes('b.test.ts', 'three');
  fails('c.test.ts', 'four', 'always so');
  assert.deepEqual(report.failedFiles(files), ['c.test.ts']);
  report.finish();
  assert.deepEqual([report.passed, report.failed], [3, 1]);
  const [, chance = '', failed = ''] = /passed in the next[^\n]*\n([\s\S]*)\nfailed:\n([\s\S]*)/.exec(printed()) ?? [];
  assert.ok(chance.includes('b.test.ts: three') && chance.includes('the moon was full') && !chance.includes('four'));
  assert.ok(failed.includes('c.test.ts: four') && !failed.includes('three'));
});
