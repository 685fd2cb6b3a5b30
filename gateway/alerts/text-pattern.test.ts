import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireTextPattern, TextPattern } from './text-pattern.ts';

test('a pattern is looked for anywhere in the text, a line of its own included', () => {
  assert.equal(new TextPattern('rm\\s+-rf', false).find('sudo RM  -rf /'), 'RM  -rf');
  assert.equal(new TextPattern('rm\\s+-rf', true).find('sudo RM  -rf /'), undefined);
  assert.equal(new TextPattern('^format c:\\n', false).find('dir\nformat c:\n'), 'format c:\n');
});

test('what is no expression, or matches where nothing is typed, is refused', () => {
  assert.throws(() => requireTextPattern('('), { code: 'bad_request' });
  assert.throws(() => requireTextPattern('a*'), { code: 'bad_request' });
  assert.doesNotThrow(() => requireTextPattern('a+'));
});

test('a pattern that never ends is cut short, and counts as a match', () => {
  const text = `${'a'.repeat(60)}!`;
  assert.equal(new TextPattern('^(a+)+$', false).find(text), text);
});

test('the time that the machine gives to others counts for nothing', (context) => {
  const starved = context.mock.method(process, 'threadCpuUsage', () => ({ user: 0, system: 0 }));
  // Many milliseconds of trying, and then no match.
  assert.equal(new TextPattern('^(a+)+$', false).find(`${'a'.repeat(22)}!`, 1), undefined);
  assert.ok(starved.mock.callCount() > 2, 'it was tried more than once');
});
