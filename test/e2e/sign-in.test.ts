import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { authenticator } from '../../gateway/testing/authenticator.ts';
import { type Directory, startDirectory } from '../../gateway/testing/directory.ts';
import { openGatewayDatabase } from '../../gateway/testing/gateway-database.ts';
import { freePort, startAll, waitFor } from '../lab/processes.ts';
import { assertLooksRight } from './accessibility.ts';
import { closeBrowser, launchBrowser, Person } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson } from './story.ts';

let gateway: TestGateway;
let browser: Browser;
let directory: Directory;

before(async () => {
  // The gateway's address is registered at the provider, so it is known before.
  const port = await freePort();
  [gateway, browser] = await startAll(startGateway({ ORIEL_PORT: String(port) }), launchBrowser());
  directory = await startDirectory(gateway.url.origin);
  directory.people.set('dora', { preferred_username: 'dora', email: 'dora@example.com', email_verified: true });
  await gateway.admin.addUser('jane', PASSWORD, ['user']);
});
after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
  await directory?.stop();
});

const PASSWORD = 'Jane-E2E-Pass-1!';

test('two-step sign-in: set up in the page, used at the next sign-in, recovered from, turned off', async () => {
  const person = await openPerson(browser, gateway, 'jane', PASSWORD);
  const { page } = person;
  await page.getByTestId('account').click();
  await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor();
  await page.getByTestId('second-factor-state').getByText('Off.').waitFor();
  await assertLooksRight(person.page, 'account');
  await page.getByTestId('set-up').click();
  await page.locator('input[name=proof-password]').fill('wrong');
  await page.getByTestId('enrol-go-on').click();
  await page.getByTestId('error-code').filter({ hasText: 'login_failed' }).waitFor();
  await page.locator('input[name=proof-password]').fill(PASSWORD);
  await page.getByTestId('enrol-go-on').click();
  const secret = await page.getByTestId('totp-secret').innerText();
  const shown = page.locator('img.qr-code');
  await waitFor('the QR code to be drawn', () =>
    shown.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth > 50),
  );
  await assertLooksRight(person.page, 'enrol');
  const code = authenticator(secret);
  await page.locator('input[name=first-code]').fill('000000');
  await page.getByTestId('confirm-code').click();
  await page.getByTestId('error-code').filter({ hasText: 'code_wrong' }).waitFor();
  await page.locator('input[name=first-code]').fill(await code());
  await page.getByTestId('confirm-code').click();
  await page.getByTestId('recovery-codes').waitFor();
  const codes = await page.getByTestId('recovery-codes').locator('code').allInnerTexts();
  assert.equal(codes.length, 10);
  await assertLooksRight(person.page, 'recovery-codes');
  await page.getByTestId('codes-kept').click();
  await page.getByTestId('second-factor-state').getByText('10 recovery codes are left').waitFor();
  await page.getByTestId('sign-out').click();

  await page.locator('input[name=username]').fill('jane');
  await page.locator('input[name=password]').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.locator('input[name=code]').waitFor();
  await assertLooksRight(person.page, 'sign-in-code');
  await page.locator('input[name=code]').fill('000000');
  await page.keyboard.press('Enter');
  await page.getByTestId('error-code').filter({ hasText: 'code_wrong' }).waitFor();
  await page.locator('input[name=code]').fill(await code());
  await page.keyboard.press('Enter');
  await page.getByTestId('sign-out').click();
  await page.locator('input[name=username]').fill('jane');
  await page.locator('input[name=password]').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.locator('input[name=code]').fill((codes[0] ?? '').toUpperCase());
  await page.keyboard.press('Enter');
  await page.getByTestId('account').click();
  await page.getByTestId('second-factor-state').getByText('9 recovery codes are left').waitFor();

  await page.getByTestId('turn-off').click();
  await page.locator('input[name=proof-password]').fill(PASSWORD);
  await page.getByTestId('confirm-turn-off').click();
  await page.getByTestId('second-factor-state').getByText('Off.').waitFor();
  assert.deepEqual(person.complaints, []);
  await person.close();
});

test('where it is required, it is set up while signing in', async () => {
  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await admin.go('/admin/settings/sign-in');
  const policy = admin.page.getByTestId('second-factor-policy');
  await policy.locator('input[name=second-factor-auditor]').check();
  await policy.getByRole('button', { name: 'Save', exact: true }).click();
  await policy.getByText('Saved', { exact: true }).waitFor();
  await gateway.admin.addUser('audrey', 'Audrey-E2E-Pass-1!', ['auditor']);

  const audrey = await Person.open(browser, gateway.url);
  const { page } = audrey;
  await audrey.go('/recordings');
  await page.locator('input[name=username]').fill('audrey');
  await page.locator('input[name=password]').fill('Audrey-E2E-Pass-1!');
  await page.keyboard.press('Enter');
  const code = authenticator(await page.getByTestId('totp-secret').innerText());
  await assertLooksRight(audrey.page, 'sign-in-enrol');
  await page.reload();
  const again = authenticator(await page.getByTestId('totp-secret').innerText());
  await page.locator('input[name=first-code]').fill(await code());
  await page.getByTestId('confirm-code').click();
  await page.getByTestId('error-code').filter({ hasText: 'code_wrong' }).waitFor();
  await page.locator('input[name=first-code]').fill(await again());
  await page.getByTestId('confirm-code').click();
  await page.getByTestId('codes-kept').click();
  await page.getByRole('heading', { level: 1, name: 'Recordings' }).waitFor();

  await admin.go('/admin/users');
  const row = admin.page.getByTestId('user-row').filter({ hasText: 'audrey' });
  await row.getByText('Two-step').waitFor();
  await row.getByRole('button', { name: 'Sign-ins' }).click();
  await admin.page.getByTestId('sign-in-row').getByText('Chrome').first().waitFor();
  await assertLooksRight(admin.page, 'user-sign-ins');
  await admin.page.getByTestId('end-all').click();
  await admin.page.getByText('Not signed in at present').waitFor();
  await audrey.go('/recordings');
  await page.locator('input[name=username]').waitFor();
  await gateway.admin.must('PATCH', '/api/settings/sign-in', { secondFactorRoles: [] });
  assert.deepEqual([...admin.complaints, ...audrey.complaints], []);
  await admin.close();
  await audrey.close();
});

test('sign-ins are seen, and another browser is signed out', async () => {
  const here = await openPerson(browser, gateway, 'jane', PASSWORD);
  const there = await openPerson(browser, gateway, 'jane', PASSWORD);
  await here.go('/account');
  await here.page.getByTestId('end-others').click();
  await here.page.getByTestId('confirm-end-sign-in').click();
  await waitFor('one sign-in to be left', async () => (await here.page.getByTestId('sign-in-row').count()) === 1);
  await there.go('/');
  await there.page.locator('input[name=username]').waitFor();
  assert.deepEqual([...here.complaints, ...there.complaints], []);
  await here.close();
  await there.close();
});

test('single sign-on: set up by an administrator, in by the provider, out there too', async () => {
  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await admin.go('/admin/settings/sign-in');
  const form = admin.page.getByTestId('single-sign-on-form');
  await form.waitFor();
  await assertLooksRight(admin.page, 'sign-in-settings');
  await form.locator('input[name=enabled]').check();
  await form.locator('input[name=issuer]').fill(directory.issuer);
  await form.locator('input[name=clientId]').fill(directory.clientId);
  await form.locator('input[name=clientSecret]').fill(directory.clientSecret);
  await form.locator('input[name=label]').fill('Example Corp.');
  await form.getByRole('button', { name: 'Save', exact: true }).click();
  await form.getByText('Saved', { exact: true }).waitFor();
  await form.getByTestId('test-provider').click();
  await form
    .getByTestId('tested')
    .filter({ hasText: `${directory.issuer} answers` })
    .waitFor();

  const dora = await Person.open(browser, gateway.url);
  const { page } = dora;
  await dora.go('/sessions');
  await page.getByTestId('single-sign-on').getByText('Example Corp.').waitFor();
  await assertLooksRight(dora.page, 'sign-in-oidc');
  await page.getByTestId('single-sign-on').click();
  await page.locator('input[name=login]').fill('dora');
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { level: 1, name: 'Live sessions' }).waitFor();
  await page.getByTestId('signed-in').getByText('dora').waitFor();
  await dora.go('/account');
  await page.getByTestId('identities').getByText(directory.issuer).waitFor();
  await page.getByTestId('sign-out').click();
  await page.getByRole('button', { name: 'Yes, sign me out' }).click();
  await page.getByTestId('single-sign-on').waitFor();
  assert.ok(directory.seen.includes('end_session.success'));

  directory.people.set('admin', { preferred_username: 'admin' });
  await page.getByTestId('single-sign-on').click();
  await page.locator('input[name=login]').fill('admin');
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByTestId('error-code').filter({ hasText: 'directory_refused' }).waitFor();
  await gateway.admin.must('PATCH', '/api/settings/single-sign-on', { enabled: false });
  // The provider's own pages ask for a font from elsewhere and have no icon.
  assert.deepEqual(
    [...admin.complaints, ...dora.complaints].filter((text) => !/font|ERR_|Content Security|status of 404/i.test(text)),
    [],
  );
  await admin.close();
  await dora.close();
});

test('a desktop whose policy asks for it: the second factor is asked for, and the page goes on', async () => {
  const { admin } = gateway;
  const nowhere = { host: '127.0.0.1', port: 1, username: 'operator', password: 'Nowhere-Pass-1!' };
  const { targetId, accountId } = await admin.addTarget('Payroll', nowhere);
  // Not through `addUser`, which entitles to everything without asking.
  await admin.must('POST', '/api/users', { username: 'steve', password: PASSWORD, roles: ['user'] });
  const { id: group } = await admin.must<{ id: string }>('POST', '/api/groups', {
    name: 'Payroll',
    members: ['steve'],
  });
  const { id: policy } = await admin.must<{ id: string }>('POST', '/api/policies', { name: 'Step-up', stepUp: true });
  await admin.must('POST', '/api/entitlements', { group, accounts: [accountId], policy });

  const person = await openPerson(browser, gateway, 'steve', PASSWORD);
  const { page } = person;
  await person.go(`/desktop/${targetId}`);
  await page.getByRole('dialog').getByText('your account has none yet').waitFor();
  await page.getByTestId('step-up').click();
  await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor();
  await page.getByTestId('set-up').click();
  await page.locator('input[name=proof-password]').fill(PASSWORD);
  await page.getByTestId('enrol-go-on').click();
  const code = authenticator(await page.getByTestId('totp-secret').innerText());
  await page.locator('input[name=first-code]').fill(await code());
  await page.getByTestId('confirm-code').click();
  await page.getByTestId('codes-kept').click();
  await page.getByTestId('sign-out').click();

  // A factor that was shown a while ago is as good as none.
  await page.locator('input[name=username]').fill('steve');
  await page.locator('input[name=password]').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.locator('input[name=code]').fill(await code());
  await page.keyboard.press('Enter');
  await page.getByTestId('signed-in').waitFor();
  const database = openGatewayDatabase(gateway.data);
  database.exec('update login_sessions set confirmed_at = confirmed_at - 600000');
  database.close();
  await person.go(`/desktop/${targetId}`);
  await page.locator('input[name=step-up-code]').waitFor();
  await assertLooksRight(page, 'step-up');
  await page.locator('input[name=step-up-code]').fill('000000');
  await page.getByTestId('step-up').click();
  await page.getByRole('dialog').getByTestId('error-code').filter({ hasText: 'code_wrong' }).waitFor();
  await page.locator('input[name=step-up-code]').fill(await code());
  await page.getByTestId('step-up').click();
  // Past the door: the computer itself is not there.
  await page.getByTestId('error-code').filter({ hasText: 'target_refused' }).waitFor();
  assert.deepEqual(
    person.complaints.filter((text) => !text.includes('status of 403')),
    [],
  );
  await person.close();
});
