import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Group } from '../api/access.ts';
import type { Role, User } from '../api/types.ts';
import { fieldsOf, type PolicyForm, usualPolicy } from './policy-form.ts';
import { approvalWarnings, hoursOf, listOf, scopeOf, summaryOf } from './words.ts';

const summary = (change: Partial<PolicyForm>) =>
  summaryOf(fieldsOf({ ...usualPolicy, name: 'x', ...change }), (id) => id.toUpperCase());

test('a policy in one line says what differs from the usual', () => {
  assert.equal(summary({}), 'No approval; up to 8 hours');
  assert.equal(
    summary({
      steps: [
        { needed: '2', group: 'approvers' },
        { needed: '1', group: '' },
      ],
      reasonRequired: true,
      ticketRequired: true,
      commentRequired: true,
      minutesChangeable: false,
      recording: 'required',
      clipboard: 'to-remote',
      files: 'none',
      idleMinutes: '0',
      review: true,
    }),
    '2 of APPROVERS, then 1 of any approvers; reason, comment and ticket; for 1 hour; recorded or not at all; ' +
      'no idle limit; clipboard in only; no files; reviewed',
  );
});

test('days that follow each other are a span, full hours are short', () => {
  assert.equal(hoursOf([], 'UTC'), '');
  assert.equal(
    hoursOf(
      [
        { days: [5, 1, 2, 3, 4], from: '08:00', to: '18:00' },
        { days: [6, 7], from: '09:30', to: '12:00' },
        { days: [1, 3], from: '22:00', to: '06:00' },
      ],
      'Europe/Berlin',
    ),
    'Mon–Fri 08–18, Sat, Sun 09:30–12, Mon, Wed 22–06 Europe/Berlin',
  );
});

test('lists in words', () => {
  assert.deepEqual([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(listOf), ['', 'a', 'a and b', 'a, b and c']);
});

test('what an entitlement covers', () => {
  const target = { id: 't', name: 'Server' };
  assert.deepEqual(scopeOf({ accounts: 'all', targets: [target] }), ['Every account']);
  assert.deepEqual(scopeOf({ accounts: [{ id: 'a', username: 'root', target }], targets: [target] }), [
    'Every account on Server',
    'root on Server',
  ]);
});

const user = (id: string, role: Role, disabled = false) =>
  ({ id, username: id, roles: [role], disabled }) as unknown as User;
const group = (id: string, ...members: string[]): Group => ({
  id,
  name: id.toUpperCase(),
  description: '',
  members: members.map((member) => ({ id: member, username: member })),
});

test('approvals that can never be had are warned of: only approvers count, not the disabled, each one once', () => {
  const users = [user('ann', 'approver'), user('bob', 'user'), user('cy', 'approver', true), user('dee', 'admin')];
  const groups = [group('g', 'ann', 'bob', 'cy'), group('h', 'bob'), group('i', 'ann')];
  const warn = (...steps: [needed: number, group: string | null][]) =>
    approvalWarnings(
      steps.map(([needed, of]) => ({ needed, group: of })),
      groups,
      users,
    );
  assert.deepEqual(warn(), []);
  assert.deepEqual(warn([1, 'g']), []);
  assert.deepEqual(warn([2, null]), []);
  assert.deepEqual(warn([2, 'g']), ['2 of G must approve, and only 1 in G can.']);
  assert.deepEqual(warn([1, 'h']), ['1 of H must approve, and nobody in H can.']);
  assert.deepEqual(warn([3, null]), ['3 of any approvers must approve, and only 2 in Oriel can.']);
  assert.deepEqual(warn([1, 'g'], [1, 'i']), ['2 different people must approve in all, and only 1 can.']);
});
