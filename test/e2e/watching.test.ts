import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { startAll, waitFor } from '../lab/processes.ts';
import { assertLooksRight } from './accessibility.ts';
import { closeBrowser, launchBrowser, type Person } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson, shows, textOf } from './story.ts';

const PASSWORD = 'Jane-E2E-Pass-1!';
let gateway: TestGateway;
let browser: Browser;
let admin: Person;
let jane: Person;

before(async () => {
  [gateway, browser] = await startAll(startGateway({ ORIEL_DEMO: 'on' }), launchBrowser());
  await gateway.admin.addUser('jane', PASSWORD, ['user']);
  admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  jane = await openPerson(browser, gateway, 'jane', PASSWORD);
});

after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
});

/** Points of the demo desktop: inside the text field. */
const NOTES = { x: 200, y: 160 };

async function openDesktop(): Promise<void> {
  await jane.page.goto(new URL('/', jane.page.url()).href);
  await jane.page.getByText('Demo desktop').first().click();
  await jane.state('active');
  await shows(jane, 'Click into the field and type');
  await jane.click(NOTES.x, NOTES.y);
}

/** A key of a keyboard that has Caps Lock on, which Playwright's has not. */
async function press(person: Person, code: string, key: string): Promise<void> {
  const field = person.page.locator('.remote-desktop-text');
  for (const type of ['keydown', 'keyup']) await field.dispatchEvent(type, { code, key, modifierCapsLock: true });
}

test('an administrator freezes a session, writes to its user, releases it, and ends it with a reason', async () => {
  await openDesktop();
  await jane.type('quartz');
  await shows(jane, 'quartz');
  await admin.go('/sessions');
  const row = admin.page.getByTestId('session-row');
  await row.getByTestId('freeze').click();
  await admin.page.locator('input[name=reason]').fill('Please call me.');
  await admin.page.getByTestId('confirm-freeze').click();
  await row.getByTestId('frozen').getByText('Please call me.').waitFor();
  await assertLooksRight(admin.page, 'sessions-frozen');
  await jane.page.getByTestId('frozen').getByText('Keyboard and mouse are held back: Please call me.').waitFor();
  await assertLooksRight(jane.page, 'desktop-frozen');
  await jane.type('sphinx');
  await press(jane, 'CapsLock', 'CapsLock');
  await press(jane, 'KeyX', 'X');

  await row.getByTestId('message').click();
  await admin.page.locator('textarea[name=message]').fill('I release you <now>.');
  await admin.page.getByTestId('confirm-message').click();
  await jane.page.getByTestId('messages').getByText('I release you <now>.').waitFor();
  await assertLooksRight(jane.page, 'desktop-message');
  await jane.page.getByTestId('dismiss').click();
  await jane.page.getByTestId('messages').waitFor({ state: 'detached' });

  await row.getByTestId('release').click();
  await jane.page.getByTestId('frozen').waitFor({ state: 'detached' });
  for (const letter of 'MARBLE') await press(jane, `Key${letter}`, letter);
  await waitFor('Caps Lock as it became meanwhile', async () => (await textOf(jane)).includes('MARBLE'));
  await jane.click(NOTES.x, NOTES.y);
  await jane.type('vow');
  await waitFor('typing to work again', async () => (await textOf(jane)).includes('vow'));
  assert.ok(!(await textOf(jane)).includes('sphinx'));

  await row.getByTestId('recording-health').getByText('Up to date').waitFor();
  await row.getByTestId('end-session').click();
  await admin.page.locator('input[name=reason]').fill('The server is restarted.');
  await admin.page.getByTestId('confirm-end').click();
  await jane.state('ended');
  await jane.page.getByText('The server is restarted.').waitFor();
  await jane.page.keyboard.press('Tab');
  await jane.page.locator('[data-testid=try-again]:focus').waitFor();
  await admin.page.getByText('Nobody is connected').waitFor();
});

test('a release that fails says so, and a message that is left open covers no end of a session, on a phone either', async () => {
  await openDesktop();
  const [session] = await gateway.admin.sessions();
  await admin.go(`/sessions/${session?.id}/watch`);
  await admin.state('active');
  await admin.page.getByTestId('freeze').click();
  await admin.page.getByTestId('confirm-freeze').click();
  await admin.page.route('**/unfreeze', (route) => route.abort());
  await admin.page.getByTestId('release').click();
  await admin.page.getByRole('alert').getByText('The gateway does not answer.').waitFor();
  await admin.page.unroute('**/unfreeze');
  await admin.page.getByRole('button', { name: 'Try again' }).click();
  await admin.page.getByTestId('freeze').waitFor();
  await admin.page.getByText('The gateway does not answer.').waitFor({ state: 'detached' });
  // The browser reports it, too.
  assert.ok(admin.complaints.splice(0).every((complaint) => complaint.includes('/unfreeze')));

  await admin.page.getByTestId('message').click();
  await admin.page.locator('textarea[name=message]').fill('The server is restarted soon. '.repeat(12));
  await admin.page.getByTestId('confirm-message').click();
  await jane.page.getByTestId('messages').waitFor();
  await jane.page.setViewportSize({ width: 360, height: 640 });
  await gateway.admin.must('DELETE', `/api/sessions/${session?.id}`);
  await jane.state('ended');
  // Clicks only what nothing covers.
  await jane.page.getByTestId('dismiss').click({ trial: true });
  await assertLooksRight(jane.page, 'desktop-ended-with-message');
  await jane.page.getByRole('link', { name: 'Back to desktops' }).click();
  await jane.page.getByRole('heading', { level: 1, name: 'Desktops' }).waitFor();
  await jane.page.setViewportSize({ width: 1100, height: 860 });
  await admin.go('/sessions');
});

test('a rule freezes a session in which a text is typed', async () => {
  const { page } = admin;
  await page.getByTestId('alert-rules').click();
  await page.getByTestId('add-rule').click();
  await page.locator('input[name=rule-name]').fill('Destroying words');
  await page.locator('input[name=pattern]').fill('rm\\s+-rf');
  await page.locator('select[name=action]').selectOption('freeze');
  await page.getByText('Tell the user the name of the rule').click();
  await assertLooksRight(page, 'alert-rule-dialog');
  await page.getByTestId('save-rule').click();
  await page.getByTestId('rule-row').getByText('Destroying words').first().waitFor();
  await assertLooksRight(page, 'alert-rules');

  await openDesktop();
  await jane.type('sudo rm -rf');
  await jane.page.getByTestId('frozen').getByText('Destroying words').waitFor();
  await shows(jane, 'sudo rm -r');
  assert.ok(!(await textOf(jane)).includes('-rf'));
  await admin.go('/sessions');
  await page.getByTestId('alert').getByText('Destroying words').waitFor();
  await admin.go('/notifications');
  await page.getByText('Destroying words: jane on Demo desktop').first().waitFor();
  for (const person of [admin, jane]) assert.deepEqual(person.complaints, []);
});
