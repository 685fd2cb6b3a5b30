import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEmpty } from '../ui/form-address.ts';
import { auditForm, filterOf } from './audit-filter.ts';

const { emptyForm, formOf, addressOf } = auditForm;

test('nothing is asked where nothing is filled in', () => {
  assert.deepEqual(filterOf(emptyForm), {});
  assert.deepEqual(filterOf({ ...emptyForm, person: '  ', from: 'yesterday', outcome: 'x' }), {});
  assert.equal(isEmpty({ ...emptyForm, search: ' ' }), true);
});

test('times are of the clock of whoever asks, the last minute included', () => {
  const { from, to } = filterOf({ ...emptyForm, from: '2026-03-01T08:00', to: '2026-03-01T08:59' });
  assert.equal(from, new Date(2026, 2, 1, 8, 0).toISOString());
  assert.equal(to, new Date(2026, 2, 1, 9, 0).toISOString());
});

test('the address holds the form, and gives it back', () => {
  const form = { ...emptyForm, search: 'a & b', person: 'jane', outcome: 'refused' };
  assert.equal(addressOf(form), '/admin/audit?search=a+%26+b&person=jane&outcome=refused');
  assert.deepEqual(formOf(Object.fromEntries(new URL(addressOf(form), 'https://x').searchParams)), form);
  assert.equal(addressOf(emptyForm), '/admin/audit');
});

test('an action as far as it is typed', () => {
  assert.deepEqual(filterOf({ ...emptyForm, action: ' Login.' }), { action: 'login' });
  assert.deepEqual(filterOf({ ...emptyForm, action: 'login.failed' }), { action: 'login.failed' });
  assert.deepEqual(filterOf({ ...emptyForm, action: '?' }), {});
});
