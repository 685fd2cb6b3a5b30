import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HistoryRow, reachOf } from './reach.ts';

const FOREVER = Infinity;
const be = (table: string, from: number, to: number, row: HistoryRow['row']): HistoryRow => ({ table, from, to, row });
const jane = { id: 'u1', username: 'jane', roles_json: '["user"]', disabled: 0 };
const history: readonly HistoryRow[] = [
  be('users', 0, 50, jane),
  be('users', 50, 60, { ...jane, disabled: 1 }),
  be('users', 60, FOREVER, jane),
  be('users', 0, FOREVER, { id: 'u2', username: 'otto', roles_json: '["auditor"]', disabled: 0 }),
  be('groups', 0, FOREVER, { id: 'g', name: 'Operators' }),
  be('group_members', 10, 90, { group_id: 'g', user_id: 'u1' }),
  be('group_members', 0, FOREVER, { group_id: 'g', user_id: 'u2' }),
  be('policies', 0, 30, { id: 'p', name: 'Open', rules_json: '{}' }),
  be('policies', 30, FOREVER, { id: 'p', name: 'Open', rules_json: '{"steps":[1]}' }),
  be('entitlements', 0, 80, { id: 'e', group_id: 'g', policy_id: 'p', all_accounts: 0 }),
  be('entitlement_targets', 0, FOREVER, { entitlement_id: 'e', target_id: 't' }),
  be('targets', 0, FOREVER, { id: 't', name: 'Payroll', host: 'payroll' }),
  be('accounts', 20, FOREVER, { id: 'a', target_id: 't', username: 'operator', domain: 'CORP' }),
  be('accounts', 0, FOREVER, { id: 'b', target_id: 'other', username: 'root', domain: '' }),
];
const mayConnect = (roles: string) => roles.includes('user');
const facts = (from: number, to: number, rows = history) =>
  reachOf(rows, { from, to }, mayConnect).map((reach) => [
    reach.person,
    reach.account,
    reach.rulesJson,
    reach.from,
    reach.to,
  ]);

test('access lasts as long as everything that it stands on does', () => {
  assert.deepEqual(facts(0, 1000), [
    ['jane', 'CORP\\operator', '{}', 20, 30],
    ['jane', 'CORP\\operator', '{"steps":[1]}', 30, 50],
    ['jane', 'CORP\\operator', '{"steps":[1]}', 60, 80],
  ]);
});

test('on a date: what reaches into it', () => {
  assert.deepEqual(facts(25, 26), [['jane', 'CORP\\operator', '{}', 20, 30]]);
  assert.deepEqual(facts(52, 58), [], 'disabled then');
  assert.deepEqual(facts(80, 90), [], 'no longer entitled');
  assert.deepEqual(facts(0, 20), [], 'the account was not there yet');
});

test('an account that has no name of its own is not left blank', () => {
  const own = be('accounts', 0, FOREVER, { id: 'c', target_id: 't', username: '', domain: 'CORP' });
  const accounts = reachOf([...history, own], { from: 25, to: 26 }, mayConnect).map(({ account }) => account);
  assert.deepEqual(accounts.toSorted(), ['CORP\\(whoever connects)', 'CORP\\operator']);
});

test('an entitlement to every account, and to one', () => {
  const all = [...history, be('entitlements', 0, 80, { id: 'all', group_id: 'g', policy_id: 'p', all_accounts: 1 })];
  assert.deepEqual(
    reachOf(all, { from: 25, to: 26 }, mayConnect).map(({ account }) => account),
    ['root', 'CORP\\operator'],
    'once, though entitled twice over',
  );
  const one = [
    ...history,
    be('entitlements', 0, 80, { id: 'one', group_id: 'g', policy_id: 'p', all_accounts: 0 }),
    be('entitlement_accounts', 0, 24, { entitlement_id: 'one', account_id: 'b' }),
  ];
  assert.deepEqual(
    facts(22, 23, one).map(([, account]) => account),
    ['root', 'CORP\\operator'],
  );
  assert.deepEqual(
    facts(25, 26, one).map(([, account]) => account),
    ['CORP\\operator'],
  );
});

test('what changes without changing access does not break it up', () => {
  const renamed = history.flatMap((row) =>
    row.table === 'groups'
      ? [
          { ...row, to: 40 },
          { ...row, from: 40, row: { id: 'g', name: 'Night shift' } },
        ]
      : [row],
  );
  const reaches = reachOf(renamed, { from: 0, to: 1000 }, mayConnect);
  assert.deepEqual(
    reaches.map(({ group }) => group),
    ['Night shift', 'Night shift', 'Night shift'],
  );
});
