import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { startAll, waitFor } from '../lab/processes.ts';
import { assertLooksRight } from './accessibility.ts';
import { closeBrowser, launchBrowser, type Person } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson } from './story.ts';

const PASSWORD = 'Rita-E2E-Pass-1!';
/** Without a place to break at, as comments have them. */
const LINK = 'https://wiki.example.com/x?page=patches_of_november_2026___';
let gateway: TestGateway;
let browser: Browser;
let rita: Person;
let anna: Person;
let audrey: Person;

before(async () => {
  [gateway, browser] = await startAll(startGateway({ ORIEL_DEMO: 'on' }), launchBrowser());
  const { admin } = gateway;
  const people = { rita: ['user'], anna: ['user', 'approver'], audrey: ['auditor'] };
  for (const [username, roles] of Object.entries(people)) {
    await admin.must('POST', '/api/users', { username, password: PASSWORD, roles });
  }
  await admin.must('POST', '/api/groups', { name: 'Operators', members: ['rita'] });
  await admin.must('POST', '/api/groups', { name: 'Owners', members: ['anna'] });
  const [demo] = await admin.must<{ accounts: { id: string }[] }[]>('GET', '/api/targets');
  const nowhere = { host: '127.0.0.1', port: 1, username: 'operator', password: 'Nowhere-Pass-1!' };
  const { accountId: free } = await admin.addTarget('Print server', nowhere);
  const { accountId: fixed } = await admin.addTarget('Payroll', { ...nowhere, username: 'clerk' });
  const { accountId: long } = await admin.addTarget(
    'Domain controller of the Frankfurt office, building C, second floor, left of the printer',
    { ...nowhere, username: 'administrator-with-a-long-name' },
  );
  const asked = {
    approval: { needed: 1, group: 'Owners' },
    emergency: true,
    reasonRequired: true,
    reasonCodes: ['Maintenance', 'Incident'],
    ticketPattern: 'CHG\\d{4}',
    maxMinutes: 120,
    review: true,
  };
  await admin.must('POST', '/api/policies', { name: 'Asked', ...asked });
  await admin.must('POST', '/api/policies', { name: 'Commented', commentRequired: true, minutesChangeable: false });
  const entitle = (accounts: unknown[], policy: string) =>
    admin.must('POST', '/api/entitlements', { group: 'Operators', accounts, policy });
  await entitle([demo?.accounts[0]?.id, long], 'Asked');
  await entitle([fixed], 'Commented');
  await entitle([free], 'Open');
  [rita, anna, audrey] = (await Promise.all(
    ['rita', 'anna', 'audrey'].map((name) => openPerson(browser, gateway, name, PASSWORD)),
  )) as [Person, Person, Person];
});

after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
});

/** What the state of the request on somebody's page becomes. */
const becomes = (person: Person, state: string) =>
  person.page.locator(`[data-testid=state][data-state=${state}]`).first().waitFor();

test('empty pages say what to do next', async () => {
  for (const [person, path, text, next] of [
    [rita, '/requests', 'Nothing asked for yet', 'Make a request'],
    [anna, '/approvals', 'Nothing waits for you', 'See what is available now'],
    [audrey, '/reviews', 'Nothing to review', 'Look at recordings'],
    [anna, '/requests/new', 'There is nothing you can ask for', 'Back to desktops'],
  ] as const) {
    await person.go(path);
    const empty = person.page.getByTestId('empty');
    await empty.getByText(text).waitFor();
    assert.equal(await empty.getByRole('link', { name: next }).count(), 1, path);
  }
});

test('a request from the desktops page: errors beside their fields, approved by a second person, used, revoked', async () => {
  const { page } = rita;
  await rita.go('/');
  const card = (name: string) => page.getByTestId('target-card').filter({ hasText: name });
  await card('Print server').getByTestId('connect').waitFor();
  await assertLooksRight(page, 'desktops');
  await card('Demo desktop').getByTestId('request-access').click();
  await page.getByTestId('picked-item').filter({ hasText: 'Demo desktop' }).waitFor();
  await page.locator('input[name^="minutes "]').fill('500');
  await page.locator('input[name=ticket]').fill('nonsense');
  await page.getByTestId('ask').click();
  const errors = () => page.getByTestId('field-error').allInnerTexts();
  await page.getByTestId('field-error').first().waitFor();
  assert.deepEqual(await errors(), ['At most 120 minutes.', 'A reason is needed.']);
  assert.match((await page.locator(':focus').getAttribute('name')) ?? '', /^minutes /, 'the first wrong field');
  await assertLooksRight(page, 'new-request-errors');
  await page.locator('input[name^="minutes "]').fill('30');
  await page.locator('select[name=reason]').selectOption('Maintenance');
  await page.locator('textarea[name=comment]').fill(`Patching the desktop, ${LINK}`);
  await page.getByText('81 of 255 characters').waitFor();
  await page.getByTestId('ask').click();
  // What only the gateway knows is said beside its field, too.
  await page.locator('[aria-invalid=true][name=ticket]').waitFor();
  await page.locator('input[name=ticket]').fill('CHG1234');
  await page.getByTestId('ask').click();
  await becomes(rita, 'pending');
  await assertLooksRight(page, 'request-pending');

  await anna.go('/approvals');
  const row = anna.page.getByTestId('request-row').filter({ hasText: 'rita' });
  await row.getByText('Patching the desktop').waitFor();
  await anna.page.locator('.side-bar').getByTestId('waiting').getByText('1').waitFor();
  await assertLooksRight(anna.page, 'approvals');
  // By the keyboard alone.
  await row.getByTestId('approve').focus();
  await anna.press('Enter');
  await anna.page.locator('textarea[name=act-comment]').fill('Go ahead');
  await anna.page.getByTestId('confirm-act').press('Enter');
  await anna.page.getByTestId('empty').waitFor();

  await becomes(rita, 'available');
  await page.getByTestId('steps').getByText('Go ahead').waitFor();
  await assertLooksRight(page, 'request-available');
  await page.getByTestId('connect').click();
  await rita.state('active');

  await anna.go('/approvals?view=available');
  await anna.page.getByTestId('request-row').filter({ hasText: 'rita' }).getByTestId('revoke').click();
  await anna.page.locator('textarea[name=act-comment]').fill('Enough for today');
  await anna.page.getByTestId('confirm-act').click();
  await page.getByTestId('error-code').filter({ hasText: 'access_revoked' }).waitFor();
  await page.getByText('Your access has ended').waitFor();
  await assertLooksRight(page, 'desktop-revoked');
  await page.getByRole('link', { name: 'See the request' }).click();
  await becomes(rita, 'revoked');
  await page.getByTestId('history').getByText('Enough for today').waitFor();
  await page.getByTestId('again').waitFor();
});

test('a favourite is kept with name and colour, started from, changed, asked for at a time of the own zone, and withdrawn', async () => {
  const { page } = rita;
  await rita.go('/requests/new');
  await page.getByTestId('picker').getByText('Payroll').click();
  await page.getByText('For 1 hour').waitFor();
  await page.locator('textarea[name=comment]').fill('The month has to be closed');
  await page.getByTestId('keep').click();
  await page.locator('input[name=favourite-name]').fill('Closing the month');
  await page.locator('input[name=favourite-color]').fill('#b3261e');
  await assertLooksRight(page, 'favourite');
  await page.getByTestId('save-favourite').click();
  await page.getByTestId('favourite').getByText('Closing the month').waitFor();

  await page.reload();
  await page.getByTestId('favourite').click();
  await page.getByTestId('picked-item').filter({ hasText: 'Payroll' }).waitFor();
  assert.equal(await page.locator('textarea[name=comment]').inputValue(), 'The month has to be closed');
  const rest = await gateway.login('rita', PASSWORD);
  type Kept = { name: string; color: string; request: { comment?: string } };
  const kept = () => rest.must<Kept[]>('GET', '/api/request-favourites');
  assert.equal((await kept())[0]?.color, '#b3261e');

  await page.getByRole('button', { name: 'Name and colour of the favourite Closing the month' }).click();
  await page.locator('input[name=favourite-name]').fill('Month end');
  await page.getByTestId('save-favourite').click();
  await page.getByTestId('favourite').getByText('Month end').waitFor();
  await page.locator('textarea[name=comment]').fill('The quarter has to be closed');
  await page.getByTestId('keep-over').click();
  await page.locator('input[name=favourite-color]').fill('#1f8b4c');
  await page.getByTestId('save-favourite').click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const [changed, ...others] = await kept();
  assert.deepEqual(
    [changed?.name, changed?.color, changed?.request.comment],
    ['Month end', '#1f8b4c', 'The quarter has to be closed'],
  );
  assert.deepEqual(others, [], 'changed, not added');
  await page.getByLabel('At a time that I choose').check();
  const tomorrow = new Date(Date.now() + 86_400_000);
  const pad = (value: number) => String(value).padStart(2, '0');
  const day = `${tomorrow.getFullYear()}-${pad(tomorrow.getMonth() + 1)}-${pad(tomorrow.getDate())}`;
  await page.locator('input[name=start]').fill(`${day}T09:30`);
  await page.getByText('In your time zone').waitFor();
  await assertLooksRight(page, 'new-request');
  await page.getByTestId('ask').click();
  await becomes(rita, 'approved');
  const id = new URL(page.url()).pathname.split('/').at(-1);
  const { startsAt } = await gateway.admin.must<{ startsAt: string }>('GET', `/api/requests/${id}`);
  assert.equal(startsAt, new Date(`${day}T09:30`).toISOString());

  await rita.go('/requests?state=approved');
  const row = page.getByTestId('request-row').filter({ hasText: 'Payroll' });
  await row.getByTestId('check-in').click();
  await page.getByRole('dialog').getByText('Withdraw this request?').waitFor();
  await page.getByTestId('confirm-act').click();
  await page.getByTestId('empty').waitFor();
  await page.locator('select[name=state]').selectOption('');
  await page.getByRole('searchbox').fill('closed quarter');
  await page.getByTestId('requests').getByText('Completed').waitFor();
  assert.equal(await page.getByTestId('request-row').count(), 1);
  await page.getByRole('searchbox').fill('');
  await page.locator('input[name=from]').fill(day);
  await page.getByText('No request is like that').waitFor();
  await page.getByRole('button', { name: 'Show all requests' }).click();
  await waitFor('all requests', async () => (await page.getByTestId('request-row').count()) === 2);
  await assertLooksRight(page, 'requests');
});

test('an emergency needs no approval, is loud, is checked in, and reviewed with its recording and its events', async () => {
  const { page } = rita;
  await rita.go('/requests/new');
  await page.getByTestId('picker').getByText('Demo desktop').click();
  await page.locator('select[name=reason]').selectOption('Incident');
  await page.locator('input[name=emergency]').check();
  await page.locator('input[name=ticket]').fill('CHG9999');
  await assertLooksRight(page, 'new-request-emergency');
  await page.getByTestId('ask').click();
  await becomes(rita, 'available');
  await page.getByText('nobody approved it before').waitFor();
  await rita.go('/');
  await page.getByTestId('target-card').filter({ hasText: 'Demo desktop' }).getByTestId('connect').click();
  await rita.state('active');
  await anna.go('/notifications');
  await anna.page
    .getByTestId('notification')
    .getByText(/emergency/i)
    .first()
    .waitFor();
  const [session] = await gateway.admin.sessions();
  await rita.go('/requests?state=available');
  await page.getByTestId('check-in').click();
  await page.getByTestId('confirm-act').click();
  await page.getByTestId('empty').waitFor();
  await gateway.admin.recordingReady(session?.id ?? '');

  await audrey.go('/reviews');
  const reviews = audrey.page;
  await waitFor('both requests to be reviewed', async () => (await reviews.getByTestId('request-row').count()) === 2);
  await assertLooksRight(reviews, 'reviews');
  await reviews.getByTestId('request-row').filter({ hasText: 'Emergency' }).getByTestId('review').click();
  await reviews.getByTestId('show-events').click();
  await reviews.getByTestId('request-events').getByText('Connected').waitFor();
  await assertLooksRight(reviews, 'review');
  await reviews.getByTestId('recording-link').click();
  await reviews.locator('video').waitFor();
  await reviews.goBack();
  await reviews.getByTestId('review').click();
  await reviews.locator('textarea[name=act-comment]').fill('Looked at, all in order');
  await reviews.getByTestId('confirm-act').click();
  await reviews.getByTestId('history').getByText('Looked at, all in order').waitFor();
  await audrey.go('/reviews');
  await waitFor('one review to be left', async () => (await reviews.getByTestId('request-row').count()) === 1);
});

test('the switch stops all new sessions, and everybody reads it', async () => {
  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await admin.go('/sessions');
  await admin.page.getByTestId('session-switch').click();
  await admin.page.locator('input[name=switch-reason]').fill('Moving the servers');
  await admin.page.getByTestId('confirm-switch').click();
  await admin.page.getByTestId('stopped').getByText('Moving the servers').waitFor();
  await assertLooksRight(admin.page, 'sessions-stopped');
  await rita.go('/');
  await rita.page.getByTestId('stopped').waitFor();
  await rita.page.getByTestId('target-card').filter({ hasText: 'Print server' }).getByTestId('connect').click();
  await rita.page.getByTestId('error-code').filter({ hasText: 'sessions_stopped' }).waitFor();
  await admin.page.getByTestId('session-switch').click();
  await admin.page.getByTestId('confirm-switch').click();
  await admin.page.getByTestId('stopped').waitFor({ state: 'detached' });
  // Refusals are answers, which Chromium reports as errors.
  const complaints = [rita, anna, audrey, admin].flatMap((person) => person.complaints);
  assert.deepEqual(
    complaints.filter((text) => !/status of (400|403|409|422|503)/.test(text)),
    [],
  );
});
