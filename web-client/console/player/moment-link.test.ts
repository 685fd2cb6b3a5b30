import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMomentParameter, parseMoment } from './moment-link.ts';

test('moments as people and other players write them', () => {
  const moments = ['0', '83', '83.5', '1:23', '1:02:03', '1h2m3s', '90s', '2m', '1h'].map(parseMoment);
  assert.deepEqual(moments, [0, 83_000, 83_500, 83_000, 3_723_000, 3_723_000, 90_000, 120_000, 3_600_000]);
});

test('anything else is no moment', () => {
  for (const text of [undefined, null, '', '-5', 'NaN', '1e3', '1:2', ':', 's', 'h', '1m2h', ' 5', '9'.repeat(21)]) {
    assert.equal(parseMoment(text), undefined, String(text));
  }
});

test('what a link says is read back to the tenth of a second', () => {
  assert.equal(formatMomentParameter(83_449), '83.4');
  assert.equal(parseMoment(formatMomentParameter(83_449)), 83_400);
  assert.equal(formatMomentParameter(-3), '0');
});
