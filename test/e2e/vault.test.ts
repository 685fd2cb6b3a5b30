import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { type Desktop, LAYOUT } from '../lab/desktop.ts';
import { startAll, waitFor } from '../lab/processes.ts';
import type { LabServer } from '../lab/server.ts';
import { startShadow } from '../lab/shadow.ts';
import { type LabSshd, startSshd } from '../lab/sshd.ts';
import { accessibilityFaults, assertLooksRight } from './accessibility.ts';
import { closeBrowser, launchBrowser, Person } from './browser.ts';
import { startGateway, type TestGateway } from './gateway.ts';

/** The vault in Chromium: a real RDP server with NLA, a real SSH server, a provider over HTTP. */

const USER_PASSWORD = 'Vault-User-Pass-1!';
let gateway: TestGateway;
let server: LabServer;
let sshd: LabSshd;
let provider: Server;
let browser: Browser;
let keeper: Person;
let jane: Person;
let targetId: string;
let accountId: string;
/** The entitlement whose policy shows passwords. */
let shownBy: string;

before(async () => {
  [server, sshd, gateway, browser] = await startAll(startShadow(), startSshd(), startGateway(), launchBrowser());
  provider = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ authorized: true, username: server.username, password: server.password }));
    });
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', () => resolve()));
  ({ targetId, accountId } = await gateway.admin.addTarget('Vault desktop', server));
  await gateway.admin.must('POST', '/api/users', {
    username: 'keeper',
    password: USER_PASSWORD,
    roles: ['vault-admin'],
  });
  await gateway.admin.addUser('jane', USER_PASSWORD, ['user']);
  await gateway.admin.must('POST', '/api/policies', {
    name: 'Shown',
    reveal: true,
    typeSecret: true,
    reasonRequired: true,
  });
  const entitlement = await gateway.admin.must<{ id: string }>('POST', '/api/entitlements', {
    group: 'only jane',
    accounts: [accountId],
    policy: 'Shown',
  });
  shownBy = entitlement.id;
  keeper = await Person.open(browser, gateway.url);
  jane = await Person.open(browser, gateway.url);
  await keeper.signIn('keeper', USER_PASSWORD);
  await jane.signIn('jane', USER_PASSWORD);
});

after(async () => {
  await closeBrowser(browser);
  provider?.close();
  await Promise.all([gateway?.stop(), server?.stop(), sshd?.stop()]);
});

/** Adds an account by the API, as the administrator. */
async function account(fields: object, target = targetId): Promise<string> {
  return (await gateway.admin.must<{ id: string }>('POST', `/api/targets/${target}/accounts`, fields)).id;
}

async function endSession(person: Person): Promise<void> {
  await person.page.getByTestId('end-session').click();
  await person.page.getByTestId('confirm-end').click();
  await person.state('ended');
}

test('a vault administrator adds a provider, tries it, and an account that comes from it; its user connects', async () => {
  const { page } = keeper;
  await keeper.go('/admin/vault/providers');
  await page.getByTestId('empty').waitFor();
  await assertLooksRight(keeper.page, 'vault-providers-none');
  await page.getByTestId('add-provider').click();
  await page.getByLabel('Name').fill('Company');
  await page.getByLabel('Address').fill(`http://127.0.0.1:${(provider.address() as AddressInfo).port}/`);
  await assertLooksRight(keeper.page, 'vault-provider-dialog');
  await page.getByTestId('save-provider').click();
  await page.getByTestId('try-provider').click();
  await page.getByTestId('perform-try').click();
  assert.match(await page.getByTestId('try-result').innerText(), new RegExp(`credential for ${server.username}`));
  await assertLooksRight(keeper.page, 'vault-providers');

  await keeper.go('/admin/targets');
  await page.getByTestId('add-account').first().click();
  await page.locator('select[name=account-type]').selectOption('provider');
  await page.locator('input[name=account-username]').fill('from-provider');
  await page.locator('select[name=account-provider]').selectOption({ label: 'Company' });
  await assertLooksRight(keeper.page, 'vault-account-dialog');
  await page.getByTestId('save-account').click();
  await page.getByTestId('save-account').waitFor({ state: 'detached' });
  await keeper.go('/admin/vault');
  const row = page.getByTestId('vault-account').filter({ hasText: 'from-provider' });
  const providedId = (await row.getAttribute('data-account')) ?? '';
  assert.match(await row.innerText(), /Company/);
  await assertLooksRight(keeper.page, 'vault-vault-accounts');
  await jane.go(`/desktop/${targetId}?account=${providedId}`);
  await jane.state('active');
  await endSession(jane);
});

test('a password that only its user knows is asked for in the page, and a wrong one is not kept', async () => {
  const prompted = await account({ type: 'prompted' });
  const { page } = jane;
  await jane.go(`/desktop/${targetId}?account=${prompted}`);
  await page.locator('input[name=credential-username]').fill(server.username);
  await page.locator('input[name=credential-password]').fill('not it');
  assert.deepEqual(await accessibilityFaults(jane.page), []);
  await page.getByTestId('supply-credential').click();
  await jane.state('failed');
  await page.getByTestId('try-again').click();
  await page.locator('input[name=credential-username]').fill(server.username);
  await page.locator('input[name=credential-password]').fill(server.password);
  await page.getByTestId('supply-credential').click();
  await jane.state('active');
  await endSession(jane);
});

test('a password is shown for a while, and typed into the desktop by the gateway', async () => {
  const { page } = jane;
  const { id } = await (await gateway.login('jane', USER_PASSWORD)).must<{ id: string }>('POST', '/api/requests', {
    items: [{ accountId, entitlementId: shownBy, minutes: 60 }],
    reason: 'maintenance',
  });
  await jane.go(`/requests/${id}`);
  await page.getByTestId('reveal').click();
  await page.getByTestId('confirm-reveal').click();
  assert.equal(await page.getByTestId('secret').innerText(), server.password);
  await assertLooksRight(jane.page, 'vault-reveal');
  await page.getByTestId('close-reveal').click();
  assert.equal((await jane.text()).includes(server.password), false);
  await waitFor('the history to say so', async () => (await jane.text()).includes('Password shown'));

  await page.getByTestId('connect').click();
  await jane.state('active');
  const desktop: Desktop = await server.desktop();
  await jane.click(LAYOUT.terminal.x, LAYOUT.terminal.y);
  await desktop.terminalFocused();
  await jane.type("echo '");
  await page.getByTestId('keys-menu').click();
  await page.getByTestId('type-secret').click();
  assert.deepEqual(await accessibilityFaults(jane.page), []);
  await page.getByTestId('confirm-type-secret').click();
  await page.getByTestId('confirm-type-secret').waitFor({ state: 'detached' });
  await jane.type("' | tee typed");
  await jane.press('Enter');
  assert.equal(await desktop.file('typed'), `${server.password}\n`);
  const [session] = await gateway.admin.sessions();
  await endSession(jane);
  await gateway.admin.recordingReady(session?.id ?? '');
  const { bytes } = await gateway.admin.call('GET', `/api/recordings/${session?.id}/events`);
  assert.match(bytes.toString(), /secret-typed/);
  assert.equal(bytes.includes(server.password), false);
});

test('secrets move to a new master key on its page while a session goes on', async () => {
  const requestId = (
    await (
      await gateway.login('jane', USER_PASSWORD)
    ).must<{ id: string }>('POST', '/api/requests', {
      items: [{ accountId, entitlementId: shownBy, minutes: 60 }],
      reason: 'while keys move',
    })
  ).id;
  await jane.go(`/desktop/${targetId}?account=${accountId}&request=${requestId}`);
  await jane.state('active');
  const { page } = keeper;
  await keeper.go('/admin/vault/key');
  const before = await page.getByTestId('key-id').innerText();
  await page.getByTestId('move-key').click();
  await assertLooksRight(keeper.page, 'vault-key-dialog');
  await page.getByTestId('confirm-move').click();
  await waitFor(
    'another key to be the present one',
    async () => (await page.getByTestId('key-id').innerText()) !== before,
  );
  await assertLooksRight(keeper.page, 'vault-key');
  await jane.state('active');
  await endSession(jane);
  await jane.page.getByTestId('try-again').click();
  await jane.page.locator('[data-state="ended"]').waitFor({ state: 'detached' });
  await jane.state('active');
  await endSession(jane);
});

test('a master password is set on the account page, asked for at connect, and given up', async () => {
  const guarded = await account({ username: server.username, password: server.password, masterPassword: true });
  const { page } = jane;
  await jane.go('/account');
  await page.getByTestId('set-master').click();
  await page.locator('input[name=master-new]').fill('only jane knows');
  await page.locator('input[name=master-again]').fill('only jane knows');
  await page.getByTestId('save-master').click();
  await page.getByTestId('change-master').waitFor();
  await assertLooksRight(jane.page, 'vault-master-password');
  await jane.go(`/desktop/${targetId}?account=${guarded}`);
  await page.locator('input[name=credential-master]').fill('wrong');
  await page.getByTestId('supply-credential').click();
  await page.getByText('This is not your master password.').waitFor();
  await page.locator('input[name=credential-master]').fill('only jane knows');
  await page.getByTestId('supply-credential').click();
  await jane.state('active');
  await endSession(jane);
  await jane.go('/account');
  await page.getByTestId('forgot-master').click();
  await page.locator('input[name=master-proof]').fill(USER_PASSWORD);
  await page.getByTestId('confirm-reset-master').click();
  await page.getByTestId('lost').waitFor();
  await page.getByTestId('set-master').waitFor();
});

test('a Linux account has its password changed over SSH, and the page shows how that went', async () => {
  const { page } = keeper;
  const linux = await gateway.admin.must<{ id: string }>('POST', '/api/targets', { name: 'Linux', host: sshd.host });
  const changed = await account({ username: sshd.username, password: sshd.password }, linux.id);
  await keeper.go(`/admin/vault/${changed}`);
  await page.locator('input[name=port]').fill(String(sshd.port));
  await page.locator('input[name=onCheckIn]').check();
  await page.getByTestId('rotation-form').getByRole('button', { name: 'Save' }).click();
  await page.getByTestId('rotate').click();
  await page.getByTestId('confirm-rotate').click();
  await page.getByTestId('rotation-event').first().waitFor();
  assert.match(await page.getByTestId('rotation').innerText(), /In order/);
  assert.ok((await page.getByTestId('rotation').innerText()).includes(sshd.hostKey));
  await assertLooksRight(keeper.page, 'vault-rotation');

  const other = `SHA256:${'A'.repeat(43)}`;
  await gateway.admin.must('POST', `/api/vault/accounts/${changed}/host-key`, { hostKey: other });
  await page.getByTestId('rotate').click();
  await page.getByTestId('confirm-rotate').click();
  await page.getByText('host_key_changed').first().waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByTestId('review-host-key').click();
  await page.getByTestId('accept-host-key').click();
  await page.getByTestId('rotate').click();
  await page.getByTestId('confirm-rotate').click();
  await waitFor('the state to be in order', async () =>
    (await page.getByTestId('rotation').innerText()).includes('In order'),
  );
  await assertLooksRight(keeper.page, 'vault-rotation-after');
});
