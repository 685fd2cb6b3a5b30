import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesTicket, requirePattern } from './ticket-pattern.ts';

test('a pattern is for the whole number', () => {
  assert.equal(matchesTicket('INC\\d{4}', 'INC1234'), true);
  assert.equal(matchesTicket('^INC\\d{4}$', 'INC1234'), true);
  assert.equal(matchesTicket('INC\\d{4}', 'INC12345'), false);
  assert.equal(matchesTicket('INC\\d{4}|CHG\\d{2}', 'xCHG12'), false);
  assert.equal(matchesTicket('.*', 'x'.repeat(65)), false, 'too long');
});

test('a pattern that would never end matches nothing, and is over soon', () => {
  assert.equal(matchesTicket('(a+)+', 'a'.repeat(60)), true);
  assert.equal(matchesTicket('(a+)+', `${'a'.repeat(60)}b`), false);
});

test('what is no pattern is refused', () => {
  assert.throws(() => requirePattern('('), { code: 'bad_request' });
  assert.throws(() => requirePattern('a)(b'), { code: 'bad_request' });
  requirePattern('INC[0-9]+');
  assert.equal(matchesTicket('(', '('), false);
});
