import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AskingRules, Grant } from '../api/requests.ts';
import {
  demandsOfForm,
  emptyRequestForm,
  errorsOf,
  fieldOf,
  formOf,
  grantOf,
  type RequestForm,
  requestOf,
  textBeside,
} from './new-request-form.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

const rules: AskingRules = {
  emergency: false,
  reasonRequired: false,
  reasonCodes: [],
  commentRequired: false,
  ticketRequired: false,
  ticketPattern: null,
  defaultMinutes: 60,
  maxMinutes: 480,
  minutesChangeable: true,
  windows: [],
  timeZone: 'UTC',
  recording: null,
  liveView: true,
  idleMinutes: 10,
  sessionMinutes: 0,
  exclusive: false,
  stepUp: false,
  review: false,
};

function grant(account: string, policy: string, more: Partial<AskingRules> = {}, approvalsNeeded = 0): Grant {
  return {
    entitlementId: `${account} by ${policy}`,
    account: { id: account, username: account, domain: '' },
    target: { id: 'target', name: 'Target' },
    policy: { id: policy, name: policy },
    needsRequest: true,
    approvalsNeeded,
    rules: { ...rules, ...more },
  };
}

function form(more: Partial<RequestForm>): RequestForm {
  return { ...emptyRequestForm, items: [{ accountId: 'a', minutes: '', entitlementId: '' }], ...more };
}

test('of several grants the one that asks least; in an emergency, one that allows it; the chosen one before all', () => {
  const grants = [grant('a', 'two', { emergency: true }, 2), grant('a', 'ticket', { ticketRequired: true })];
  const [item] = form({}).items;
  assert.ok(item);
  assert.equal(grantOf(item, grants, false)?.policy.name, 'ticket');
  assert.equal(grantOf(item, grants, true)?.policy.name, 'two');
  assert.equal(grantOf({ ...item, entitlementId: 'a by two' }, grants, false)?.policy.name, 'two');
});

test('what several policies ask comes together; of the lists of reasons, what all have', () => {
  const grants = [
    grant('a', 'p', { reasonRequired: true, reasonCodes: ['patch', 'incident'] }, 1),
    grant('b', 'q', { commentRequired: true, reasonCodes: ['incident'], ticketPattern: 'CHG\\d+' }, 2),
  ];
  const items = ['a', 'b'].map((accountId) => ({ accountId, minutes: '', entitlementId: '' }));
  assert.deepEqual(demandsOfForm(form({ items }), grants), {
    reasonRequired: true,
    commentRequired: true,
    ticketRequired: false,
    reasonCodes: ['incident'],
    ticketPatterns: ['CHG\\d+'],
    approvals: 2,
    noEmergency: ['p', 'q'],
  });
});

test('each error stands beside its field', () => {
  const grants = [grant('a', 'p', { reasonRequired: true, commentRequired: true, ticketRequired: true })];
  assert.deepEqual(Object.keys(errorsOf(emptyRequestForm, grants, NOW)), ['items']);
  const wrong = errorsOf(
    form({
      items: [{ accountId: 'a', minutes: '481', entitlementId: '' }],
      later: true,
      start: '2020-01-01T10:00',
      emergency: true,
    }),
    grants,
    NOW,
  );
  assert.deepEqual(Object.keys(wrong), ['minutes a', 'start', 'emergency', 'reason', 'comment', 'ticket']);
  assert.deepEqual(errorsOf(form({ reason: 'r', comment: 'c', ticket: 't' }), grants, NOW), {});
  for (const minutes of ['0', '1.5', 'x', '-3']) {
    assert.ok('minutes a' in errorsOf(form({ items: [{ accountId: 'a', minutes, entitlementId: '' }] }), grants, NOW));
  }
});

test('a time by the own clock is sent as the moment it is; what is empty is not sent', (t) => {
  const before = process.env.TZ;
  t.after(() => {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  });
  process.env.TZ = 'Asia/Kolkata';
  const sent = requestOf(form({ later: true, start: '2026-11-22T14:30', comment: ' because ' }), 'Asia/Kolkata');
  assert.deepEqual(sent, {
    items: [{ accountId: 'a' }],
    timeZone: 'Asia/Kolkata',
    start: '2026-11-22T09:00:00.000Z',
    comment: 'because',
  });
});

test('a favourite is a form again, without its time', () => {
  const kept = requestOf(
    form({ items: [{ accountId: 'a', minutes: '90', entitlementId: 'e' }], later: true, start: '2026-11-22T14:30' }),
    'UTC',
  );
  assert.deepEqual(formOf(kept), form({ items: [{ accountId: 'a', minutes: '90', entitlementId: 'e' }] }));
  assert.equal(formOf({ items: [{ accountId: 'a' }], minutes: 30 }).items[0]?.minutes, '30');
});

test('what the gateway refuses is said beside the field that it is about', () => {
  assert.equal(fieldOf('outside_hours', 'policy "p"'), 'start');
  assert.equal(fieldOf('policy_refused', 'a ticket number is needed (policy "p")'), 'ticket');
  assert.equal(fieldOf('bad_request', 'the start is in the past'), 'start');
  assert.equal(fieldOf('not_entitled', 'ticket'), undefined);
});

test('beside its field a refusal is one sentence', () => {
  const message = 'The request is not what the policy of the account asks for.';
  assert.equal(
    textBeside({ code: 'policy_refused', message, detail: 'the ticket number was not confirmed' }),
    'The ticket number was not confirmed.',
  );
  assert.equal(textBeside({ code: 'policy_refused', message, detail: undefined }), message);
  assert.equal(
    textBeside({ code: 'outside_hours', message: 'Not at this time.', detail: 'policy "p"' }),
    'Not at this time. (policy "p")',
  );
});
