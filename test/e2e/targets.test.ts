import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { startAll, waitFor } from '../lab/processes.ts';
import { accessibilityFaults } from './accessibility.ts';
import { closeBrowser, launchBrowser, Person } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson } from './story.ts';

interface Target {
  readonly id: string;
  readonly name: string;
  readonly certificate: { readonly trusted: string | null; readonly offered: string | null };
}

let gateway: TestGateway;
let browser: Browser;

before(async () => {
  [gateway, browser] = await startAll(startGateway({ ORIEL_DEMO: 'on' }), launchBrowser());
});

after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
});

function targetNamed(name: string): Promise<Target> {
  return waitFor(`the target ${name}`, async () =>
    (await gateway.admin.must<Target[]>('GET', '/api/targets')).find((target) => target.name === name),
  );
}

test('a connection is tested step by step: what works, and what does not with cause and cure', async () => {
  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  const { page } = admin;
  await admin.go('/admin/targets');
  await page.getByTestId('test-connection').first().click();
  await page.getByTestId('run-test').click();
  const report = page.getByTestId('report');
  await report.waitFor();
  assert.notEqual(await report.getAttribute('data-verdict'), 'failed', await report.innerText());
  await report.getByText('First picture', { exact: true }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByRole('button', { name: 'Close' }).click();

  await page.getByTestId('add-target').click();
  await page.locator('input[name=host]').fill('127.0.0.1');
  await page.locator('input[name=port]').fill('1');
  await page.getByTestId('test-unsaved').click();
  await report.getByText('connection_refused').waitFor();
  await report.getByText('Likely cause:').waitFor();
  await report.getByText('What to do:').waitFor();
  assert.equal(await report.getAttribute('data-verdict'), 'failed');
  assert.deepEqual(admin.complaints, []);
  await admin.close();
});

test('what a target asks of connections is saved and read back', async () => {
  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  const { page } = admin;
  await admin.go('/admin/targets');
  await page.getByTestId('add-target').click();
  await page.locator('input[name=name]').fill('Vault');
  await page.locator('input[name=host]').fill('vault.example');
  await page.getByText('Security', { exact: true }).click();
  await page.locator('select[name=nla]').selectOption('required');
  await page.locator('input[name=restrictedAdmin]').check();
  await page.locator('select[name=minimumTls]').selectOption('1.3');
  await page.locator('select[name=certificateTrust]').selectOption('pinned');
  await page.locator('select[name=inputLog]').selectOption('off');
  const fingerprint = page.locator('input[name=fingerprint]');
  await fingerprint.fill('AB:CD');
  await page.getByTestId('save-target').click();
  assert.equal(await page.getByRole('dialog').count(), 1, 'half a fingerprint keeps the form open');
  await fingerprint.fill(`${'AB:'.repeat(31)}CD`);
  await page.getByTestId('save-target').click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const saved = await targetNamed('Vault');
  assert.partialDeepStrictEqual(saved, {
    nla: 'required',
    restrictedAdmin: true,
    minimumTls: '1.3',
    certificateTrust: 'pinned',
    inputLog: 'off',
    legacySecurity: 'refused',
    certificate: { trusted: `${'ab'.repeat(31)}cd` },
  });

  const row = page.getByTestId('target').filter({ hasText: 'Vault' });
  await row.getByText('Restricted Admin').waitFor();
  await row.getByRole('button', { name: 'Edit Vault' }).click();
  await page.getByText('Security', { exact: true }).click();
  assert.equal(await page.locator('select[name=minimumTls]').inputValue(), '1.3');
  // Without NLA there is no Restricted Admin mode.
  await page.locator('select[name=nla]').selectOption('never');
  assert.equal(await page.locator('input[name=restrictedAdmin]').isDisabled(), true);
  await page.getByTestId('save-target').click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.partialDeepStrictEqual(await targetNamed('Vault'), { nla: 'never', restrictedAdmin: false });
  assert.deepEqual(admin.complaints, []);
  await admin.close();
});

test('another certificate is refused until somebody has compared and accepted it', async () => {
  const { id, certificate } = await targetNamed('Demo desktop');
  const old = 'ab'.repeat(32);
  await gateway.admin.must('POST', `/api/targets/${id}/trust`, { fingerprint: old });
  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  const { page } = admin;
  await admin.go(`/desktop/${id}`);
  await page.getByTestId('error-code').filter({ hasText: 'certificate_changed' }).waitFor();

  await admin.go('/admin/targets');
  await page.getByTestId('review-certificate').click();
  const dialog = page.getByRole('dialog');
  const fingerprints = (await dialog.locator('.fingerprint').allInnerTexts()).map((text) => text.replaceAll(' ', ''));
  const { offered } = (await targetNamed('Demo desktop')).certificate;
  assert.deepEqual(fingerprints, [old, offered]);
  if (certificate.trusted !== null) assert.equal(offered, certificate.trusted);
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByTestId('accept-certificate').click();
  await dialog.waitFor({ state: 'detached' });

  await admin.go(`/desktop/${id}`);
  await admin.state('active');
  const other = await page.context().newPage();
  await other.goto(new URL('/sessions', gateway.url).href);
  await other.getByTestId('session-row').getByText('NLA, TLS 1.3').waitFor();
  assert.deepEqual(await accessibilityFaults(page), [], 'desktop');
  assert.deepEqual(await accessibilityFaults(other), [], 'live sessions');
  await other.getByTestId('watch-live').click();
  await other.locator('[data-state=active]').waitFor();
  assert.deepEqual(await accessibilityFaults(other), [], 'live view');
  for (const { id: session } of await gateway.admin.sessions()) {
    await gateway.admin.must('DELETE', `/api/sessions/${session}`);
  }
  await admin.close();
});

test('a user changes the own password, and signs in with the new one', async () => {
  await gateway.admin.addUser('jane', 'Jane-E2E-Pass-1!', ['user']);
  const jane = await openPerson(browser, gateway, 'jane', 'Jane-E2E-Pass-1!');
  const { page } = jane;
  await page.getByRole('link', { name: 'Your account' }).click();
  const fill = async (current: string, next: string, again: string) => {
    await page.locator('input[name=current-password]').fill(current);
    await page.locator('input[name=new-password]').fill(next);
    await page.locator('input[name=new-password-again]').fill(again);
    await page.getByTestId('change-password').click();
  };
  await fill('Jane-E2E-Pass-1!', 'Jane-E2E-Pass-2!', 'Jane-E2E-Pass-3!');
  await page.getByTestId('error-code').filter({ hasText: 'password_mismatch' }).waitFor();
  await fill('wrong', 'Jane-E2E-Pass-2!', 'Jane-E2E-Pass-2!');
  await page.getByTestId('error-code').filter({ hasText: 'login_failed' }).waitFor();
  await fill('Jane-E2E-Pass-1!', 'Jane-E2E-Pass-2!', 'Jane-E2E-Pass-2!');
  await page.getByTestId('sign-in').waitFor();
  await jane.close();

  const again = await Person.open(browser, gateway.url);
  await again.signIn('jane', 'Jane-E2E-Pass-2!');
  await again.page.getByRole('heading', { level: 1, name: 'Desktops' }).waitFor();
  await again.close();
});

test('by keyboard alone: sign in, skip to the page, open a form, fill it in, leave it', async () => {
  const person = await Person.open(browser, gateway.url);
  const { page } = person;
  const focused = () => page.locator(':focus');
  await person.go('/admin/targets');
  await page.locator('input[name=username]:focus').waitFor();
  await page.keyboard.type('admin');
  await page.keyboard.press('Tab');
  await page.keyboard.type(ADMIN_PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Targets' }).waitFor();
  await page.locator('body').press('Tab');
  assert.equal(await focused().innerText(), 'Skip to the page');
  await page.keyboard.press('Enter');
  await page.locator('main:focus').waitFor();

  // Everything that can be clicked on this page is met on the way, and shows that it is.
  const all = await page.locator('main').locator('a, button, input, select').count();
  const met: string[] = [];
  for (let i = 0; i < all; i++) {
    await page.keyboard.press('Tab');
    const outlined = await focused().evaluate((element) => {
      const { getComputedStyle } = globalThis as unknown as {
        getComputedStyle(of: unknown): { readonly outlineStyle: string };
      };
      return getComputedStyle(element).outlineStyle !== 'none';
    });
    met.push(`${await focused().evaluate((element) => element.outerHTML.slice(0, 80))}`);
    assert.ok(outlined, `the focus shows on ${met.at(-1)}`);
  }
  assert.equal(new Set(met).size > all / 2, true, met.join('\n'));
  await page.getByTestId('add-target').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Add a target' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await focused().getAttribute('data-testid'), 'add-target', 'the focus goes back where it was');
  await person.close();
});
