import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { openGatewayDatabase } from '../../gateway/testing/gateway-database.ts';
import { freePort, startAll } from '../lab/processes.ts';
import { assertLooksRight } from './accessibility.ts';
import { closeBrowser, launchBrowser, Person } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson } from './story.ts';

const PASSWORD = 'Jane-E2E-Pass-1!';
let gateway: TestGateway;
let browser: Browser;
/** Passkeys belong to a host name, so people come by one here. */
let named: URL;

before(async () => {
  const port = await freePort();
  named = new URL(`https://localhost:${port}`);
  const environment = { ORIEL_PORT: String(port), ORIEL_PUBLIC_URL: named.origin };
  [gateway, browser] = await startAll(startGateway(environment), launchBrowser());
});
after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
});

test('a passkey: made in the page, signs in by itself, renamed, removed, refused from then on', async () => {
  await gateway.admin.addUser('jane', PASSWORD, ['user']);
  const person = await openNamed('jane');
  const { page } = person;
  const device = await Device.of(page);
  await person.go('/account');
  await page.getByTestId('passkeys').getByText('None yet').waitFor();
  await add(page, 'Work laptop');
  await page.getByTestId('recovery-codes').waitFor();
  await page.getByTestId('codes-kept').click();
  await page.getByTestId('passkey-row').getByRole('cell', { name: 'Work laptop', exact: true }).waitFor();
  await page.getByTestId('second-factor-state').getByText('On, by passkey').waitFor();
  await assertLooksRight(page, 'account-passkeys');
  const [credential] = await device.credentials();
  assert.equal(credential?.isResidentCredential, true);
  assert.equal(credential.rpId, 'localhost');

  await device.present(false);
  await page.getByTestId('sign-out').click();
  await page.getByTestId('sign-in-passkey').waitFor();
  await assertLooksRight(page, 'sign-in-passkey');
  await device.present(true);
  await page.getByTestId('sign-in-passkey').click();
  await page.getByTestId('signed-in').getByText('jane').waitFor();

  await person.go('/account');
  await page.getByTestId('sign-in-row').getByText('Passkey').first().waitFor();
  await page.getByRole('button', { name: 'Rename Work laptop' }).click();
  await page.locator('input[name=passkey-name]').fill('Old laptop');
  await page.getByTestId('passkey-go-on').click();
  await page.getByTestId('passkey-row').getByRole('cell', { name: 'Old laptop', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Remove Old laptop' }).click();
  await assertLooksRight(page, 'passkey-remove');
  await page.getByTestId('passkey-go-on').click();
  await page.getByTestId('passkeys').getByText('None yet').waitFor();
  await page.getByTestId('second-factor-state').getByText('Off.').waitFor();

  await device.present(false);
  await page.getByTestId('sign-out').click();
  await page.getByTestId('sign-in-passkey').waitFor();
  await device.present(true);
  await page.getByTestId('sign-in-passkey').click();
  await page.getByTestId('error-code').filter({ hasText: 'passkey_refused' }).waitFor();
  assert.deepEqual(person.complaints, []);
  await person.close();
});

test('the browser offers it with the user name, and whoever chooses it is in', async () => {
  await gateway.admin.addUser('kate', PASSWORD, ['user']);
  const person = await openNamed('kate');
  const device = await Device.of(person.page);
  await person.go('/account');
  await add(person.page, 'Laptop');
  await person.page.getByTestId('codes-kept').click();
  // The virtual authenticator chooses at once what a person would choose from the list.
  await person.page.getByTestId('sign-out').click();
  await person.page.getByTestId('signed-in').getByText('kate').waitFor();
  assert.ok(((await device.credentials())[0]?.signCount ?? 0) >= 1);
  assert.deepEqual(person.complaints, []);
  await person.close();
});

test('the second step after the password, and the step-up at a desktop; a copy is found out', async () => {
  await gateway.admin.addUser('lena', PASSWORD, ['user']);
  const { admin } = gateway;
  const nowhere = { host: '127.0.0.1', port: 1, username: 'operator', password: 'Nowhere-Pass-1!' };
  const { targetId, accountId } = await admin.addTarget('Payroll', nowhere);
  await admin.must('POST', '/api/users', { username: 'mona', password: PASSWORD, roles: ['user'] });
  const { id: group } = await admin.must<{ id: string }>('POST', '/api/groups', { name: 'Payroll', members: ['mona'] });
  const { id: policy } = await admin.must<{ id: string }>('POST', '/api/policies', { name: 'Step-up', stepUp: true });
  await admin.must('POST', '/api/entitlements', { group, accounts: [accountId], policy });
  await admin.must('PATCH', '/api/settings/sign-in', { passwordless: false });

  const person = await openNamed('mona');
  const { page } = person;
  const device = await Device.of(page);
  await person.go('/account');
  await add(page, 'Security key');
  await page.getByTestId('codes-kept').click();
  await page.getByTestId('sign-out').click();
  await page.locator('input[name=username]').fill('mona');
  assert.equal(await page.getByTestId('sign-in-passkey').count(), 0, 'a passkey goes with a password now');
  await page.locator('input[name=password]').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByTestId('factor-passkey').waitFor();
  await assertLooksRight(page, 'sign-in-factor-passkey');
  await page.getByTestId('factor-passkey').click();
  await page.getByTestId('signed-in').getByText('mona').waitFor();

  timePasses();
  await person.go(`/desktop/${targetId}`);
  await page.getByRole('dialog').getByText('your browser asks for your passkey').waitFor();
  await assertLooksRight(page, 'step-up-passkey');
  await page.getByTestId('step-up').click();
  // Past the door: the computer itself is not there.
  await page.getByTestId('error-code').filter({ hasText: 'target_refused' }).waitFor();

  // A copy of the key that was made earlier: its counter is behind.
  const [credential] = await device.credentials();
  assert.ok(credential !== undefined);
  await device.replace({ ...credential, signCount: 0 });
  timePasses();
  await person.go(`/desktop/${targetId}`);
  await page.getByTestId('step-up').click();
  await page.getByRole('dialog').getByTestId('error-code').filter({ hasText: 'passkey_cloned' }).waitFor();
  await person.go('/account');
  await page.getByTestId('passkey-row').getByText('A copy was seen').waitFor();

  const boss = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await boss.go('/admin/users');
  await boss.page.getByTestId('user-row').filter({ hasText: 'mona' }).getByRole('button', { name: 'Sign-ins' }).click();
  await boss.page.getByRole('button', { name: 'Remove Security key' }).click();
  await boss.page.getByTestId('passkey-row').waitFor({ state: 'detached' });
  await admin.must('PATCH', '/api/settings/sign-in', { passwordless: true });
  assert.deepEqual(
    [...person.complaints, ...boss.complaints].filter((text) => !text.includes('status of 403')),
    [],
  );
  await person.close();
  await boss.close();
});

test('where a role asks for a passkey it is made while signing in', async () => {
  const boss = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await boss.go('/admin/settings/sign-in');
  const policy = boss.page.getByTestId('second-factor-policy');
  await policy.getByText(`Passkeys work at ${named.origin}`).waitFor();
  await policy.locator('input[name=second-factor-auditor]').check();
  await policy.locator('select[name=factors-auditor]').selectOption('passkey');
  await policy.getByRole('button', { name: 'Save', exact: true }).click();
  await policy.getByText('Saved', { exact: true }).waitFor();
  await gateway.admin.addUser('nora', PASSWORD, ['auditor']);

  const person = await Person.open(browser, named);
  const { page } = person;
  await Device.of(page);
  await person.go('/recordings');
  await page.locator('input[name=username]').fill('nora');
  await page.locator('input[name=password]').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByTestId('enrol-passkey').waitFor();
  await assertLooksRight(page, 'sign-in-enrol-passkey');
  await page.getByTestId('enrol-passkey').click();
  await page.getByTestId('codes-kept').click();
  await page.getByRole('heading', { level: 1, name: 'Recordings' }).waitFor();
  await gateway.admin.must('PATCH', '/api/settings/sign-in', { secondFactorRoles: [], allowedFactors: {} });
  assert.deepEqual([...person.complaints, ...boss.complaints], []);
  await person.close();
  await boss.close();
});

test('at another address of the gateway passkeys are not offered, and making one says where they work', async () => {
  await gateway.admin.addUser('olga', PASSWORD, ['user']);
  const person = await Person.open(browser, new URL(named.href.replace('localhost', '127.0.0.1')));
  await person.signIn('olga', PASSWORD);
  const { page } = person;
  await Device.of(page);
  await person.go('/account');
  await page.getByTestId('add-passkey').click();
  await page.getByTestId('passkey-go-on').click();
  await page.getByRole('dialog').getByTestId('error-code').filter({ hasText: 'passkeys_unavailable' }).waitFor();
  await page.getByRole('dialog').getByText(`open ${named.origin}`).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await page.getByTestId('sign-out').click();
  await page.getByTestId('sign-in').waitFor();
  assert.equal(await page.getByTestId('sign-in-passkey').count(), 0);
  await person.close();
});

async function openNamed(username: string): Promise<Person> {
  const person = await Person.open(browser, named);
  await person.signIn(username, PASSWORD);
  return person;
}

async function add(page: Page, name: string): Promise<void> {
  await page.getByTestId('add-passkey').click();
  await page.locator('input[name=passkey-name]').fill(name);
  await page.getByTestId('passkey-go-on').click();
}

/** What was shown a while ago is as good as nothing. */
function timePasses(): void {
  const database = openGatewayDatabase(gateway.data);
  database.exec('update login_sessions set confirmed_at = confirmed_at - 600000');
  database.close();
}

interface Credential {
  readonly credentialId: string;
  readonly isResidentCredential: boolean;
  readonly rpId?: string;
  readonly privateKey: string;
  readonly signCount: number;
}

/** Chromium's virtual authenticator: a platform authenticator that verifies its user. */
class Device {
  readonly #cdp: CDPSession;
  readonly #id: string;

  private constructor(cdp: CDPSession, id: string) {
    this.#cdp = cdp;
    this.#id = id;
  }

  static async of(page: Page): Promise<Device> {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return new Device(cdp, authenticatorId);
  }

  async credentials(): Promise<readonly Credential[]> {
    return (await this.#cdp.send('WebAuthn.getCredentials', { authenticatorId: this.#id })).credentials;
  }

  async replace(credential: Credential): Promise<void> {
    const { credentialId } = credential;
    await this.#cdp.send('WebAuthn.removeCredential', { authenticatorId: this.#id, credentialId });
    await this.#cdp.send('WebAuthn.addCredential', { authenticatorId: this.#id, credential });
  }

  /** Whether somebody is there to touch it. */
  async present(enabled: boolean): Promise<void> {
    await this.#cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: this.#id, enabled });
  }
}
