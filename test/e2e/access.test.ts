import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { startAll } from '../lab/processes.ts';
import { assertLooksRight } from './accessibility.ts';
import { closeBrowser, launchBrowser, type Person } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson } from './story.ts';

const PASSWORD = 'Paula-E2E-Pass-1!';
let gateway: TestGateway;
let browser: Browser;
let paula: Person;
let ula: Person;

before(async () => {
  [gateway, browser] = await startAll(startGateway({ ORIEL_DEMO: 'on' }), launchBrowser());
  const people = {
    paula: ['policy-admin'],
    ula: ['user'],
    otto: ['user'],
    anna: ['approver'],
    'a-user-with-a-name-that-is-longer-than-most': ['user'],
  };
  for (const [username, roles] of Object.entries(people)) {
    await gateway.admin.must('POST', '/api/users', { username, password: PASSWORD, roles });
  }
  paula = await openPerson(browser, gateway, 'paula', PASSWORD);
  ula = await openPerson(browser, gateway, 'ula', PASSWORD);
});

after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
});

const rowOf = (kind: 'group' | 'policy' | 'entitlement', text: string) =>
  paula.page.getByTestId(`${kind}-row`).filter({ hasText: text });

async function addGroup(name: string, member: string): Promise<void> {
  const { page } = paula;
  await page.getByTestId('add-group').click();
  await page.locator('input[name=group-name]').fill(name);
  await page.getByRole('dialog').locator('input[name=search]').fill(member);
  await page.getByTestId('members').getByText(member, { exact: true }).click();
  await page.getByTestId('save-group').click();
  await rowOf('group', name).getByText(member).waitFor();
}

test('a policy administrator has her pages, and begins at the entitlements', async () => {
  const { page } = paula;
  await page.getByRole('heading', { level: 1, name: 'Entitlements' }).waitFor();
  const links = await page.getByRole('navigation', { name: 'Main' }).getByRole('link').allInnerTexts();
  assert.deepEqual(links, ['Groups', 'Policies', 'Entitlements', 'Alert rules']);
});

test('groups: members are searched and picked', async () => {
  const { page } = paula;
  await paula.go('/admin/groups');
  await addGroup('Operators', 'ula');
  await addGroup('Owners', 'anna');
  await assertLooksRight(page, 'groups');
  await rowOf('group', 'Operators').getByRole('button', { name: 'Edit' }).click();
  await assertLooksRight(page, 'group-dialog');
  await page.getByTestId('members').getByText('ula', { exact: true }).click();
  await page.getByTestId('leaving').getByText('ula: what was opened').waitFor();
  await page.keyboard.press('Escape');
});

test('a policy that says nothing has the defaults of the gateway', async () => {
  const { page } = paula;
  await paula.go('/admin/policies');
  await page.getByTestId('add-policy').click();
  await page.locator('input[name=name]').fill('Usual');
  await page.getByTestId('save-policy').click();
  await rowOf('policy', 'Usual').waitFor();
  await gateway.admin.must('POST', '/api/policies', { name: 'Unsaid' });
  const policies = await gateway.admin.must<{ name: string }[]>('GET', '/api/policies');
  const rulesOf = (wanted: string) => {
    const found = policies.find(({ name }) => name === wanted);
    return { ...found, id: '', name: '', createdAt: '' };
  };
  assert.deepEqual(rulesOf('Usual'), rulesOf('Unsaid'));
});

test('a policy: what is wrong is said beside its field, too few approvers too; it is summed up and duplicated', async () => {
  const { page } = paula;
  await paula.go('/admin/policies/new');
  const fill = (name: string, value: string) => page.locator(`input[name="${name}"]`).fill(value);
  await fill('name', 'Asked');
  await page.getByTestId('add-step').click();
  await fill('needed 0', '2');
  await page.locator('select[name="group 0"]').selectOption({ label: 'Owners' });
  await page.getByTestId('access-warning').getByText('only 1 in Owners can').waitFor();
  await page.locator('input[name=reasonRequired]').check();
  await fill('ticketPattern', 'CHG(');
  await fill('maxMinutes', '60');
  await page.getByTestId('add-window').click();
  await fill('timeZone', 'Mars/Olympus');
  await page.locator('select[name=recording]').selectOption('on');
  await page.getByTestId('save-policy').click();
  await page.getByTestId('field-error').first().waitFor();
  assert.deepEqual(await page.getByTestId('field-error').allInnerTexts(), [
    'This is not a regular expression.',
    'There is no such time zone; try one such as Europe/Berlin.',
  ]);
  assert.equal(await page.locator(':focus').getAttribute('name'), 'ticketPattern', 'the first wrong field');
  await assertLooksRight(page, 'policy-errors');
  await fill('ticketPattern', 'CHG\\d{6}');
  await fill('timeZone', 'Europe/Berlin');
  await page.getByTestId('save-policy').click();
  const summary = '2 of Owners; reason and ticket; up to 1 hour; Mon–Fri 08–18 Europe/Berlin; recorded';
  await rowOf('policy', 'Asked').getByText(summary, { exact: true }).waitFor();
  await rowOf('policy', 'Asked').getByTestId('access-warning').waitFor();
  await assertLooksRight(page, 'policies');

  await rowOf('policy', 'Asked').getByRole('link', { name: 'Duplicate' }).click();
  await page.getByTestId('access-warning').waitFor();
  await fill('needed 0', '1');
  await page.getByTestId('access-warning').waitFor({ state: 'detached' });
  await page.getByTestId('save-policy').press('Enter');
  await rowOf('policy', 'Asked (copy)').getByText('1 of Owners; reason').waitFor();
  await rowOf('policy', 'Asked (copy)').getByRole('button', { name: 'Remove' }).click();
  await page.getByTestId('confirm-remove').click();
  await rowOf('policy', 'Asked (copy)').waitFor({ state: 'detached' });
});

test('an entitlement opens the desktop to its group and to nobody else; removing it ends the session', async () => {
  const { page } = paula;
  await paula.go('/admin/entitlements');
  await page.getByTestId('add-entitlement').click();
  await page.locator('select[name=entitlement-group]').selectOption({ label: 'Operators' });
  await page.locator('select[name=entitlement-policy]').selectOption({ label: 'Usual' });
  await page.getByTestId('save-entitlement').click();
  await page.getByTestId('field-error').getByText('Pick at least one').waitFor();
  await assertLooksRight(page, 'entitlement-dialog');
  await page.getByTestId('accounts').getByText('Demo desktop').click();
  await page.getByTestId('save-entitlement').click();
  await rowOf('entitlement', 'Operators').getByText('on Demo desktop').waitFor();
  await page.locator('select[name=filter-Policy]').selectOption({ label: 'Usual' });
  assert.equal(await page.getByTestId('entitlement-row').count(), 1);
  await assertLooksRight(page, 'entitlements');
  await page.getByTestId('reach').click();
  await page.getByTestId('reach-people').getByText('ula').waitFor();
  assert.equal(await page.getByTestId('reach-people').getByText('otto').count(), 0);
  await assertLooksRight(page, 'reach');
  await page.keyboard.press('Escape');

  const otto = await openPerson(browser, gateway, 'otto', PASSWORD);
  await otto.page.getByText('No desktops yet').waitFor();
  await ula.go('/');
  await ula.page.getByTestId('connect').click();
  await ula.state('active');

  await rowOf('entitlement', 'Operators').getByRole('button', { name: 'Remove' }).click();
  await page.getByTestId('confirm-remove').click();
  await ula.page.getByTestId('error-code').filter({ hasText: 'access_revoked' }).waitFor();
  await ula.go('/');
  await ula.page.getByText('No desktops yet').waitFor();
  assert.deepEqual([...paula.complaints, ...otto.complaints], []);
});

test('an alert rule has as many usual hours as it takes', async () => {
  const { page } = paula;
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Alert rules' }).click();
  await page.getByTestId('add-rule').click();
  await page.locator('input[name=rule-name]').fill('Odd hours');
  await page.locator('select[name=kind]').selectOption('odd-hour');
  await page.getByTestId('add-window').click();
  const second = page.getByTestId('time-window').nth(1);
  for (const day of ['Mon', 'Tue', 'Wed', 'Thu', 'Fri']) await second.getByText(day).click();
  await second.getByText('Pick at least one day.').waitFor();
  await second.getByText('Sat').click();
  await page.locator('input[name="from 1"]').fill('10:00');
  await page.locator('input[name="to 1"]').fill('12:30');
  await page.locator('input[name=timeZone]').fill('Europe/Berlin');
  await assertLooksRight(page, 'alert-rule-hours');
  await page.getByTestId('save-rule').click();
  await page.getByTestId('rule-row').getByText('Outside Mon–Fri 08–18, Sat 10–12:30 Europe/Berlin').waitFor();
});

test('a group is removed with what it may use, but not while a policy names it', async () => {
  const { page } = paula;
  await gateway.admin.must('POST', '/api/entitlements', { group: 'Operators', accounts: 'all', policy: 'Usual' });
  await paula.go('/admin/groups');
  await rowOf('group', 'Owners').getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('dialog').getByText('Asked names this group').waitFor();
  await page.keyboard.press('Escape');
  await rowOf('group', 'Operators').getByRole('button', { name: 'Remove' }).click();
  await page.getByTestId('lost').getByText('Every account under Usual').waitFor();
  await assertLooksRight(page, 'group-remove');
  await page.getByTestId('confirm-remove').click();
  await rowOf('group', 'Operators').waitFor({ state: 'detached' });
});

test('a user is put into groups from the users page; who can reach an account, from the targets page; nothing left', async () => {
  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  const { page } = admin;
  await admin.go('/admin/users');
  const row = page.getByTestId('user-row').filter({ hasText: 'otto' });
  await row.getByRole('button', { name: 'Edit' }).click();
  await page.getByTestId('user-groups').getByText('Owners', { exact: true }).click();
  await assertLooksRight(page, 'user-groups');
  await page.getByTestId('save-user').click();
  await row.getByText('Owners').waitFor();
  const groups = await gateway.admin.must<{ name: string; members: { username: string }[] }[]>('GET', '/api/groups');
  const owners = groups.find(({ name }) => name === 'Owners');
  assert.deepEqual(owners?.members.map(({ username }) => username).sort(), ['anna', 'otto']);

  await admin.go('/admin/targets');
  await page.getByTestId('who-can-reach').click();
  await page.getByTestId('reach-people').getByText('admin', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('entitlement-row').getByRole('button', { name: 'Remove' }).click();
  await page.getByTestId('confirm-remove').click();
  await page.getByTestId('empty').getByText('No entitlements yet').waitFor();
  await assertLooksRight(page, 'entitlements-empty');
  assert.deepEqual(admin.complaints, []);
});

test('a system administrator manages groups without seeing what they may use', async () => {
  await gateway.admin.must('POST', '/api/users', { username: 'sam', password: PASSWORD, roles: ['system-admin'] });
  const sam = await openPerson(browser, gateway, 'sam', PASSWORD);
  await sam.go('/admin/groups');
  await sam.page.getByTestId('group-row').filter({ hasText: 'Owners' }).getByText('otto').waitFor();
  assert.equal(await sam.page.getByRole('columnheader', { name: 'May use' }).count(), 0);
  assert.deepEqual(sam.complaints, []);
});
