import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InputLogPolicy } from './input-log.ts';
import type { SessionFacts } from './session-contract.ts';
import { SessionEvidence } from './session-evidence.ts';

function evidenceOf(inputLog: InputLogPolicy) {
  const events: { type: string; fields: Readonly<Record<string, unknown>>; at: number }[] = [];
  const facts = {
    id: 's',
    user: { id: 'u', username: 'jane' },
    address: '192.0.2.1',
    signIn: { reference: 'r', at: 5 },
    target: { id: 't', name: 'server', host: 'h', port: 3389, inputLog },
    account: { id: 'a', username: 'admin', domain: '' },
    width: 800,
    height: 600,
    keyboardLayout: 0x0407,
    createdAt: 6,
    terms: {
      requestId: 'q',
      policy: { id: 'p', name: 'Anytime' },
      emergency: false,
      reason: 'the printer is down',
      ticket: '',
      inputLog: null,
    },
  } as unknown as SessionFacts;
  const evidence = new SessionEvidence(facts, () => 1000);
  evidence.begin({ event: (type, fields, at) => events.push({ type, fields, at }), pending: () => {} });
  return { evidence, events };
}

const transfer = { direction: 'to-desktop', format: 'text', bytes: 7, text: 'pasted!' } as const;
const clipboard = (policy: InputLogPolicy) => {
  const { evidence, events } = evidenceOf(policy);
  evidence.clipboard(transfer);
  return events.find(({ type }) => type === 'clipboard')?.fields;
};

test('the clipboard is written down as the policy for input says', () => {
  assert.deepEqual(clipboard('full'), transfer);
  assert.deepEqual(clipboard('counts'), { direction: 'to-desktop', format: 'text', bytes: 7 });
  assert.equal(clipboard('off'), undefined);
});

test('freezing and its end; what was typed before stands before it', () => {
  const { evidence, events } = evidenceOf('counts');
  evidence.input([{ kind: 'scancode', code: 0x1e, extended: false, down: true }]);
  evidence.frozen(true, { id: 'x', username: 'audrey' }, 'a look');
  evidence.frozen(false, { id: 'x', username: 'audrey' });
  assert.deepEqual(
    events.slice(2).map(({ type, fields }) => [type, fields.user, fields.reason]),
    [
      ['input', undefined, undefined],
      ['frozen', { id: 'x', username: 'audrey' }, 'a look'],
      ['unfrozen', { id: 'x', username: 'audrey' }, undefined],
    ],
  );
});

test('who ended a session is an event of its own; nothing comes after the end', () => {
  const { evidence, events } = evidenceOf('counts');
  evidence.ended({ code: 'ended_by_admin', message: 'An administrator ended the session.' }, 'by root', 2000);
  evidence.connected();
  assert.deepEqual(
    events.slice(2).map(({ type, fields, at }) => [type, fields.by ?? fields.code, at]),
    [
      ['terminated', 'root', 2000],
      ['ended', 'ended_by_admin', 2000],
    ],
  );
});

test('the request says why, and with which keyboard layout, so that keys can be read', () => {
  const { events } = evidenceOf('counts');
  assert.deepEqual(events[1]?.fields.access, {
    requestId: 'q',
    policy: 'Anytime',
    emergency: false,
    reason: 'the printer is down',
  });
  assert.deepEqual(
    events.map(({ type, fields, at }) => [type, fields.keyboardLayout, at]),
    [
      ['sign-in', undefined, 5],
      ['request', 0x0407, 6],
    ],
  );
});
