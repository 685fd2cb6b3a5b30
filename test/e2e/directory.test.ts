import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { READER, READER_PASSWORD, type Slapd, SUFFIX, startSlapd } from '../../gateway/testing/slapd.ts';
import { startAll } from '../lab/processes.ts';
import { assertLooksRight } from './accessibility.ts';
import { closeBrowser, launchBrowser } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson } from './story.ts';

const PASSWORD = 'Vera-E2E-Pass-1!';
let slapd: Slapd;
let gateway: TestGateway;
let browser: Browser;

before(async () => {
  [slapd, gateway, browser] = await startAll(
    startSlapd(),
    startGateway({ ORIEL_DEMO: 'on', ORIEL_RECORDING: 'off' }),
    launchBrowser(),
  );
});
after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
  await slapd?.stop();
});

test('a directory (slapd): set up and tried out in the page, signed in by, and withdrawn by while a desktop is open', async () => {
  const vera = await slapd.person('vera', PASSWORD, { displayName: 'Vera Vogel', mail: 'vera@example.org' });
  const team = await slapd.group('team', [vera]);
  const operators = await slapd.group('operators', [team]);
  await gateway.admin.must('POST', '/api/groups', { name: 'Desktop users' });
  await gateway.admin.must('POST', '/api/entitlements', { group: 'Desktop users', accounts: 'all', policy: 'Open' });

  const boss = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  const { page } = boss;
  await boss.go('/admin/settings/directory');
  const form = page.getByTestId('directory-form');
  const trying = page.getByTestId('try-directory');
  const save = async (): Promise<void> => {
    await form.getByRole('button', { name: 'Save', exact: true }).click();
    await form.getByText('Saved', { exact: true }).waitFor();
  };
  await form.locator('input[name=enabled]').check();
  await form.getByRole('button', { name: 'OpenLDAP' }).click();
  await form.locator('input[name=servers]').fill(slapd.ldap);
  await form.locator('input[name=bindDn]').fill(READER);
  await form.locator('input[name=bindPassword]').fill(READER_PASSWORD);
  await form.locator('input[name=userBase]').fill(`ou=people,${SUFFIX}`);
  await form.locator('input[name=groupBase]').fill(`ou=groups,${SUFFIX}`);
  await form.locator('input[name=refreshSeconds]').fill('10');
  await form.getByTestId('add-mapping').click();
  await form.locator('input[name=mapping-group-0]').fill(operators);
  await form.locator('select[name=mapping-gives-0]').selectOption({ label: 'Group Desktop users' });
  await save();
  await trying.getByTestId('try-it').click();
  await trying.getByTestId('tried-code').getByText('tls_not_trusted').waitFor();
  await assertLooksRight(page, 'directory-settings');
  await form.locator('textarea[name=certificateAuthorities]').fill(slapd.authority);
  await form.locator('input[name=bindPassword]').fill(READER_PASSWORD);
  await save();
  await trying.locator('input[name=try-username]').fill('vera');
  await trying.locator('input[name=try-password]').fill('wrong');
  await trying.getByTestId('try-it').click();
  await trying.getByTestId('tried-code').getByText('password_wrong').waitFor();
  await trying.locator('input[name=try-password]').fill(PASSWORD);
  await trying.getByTestId('try-it').click();
  await trying.getByTestId('tried-person').getByText('Vera Vogel').waitFor();
  await trying.getByTestId('tried-code').waitFor({ state: 'detached' });
  await assertLooksRight(page, 'directory-tried');

  const person = await openPerson(browser, gateway, 'vera', PASSWORD);
  await person.page.getByText('Demo desktop').first().click();
  await person.state('active');
  await boss.go('/admin/users');
  const row = page.getByTestId('user-row').filter({ hasText: 'vera' });
  await row.getByText('Directory', { exact: true }).waitFor();
  await row.getByText('Vera Vogel').waitFor();
  await slapd.change(vera, 'set', 'userAccountControl', ['514']);
  await person.state('ended');
  await person.page.getByText('directory no longer lets you use this').waitFor();
  await person.page.getByTestId('error-code').filter({ hasText: 'directory_withdrawn' }).waitFor();
  await person.go('/');
  await person.page.locator('input[name=username]').waitFor();
  assert.deepEqual([...boss.complaints, ...person.complaints], []);
  await boss.close();
  await person.close();
});
