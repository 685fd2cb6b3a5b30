import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEmpty } from '../ui/form-address.ts';
import { filterOf, recordingForm } from './recording-filter.ts';

const { emptyForm, formOf, addressOf } = recordingForm;

test('nothing is asked where nothing is filled in', () => {
  assert.deepEqual(filterOf(emptyForm), {});
  assert.deepEqual(filterOf({ ...emptyForm, user: '  ', from: 'yesterday', length: 'x', state: 'failed' }), {});
});

test('texts, days, lengths and states', () => {
  const filter = filterOf({ ...emptyForm, search: ' a b ', target: 'sql', length: 'medium', state: 'recording' });
  assert.deepEqual(filter, { search: 'a b', target: 'sql', minSeconds: 60, maxSeconds: 600, state: 'recording' });
  const { from, to } = filterOf({ ...emptyForm, from: '2026-10-31', to: '2026-10-31' });
  assert.equal(from, new Date(2026, 9, 31).toISOString());
  assert.equal(to, new Date(2026, 10, 1).toISOString(), 'the last day is included');
});

test('the address holds the form, and gives it back', () => {
  const form = { ...emptyForm, search: 'a & b', user: 'jane', from: '2026-10-31' };
  const address = addressOf(form);
  assert.equal(address, '/recordings?search=a+%26+b&user=jane&from=2026-10-31');
  assert.deepEqual(formOf(Object.fromEntries(new URL(address, 'https://x').searchParams)), form);
  assert.equal(addressOf(emptyForm), '/recordings');
  assert.deepEqual(formOf({ page: '2', user: 'x'.repeat(500) }), { ...emptyForm, user: 'x'.repeat(128) });
});

test('spaces are nothing', () => {
  assert.equal(isEmpty({ ...emptyForm, search: ' ' }), true);
  assert.equal(isEmpty({ ...emptyForm, state: 'ready' }), false);
});
