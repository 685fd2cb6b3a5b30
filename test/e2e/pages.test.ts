import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { startAll, waitFor } from '../lab/processes.ts';
import { accessibilityFaults, showIn } from './accessibility.ts';
import { closeBrowser, launchBrowser, Person } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson } from './story.ts';

let gateway: TestGateway;
let browser: Browser;

before(async () => {
  [gateway, browser] = await startAll(startGateway(), launchBrowser());
  const long = 'Domain controller of the Frankfurt office, building C, second floor, left of the printer';
  const nowhere = {
    host: '127.0.0.1',
    port: 1,
    username: 'administrator-with-a-long-name',
    password: 'Nowhere-Pass-1!',
  };
  const { targetId } = await gateway.admin.addTarget(long, nowhere);
  const second = { username: 'backup', password: 'Nowhere-Pass-2!', domain: 'CORP' };
  await gateway.admin.must('POST', `/api/targets/${targetId}/accounts`, second);
  await gateway.admin.must('POST', '/api/targets', { name: 'No account', host: 'no-account.example', port: 3389 });
  const oneWord = { name: 'x'.repeat(128), host: 'one-word.example', port: 3389 };
  await gateway.admin.must('POST', '/api/targets', oneWord);
  await gateway.admin.must('POST', '/api/users', { username: 'z'.repeat(64), password: 'Zed-E2E-Pass-1!', roles: [] });
  await gateway.admin.addUser('jane', 'Jane-E2E-Pass-1!', ['user']);
  await gateway.admin.addUser('audrey', 'Audrey-E2E-Pass-1!', ['auditor']);
  // Without a place to break at, as directories have them: a table that is wider than the page scrolls by itself.
  await gateway.admin.must('POST', '/api/groups', {
    name: 'GG_FRA_SERVERS_ADMINISTRATORS_'.repeat(4),
    members: ['jane'],
  });
});

after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
});

/** What every page must keep to, looked for in the page itself; each text is one fault. */
async function faults(person: Person): Promise<string[]> {
  return person.page.evaluate(() => {
    interface Box {
      readonly width: number;
      readonly right: number;
    }
    interface Part {
      readonly tagName: string;
      readonly textContent: string;
      readonly title: string;
      readonly labels?: ArrayLike<Part> | null;
      readonly outerHTML: string;
      getAttribute(name: string): string | null;
      getBoundingClientRect(): Box;
    }
    const { document, innerWidth } = globalThis as unknown as {
      readonly innerWidth: number;
      readonly document: {
        readonly title: string;
        readonly documentElement: { readonly scrollWidth: number };
        querySelectorAll(selector: string): ArrayLike<Part>;
      };
    };
    const found: string[] = [];
    const over = document.documentElement.scrollWidth - innerWidth;
    if (over > 0) found.push(`the page is ${over} pixels wider than the window`);
    if (document.querySelectorAll('h1').length !== 1) found.push('not exactly one h1');
    if (!document.title.endsWith('Oriel')) found.push(`title "${document.title}"`);
    for (const part of Array.from(document.querySelectorAll('a, button, input, select, summary, video'))) {
      if (part.getBoundingClientRect().width === 0) continue;
      const names = [part.getAttribute('aria-label'), part.textContent, part.title];
      const labels = Array.from(part.labels ?? [], (label) => label.textContent);
      const name = part.tagName === 'SELECT' ? [...labels, names[0]] : [...labels, ...names];
      if (!name.some((text) => text?.trim())) found.push(`no name: ${part.outerHTML.slice(0, 200)}`);
      const squeezed = part.getAttribute('type') === 'search' && part.getBoundingClientRect().width < 120;
      if (squeezed) found.push(`no room to search: ${part.outerHTML.slice(0, 200)}`);
    }
    return found;
  });
}

const adminPages = [
  ['/', 'Desktops'],
  ['/requests', 'My requests'],
  ['/requests/new', 'New request'],
  ['/approvals', 'Approvals'],
  ['/reviews', 'Reviews'],
  ['/sessions', 'Live sessions'],
  ['/recordings', 'Recordings'],
  ['/admin/targets', 'Targets'],
  ['/admin/users', 'Users'],
  ['/admin/groups', 'Groups'],
  ['/admin/policies', 'Policies'],
  ['/admin/policies/new', 'New policy'],
  ['/admin/entitlements', 'Entitlements'],
  ['/admin/audit', 'Audit log'],
  ['/admin/storage', 'Storage'],
  ['/admin/settings', 'Settings'],
  ['/admin/settings/sign-in', 'Signing in'],
  ['/admin/settings/notifications', 'Notification settings'],
  ['/account', 'Your account'],
  ['/notifications', 'Notifications'],
  ['/admin/nothing-here', 'Nothing here'],
] as const;

const openPage = async (person: Person, [path, heading]: (typeof adminPages)[number]) => {
  await person.go(path);
  await person.page.getByRole('heading', { level: 1, name: heading }).waitFor();
  await person.page.locator('.loading').first().waitFor({ state: 'detached' });
};

test('every page on a phone: a heading, names for everything, nothing cut off, no complaint', async () => {
  const person = await Person.open(browser, gateway.url, { width: 360, height: 740 });
  await person.go('/');
  await person.page.locator('input[name=username]').waitFor();
  assert.deepEqual(await faults(person), [], 'sign-in');
  await person.signIn('admin', ADMIN_PASSWORD);
  for (const page of adminPages) {
    await openPage(person, page);
    assert.deepEqual(await faults(person), [], page[0]);
  }
  assert.deepEqual(person.complaints, []);
  await person.close();
});

test('the address of a desktop that is not there ends as failed, with a way back', async () => {
  const person = await Person.open(browser, gateway.url, { width: 1280, height: 740 });
  await person.go('/');
  await person.signIn('admin', ADMIN_PASSWORD);
  await person.go('/desktop/nothing');
  await person.page.locator('[data-state="failed"]').getByText('Back to desktops').waitFor();
  await person.close();
});

test('every page on a desk: the same, and it keeps to WCAG 2.2 AA in the light and in the dark', async () => {
  const person = await Person.open(browser, gateway.url, { width: 1280, height: 800 });
  const { page } = person;
  const found: string[] = [];
  const check = async (what: string) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await showIn(page, colorScheme);
      for (const fault of await accessibilityFaults(page)) found.push(`${what}, ${colorScheme}: ${fault}`);
    }
  };
  await person.go('/');
  await page.locator('input[name=username]').waitFor();
  assert.deepEqual(await faults(person), [], 'sign-in');
  await check('sign-in');
  await person.signIn('admin', ADMIN_PASSWORD);
  for (const each of adminPages) {
    await openPage(person, each);
    assert.deepEqual(await faults(person), [], each[0]);
    await check(each[0]);
  }
  assert.deepEqual(person.complaints, []);
  await person.go('/recordings?user=nobody');
  await page.getByTestId('empty').waitFor();
  await check('recordings, filtered');
  await person.go('/admin/targets');
  await page.getByTestId('add-target').click();
  await page.getByText('Security', { exact: true }).click();
  await page.locator('select[name=certificateTrust]').selectOption('pinned');
  await check('target form');
  await page.locator('input[name=host]').fill('127.0.0.1');
  await page.locator('input[name=port]').fill('1');
  await page.getByTestId('test-unsaved').click();
  await page.getByTestId('report').waitFor();
  await check('connection test');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByTestId('add-account').first().click();
  await check('account form');
  await person.go('/admin/users');
  await page.getByTestId('add-user').click();
  await check('user form');
  const [target] = await gateway.admin.must<{ id: string }[]>('GET', '/api/targets');
  await person.go(`/desktop/${target?.id}`);
  await page.getByTestId('error-code').or(page.getByTestId('accounts')).first().waitFor();
  await check('desktop');
  assert.deepEqual(found, []);
  await person.close();
});

test('signing in stays at the address that was asked for; a wrong password is explained', async () => {
  const person = await Person.open(browser, gateway.url);
  await person.go('/admin/audit');
  const { page } = person;
  await page.locator('input[name=username]').fill('admin');
  await page.locator('input[name=password]').fill('not the password');
  await page.keyboard.press('Enter');
  await page.getByTestId('error-code').filter({ hasText: 'login_failed' }).waitFor();
  await page.locator('input[name=password]').fill(ADMIN_PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Audit log' }).waitFor();
  await page.getByTestId('sign-out').click();
  await page.locator('input[name=username]').waitFor();
  await person.close();
});

test('an administrator adds a target, an account and a user through the pages', async () => {
  const person = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  const { page } = person;
  await person.go('/admin/targets');
  await page.getByTestId('add-target').click();
  await page.locator('input[name=name]').fill('Print server');
  await page.locator('input[name=host]').fill('print.example');
  await page.getByTestId('save-target').click();
  const target = page.getByTestId('target').filter({ hasText: 'Print server' });
  await target.getByTestId('add-account').click();
  await page.locator('input[name=account-username]').fill('operator');
  await page.locator('input[name=account-password]').fill('Operator-Pass-1!');
  await page.getByTestId('save-account').click();
  await target.getByText('operator', { exact: true }).waitFor();

  await person.go('/admin/users');
  await page.getByTestId('add-user').click();
  await page.locator('input[name=new-username]').fill('otto');
  await page.locator('input[name=new-password]').fill('short');
  await page.getByTestId('save-user').click();
  assert.equal(await page.getByRole('dialog').count(), 1, 'a password that is too short keeps the dialog open');
  await page.locator('input[name=new-password]').fill('Otto-E2E-Pass-1!');
  await page.getByTestId('save-user').click();
  await page.getByTestId('user-row').filter({ hasText: 'otto' }).waitFor();

  const otto = await openPerson(browser, gateway, 'otto', 'Otto-E2E-Pass-1!');
  await otto.page.getByText('No desktops yet').waitFor();
  await gateway.admin.entitle('otto');
  await otto.go('/');
  await otto.page.getByText('Print server').waitFor();
  assert.ok(!(await otto.page.content()).includes('Operator-Pass-1!'));
  assert.deepEqual([...person.complaints, ...otto.complaints], []);
  await person.close();
  await otto.close();
});

test('each role sees its own pages', async () => {
  const links = (person: Person) =>
    person.page.getByRole('navigation', { name: 'Main' }).getByRole('link').allInnerTexts();
  const jane = await openPerson(browser, gateway, 'jane', 'Jane-E2E-Pass-1!');
  await jane.page.getByRole('heading', { level: 1, name: 'Desktops' }).waitFor();
  assert.deepEqual(await links(jane), ['Desktops', 'Requests', 'Live sessions']);
  const audrey = await openPerson(browser, gateway, 'audrey', 'Audrey-E2E-Pass-1!');
  await audrey.page.getByRole('heading', { level: 1, name: 'Recordings' }).waitFor();
  assert.deepEqual(await links(audrey), ['Requests', 'Reviews', 'Recordings', 'Audit log']);
  assert.deepEqual([...jane.complaints, ...audrey.complaints], []);
  await jane.close();
  await audrey.close();
});

test('a page for other roles says so, with nothing to press there; an address that cannot be read is no empty page', async () => {
  const jane = await openPerson(browser, gateway, 'jane', 'Jane-E2E-Pass-1!');
  for (const path of ['/admin/targets', '/admin/users', '/recordings']) {
    await jane.go(path);
    await jane.page.getByRole('heading', { level: 1, name: 'Not for you' }).waitFor();
    assert.equal(await jane.page.getByRole('main').getByRole('button').count(), 0, path);
  }
  for (const path of ['/requests/%zz', '/desktop/%']) {
    await jane.go(path);
    await jane.page.getByRole('heading', { level: 1, name: 'Nothing here' }).waitFor();
  }
  assert.deepEqual(jane.complaints, []);
  await jane.close();
});

test('tabs of one browser show who is signed in there now', async () => {
  const person = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await person.go('/admin/users');
  const other = await person.page.context().newPage();
  await other.goto(new URL('/', gateway.url).href);
  await other.getByTestId('sign-out').click();
  await person.page.locator('input[name=username]').waitFor();
  await other.locator('input[name=username]').fill('jane');
  await other.locator('input[name=password]').fill('Jane-E2E-Pass-1!');
  await other.locator('input[name=password]').press('Enter');
  await person.page.getByTestId('signed-in').getByText('jane').waitFor();
  await person.page.getByRole('heading', { level: 1, name: 'Not for you' }).waitFor();
  await person.close();
});

test('signing out that does not reach the gateway does not say that it did', async () => {
  const person = await openPerson(browser, gateway, 'jane', 'Jane-E2E-Pass-1!');
  await person.page.route('**/api/logout', (route) => route.abort());
  await person.page.getByTestId('sign-out').click();
  await person.page.getByRole('alert').getByText('You are still signed in.').waitFor();
  await person.page.unroute('**/api/logout');
  await person.page.getByRole('button', { name: 'Try again' }).click();
  await person.page.getByTestId('sign-out').click();
  await person.page.locator('input[name=username]').waitFor();
  await person.close();
});

test('what is looked for follows links and steps back, and stays over a reload', async () => {
  const { page, ...person } = await openPerson(browser, gateway, 'audrey', 'Audrey-E2E-Pass-1!');
  const search = page.locator('input[name=search]');
  await search.pressSequentially('noth');
  await page.waitForURL('**/?search=noth');
  // Goes on in the same field.
  await page.keyboard.type('ing');
  await page.waitForURL('**/?search=nothing');
  await page.getByText('No recording is like that').waitFor();
  await page.reload();
  await page.getByText('No recording is like that').waitFor();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Recordings' }).click();
  await page.getByText('Nothing recorded yet').waitFor();
  assert.equal(await search.inputValue(), '');
  await page.goBack();
  await page.getByText('No recording is like that').waitFor();
  assert.equal(await search.inputValue(), 'nothing');
  assert.deepEqual(person.complaints, []);
  await page.context().close();
});

test('the menu of a phone is closed by Esc, and what turns stands still for whoever wants less motion', async () => {
  const person = await openPerson(browser, gateway, 'jane', 'Jane-E2E-Pass-1!', { width: 360, height: 740 });
  const button = person.page.getByRole('button', { name: 'Open the menu' });
  await button.click();
  await person.page.getByTestId('sign-out').waitFor();
  await person.press('Escape');
  await person.page.getByTestId('sign-out').waitFor({ state: 'hidden' });
  assert.equal(await button.evaluate((element) => element.matches(':focus')), true);
  await person.page.emulateMedia({ reducedMotion: 'reduce' });
  const turns = await person.page.evaluate(() => {
    const { document, getComputedStyle } = globalThis as unknown as {
      readonly document: { createElement(name: string): { className: string }; body: { append(child: unknown): void } };
      getComputedStyle(element: unknown): { readonly animationIterationCount: string };
    };
    const spinner = document.createElement('span');
    spinner.className = 'spinner';
    document.body.append(spinner);
    return getComputedStyle(spinner).animationIterationCount;
  });
  assert.equal(turns, '1');
  await person.close();
});

test('of several accounts one is chosen; a desktop that fails says why and tries again', async () => {
  const person = await openPerson(browser, gateway, 'jane', 'Jane-E2E-Pass-1!');
  const { page } = person;
  const targets = await gateway.admin.must<{ id: string; accounts: unknown[] }[]>('GET', '/api/targets');
  const several = targets.find(({ accounts }) => accounts.length === 2);
  await person.go(`/desktop/${several?.id}`);
  await page.getByTestId('accounts').getByText('CORP\\backup').click();
  await person.state('failed').catch(() => undefined);
  await page.getByTestId('error-code').filter({ hasText: 'target_refused' }).waitFor();
  assert.deepEqual(await faults(person), []);
  const audit = () => gateway.admin.must<{ action: string }[]>('GET', '/api/audit?action=session.requested');
  const before = (await audit()).length;
  await page.getByTestId('try-again').click();
  await waitFor('a second attempt', async () => (await audit()).length > before);
  await page.getByTestId('error-code').filter({ hasText: 'target_refused' }).waitFor();

  const none = targets.find(({ accounts }) => accounts.length === 0);
  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await admin.go(`/desktop/${none?.id}`);
  await admin.page.getByText('has no account yet').waitFor();
  assert.deepEqual([...person.complaints, ...admin.complaints], []);
  await person.close();
  await admin.close();
});
