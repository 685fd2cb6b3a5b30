import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorsIn, fieldsOf, formOf, type PolicyForm, usualPolicy } from './policy-form.ts';

const form: PolicyForm = { ...usualPolicy, name: 'Usual' };

test('what the form sends comes back as the same form', () => {
  const full: PolicyForm = {
    ...form,
    steps: [
      { needed: '2', group: 'g' },
      { needed: '1', group: '' },
    ],
    reasonCodes: 'Maintenance\nIncident',
    ticketPattern: 'CHG\\d+',
    ticketWebhook: 'https://tickets.example/check',
    windows: [{ days: [1, 2], from: '22:00', to: '06:00' }],
    timeZone: 'Europe/Berlin',
    recording: 'required',
    inputLog: 'full',
    liveViewAnnounced: 'no',
    warnMinutes: '10, 2',
    reviewGroup: 'g',
  };
  for (const one of [form, full]) {
    assert.deepEqual(errorsIn(one), {});
    assert.deepEqual(formOf({ ...fieldsOf(one), id: 'p' }), one);
  }
});

test('what is wrong is known before the gateway is asked', () => {
  const wrong = (change: Partial<PolicyForm>) => Object.keys(errorsIn({ ...form, ...change }));
  assert.deepEqual(wrong({ name: '  ' }), ['name']);
  assert.deepEqual(wrong({ steps: [{ needed: '0', group: '' }] }), ['needed 0']);
  assert.deepEqual(wrong({ ticketPattern: 'a(' }), ['ticketPattern']);
  assert.deepEqual(wrong({ ticketPattern: 'a'.repeat(201) }), ['ticketPattern']);
  assert.deepEqual(wrong({ ticketWebhook: 'ftp://tickets.example' }), ['ticketWebhook']);
  assert.deepEqual(wrong({ defaultMinutes: '90', maxMinutes: '60' }), ['defaultMinutes']);
  assert.deepEqual(wrong({ maxMinutes: '43201' }), ['maxMinutes']);
  assert.deepEqual(wrong({ pendingMinutes: '' }), ['pendingMinutes']);
  assert.deepEqual(wrong({ windows: [{ days: [], from: '08:00', to: '18:00' }] }), ['window 0']);
  assert.deepEqual(wrong({ windows: [{ days: [1], from: '', to: '18:00' }] }), ['window 0']);
  assert.deepEqual(wrong({ timeZone: 'Mars/Olympus' }), ['timeZone']);
  assert.deepEqual(wrong({ timeZone: '' }), ['timeZone']);
  assert.deepEqual(wrong({ idleMinutes: '1.5' }), ['idleMinutes']);
  assert.deepEqual(wrong({ warnMinutes: '5, soon' }), ['warnMinutes']);
  assert.deepEqual(wrong({ maxSessions: '-1' }), ['maxSessions']);
  assert.deepEqual(wrong({ reasonCodes: 'x'.repeat(65) }), ['reasonCodes']);
});
