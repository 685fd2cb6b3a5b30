import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openGatewayDatabase } from '../../gateway/testing/gateway-database.ts';
import { startAll, waitFor } from '../lab/processes.ts';
import { accessibilityFaults } from './accessibility.ts';
import type { Person } from './browser.ts';
import { closeBrowser, launchBrowser } from './browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from './gateway.ts';
import { openPerson } from './story.ts';

const AUDREY = 'Audrey-E2E-Pass-1!';
let gateway: TestGateway;
let browser: Browser;
/** Somebody who works, in a session that the tests end when they have seen it live. */
let person: Person;
let id: string;

before(async () => {
  [gateway, browser] = await startAll(startGateway({ ORIEL_DEMO: 'on' }), launchBrowser());
  await gateway.admin.addUser('audrey', AUDREY, ['auditor']);
  await gateway.admin.addUser('root', AUDREY, ['admin']);
  const [target] = await gateway.admin.must<{ id: string }[]>('GET', '/api/targets');
  await gateway.admin.must('PATCH', `/api/targets/${target?.id}`, { inputLog: 'full' });
  person = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await person.page.getByTestId('connect').first().click();
  await person.state('active');
  await person.click(200, 160);
  await person.type('unmistakable words');
  const [session] = await gateway.admin.sessions();
  id = session?.id ?? '';
  await waitFor('the recording to begin', async () => (await gateway.admin.recordings()).some((row) => row.id === id));
});

after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
});

interface Video {
  readonly currentTime: number;
  readonly readyState: number;
  readonly videoWidth: number;
  readonly edge: number;
  readonly duration: number;
}

function video(page: Page): Promise<Video> {
  return page.locator('video').evaluate((element) => {
    const { currentTime, readyState, videoWidth, duration, buffered } = element as unknown as Video & {
      readonly buffered: { readonly length: number; end(index: number): number };
    };
    return {
      currentTime,
      readyState,
      videoWidth,
      duration,
      edge: buffered.length === 0 ? 0 : buffered.end(buffered.length - 1),
    };
  });
}

test('a session that goes on is marked, and plays up to a few seconds ago', async () => {
  const auditor = await openPerson(browser, gateway, 'audrey', AUDREY);
  const { page } = auditor;
  await auditor.go('/recordings');
  const row = page.locator(`[data-recording="${id}"]`);
  await row.getByText('Live').waitFor();
  await row.getByRole('link').first().click();
  await page.getByTestId('player').waitFor();
  await waitFor('a picture', async () => {
    const { readyState, videoWidth } = await video(page);
    return readyState >= 2 && videoWidth > 300;
  });
  // What is done now is there a few seconds later, and the picture goes there by itself.
  const before = await video(page);
  await person.type('more ');
  await person.click(210, 170);
  await person.type('and more');
  const startedAt = Date.parse(
    (await gateway.admin.must<{ startedAt: string }>('GET', `/api/recordings/${id}/live`)).startedAt,
  );
  const typedAt = (Date.now() - startedAt) / 1000;
  await waitFor('what is new to arrive', async () => (await video(page)).edge > Math.max(before.edge, typedAt - 2));
  await waitFor('the picture to be at the edge', async () => {
    const { currentTime, edge } = await video(page);
    return edge - currentTime < 2.5;
  });
  const following = (is: boolean) => page.locator(`[data-testid=follow][aria-pressed=${is}]`).waitFor();
  await following(true);
  // Going back ends the following, until it is asked for again.
  await page.keyboard.press('Home');
  await waitFor('the start', async () => (await video(page)).currentTime < 1);
  await following(false);
  await page.keyboard.press('e');
  await waitFor('the edge again', async () => {
    const { currentTime, edge } = await video(page);
    return edge - currentTime < 2.5 && edge > 2;
  });
  await page.getByTestId('events').getByText('Connected', { exact: true }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), [], 'live player');

  // One viewing, named as what it was.
  const viewed = await gateway.admin.must<{ sessionId: string; details: { live?: boolean } }[]>(
    'GET',
    `/api/audit?action=recording.viewed&sessionId=${id}`,
  );
  assert.deepEqual(
    viewed.map(({ details }) => details.live),
    [true],
  );

  // Somebody else watches for a moment, and then ends it.
  const root = await openPerson(browser, gateway, 'root', AUDREY);
  await root.go(`/sessions/${id}/watch`);
  await page.getByTestId('events').getByText('root watches').waitFor();
  await root.close();
  await page.getByTestId('events').getByText('root no longer watches').waitFor();
  await (await gateway.login('root', AUDREY)).must('DELETE', `/api/sessions/${id}`);
  await gateway.admin.recordingReady(id);
  await page.getByTestId('verification').waitFor();
  await waitFor('the finished video in the same page', async () => (await video(page)).readyState >= 2);
  await waitFor('a picture that shows something', async () => (await video(page)).videoWidth > 300);
  assert.equal(await page.getByTestId('follow').count(), 0);
  assert.deepEqual(
    auditor.complaints.filter((line) => !line.includes('status of 409')),
    [],
  );
  await auditor.close();
  await person.close();
});

test('what happened in a real session is in its event log, with the clock of the video', async () => {
  const events = await gateway.admin.must<Event[]>('GET', `/api/recordings/${id}/events`);
  const first = (type: string): Event => {
    const found = events.find((event) => event.type === type);
    assert.ok(found, `there is no event ${type}`);
    return found;
  };
  assert.deepEqual([first('sign-in').user, first('sign-in').t], ['admin', null]);
  for (const type of ['request', 'secured', 'connected', 'desktop', 'recording', 'segment', 'finished']) first(type);
  const input = events.filter(({ type }) => type === 'input');
  assert.ok(input.some(({ keys, typed }) => Number(keys) > 0 && Array.isArray(typed)));
  assert.ok(input.some(({ clicks }) => Number(clicks) > 0));
  // Who played the recording meanwhile has seen the session, too.
  const watched = events.flatMap(({ type, user }) =>
    type.startsWith('shadow-') ? [`${type} ${(user as { username: string }).username}`] : [],
  );
  assert.deepEqual(watched.slice(0, 3), ['shadow-started audrey', 'shadow-started root', 'shadow-ended root']);
  assert.deepEqual(
    events.filter(({ type }) => type === 'terminated' || type === 'ended').map(({ type }) => type),
    ['terminated', 'ended'],
  );
  assert.deepEqual([first('terminated').by, first('ended').code], ['root', 'ended_by_admin']);
  const { durationMs } = await gateway.admin.must<{ durationMs: number }>('GET', `/api/recordings/${id}`);
  const times = events.flatMap(({ t }) => (t === null ? [] : [t]));
  assert.ok(Math.abs((first('ended').t ?? 0) - durationMs) < 500, 'the end of the session is that of the video');
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  );
});

interface Event {
  readonly type: string;
  readonly t: number | null;
  readonly [field: string]: unknown;
}

test('free text finds recordings by their events and by what was typed, and leads to the moment', async () => {
  const auditor = await openPerson(browser, gateway, 'audrey', AUDREY);
  const { page } = auditor;
  await auditor.go('/recordings');
  const search = page.getByRole('searchbox');
  const rows = page.getByTestId('recording-row');
  await search.fill('nothing-like-this');
  await page.getByText('No recording is like that').waitFor();
  await search.fill('ended_by_admin');
  await waitFor('the recording', async () => (await rows.count()) === 1);
  assert.match((await page.getByTestId('found').textContent()) ?? '', /An administrator ended the session/);
  await search.fill('unmistakable');
  const found = page.getByTestId('found').getByRole('link');
  await found.filter({ hasText: 'typed' }).first().click();
  await page.getByTestId('player').waitFor();
  assert.match(page.url(), /[?&]t=\d/);
  await auditor.close();
});

test('a legal hold from the page; rules, watermarks and what is left, on the storage page', async () => {
  const auditor = await openPerson(browser, gateway, 'audrey', AUDREY);
  const { page } = auditor;
  await auditor.go(`/recordings/${id}`);
  const kept = page.getByTestId('retention');
  await kept.getByText('Kept without limit.').waitFor();
  await page.getByTestId('change-hold').click();
  await page.getByLabel('Reason').fill('Case 7');
  await page.getByTestId('confirm-hold').click();
  await kept.getByText('Legal hold: Case 7').waitFor();
  await auditor.go('/recordings');
  await page.locator(`[data-recording="${id}"]`).getByText('Held').waitFor();
  await auditor.close();

  const admin = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD, { width: 1280, height: 900 });
  await admin.go('/admin/storage');
  const storage = admin.page.getByTestId('storage');
  await storage.waitFor();
  assert.equal(await storage.getAttribute('data-state'), 'ok');
  await admin.page.getByTestId('storage-row').first().waitFor();
  await admin.page.getByTestId('change-default').click();
  await admin.page.getByLabel('Days').fill('30');
  await admin.page.getByTestId('save-rule').click();
  await admin.page.getByTestId('default-rule').getByText('30 days').waitFor();
  await admin.page.getByTestId('change-watermarks').click();
  await admin.page.getByLabel('Low when less is free').fill('900000');
  await admin.page.getByLabel('Full when less is free').fill('800000');
  await admin.page.getByTestId('save-watermarks').click();
  await admin.page.locator('[data-testid=storage][data-state=full]').waitFor();
  // As after a start by a clock that is far ahead.
  const doubt = { lastSeen: '2026-11-21T09:00:00Z', since: '2036-11-21T09:00:00Z', until: '2036-11-28T09:00:00Z' };
  await admin.page.route('**/api/storage', async (route) => {
    const report = await gateway.admin.must<object>('GET', '/api/storage');
    await route.fulfill({ json: { ...report, clockDoubt: doubt } });
  });
  for (const colorScheme of ['light', 'dark'] as const) {
    await admin.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    // Loaded in this scheme: colours on their way from one to the other are neither.
    await admin.go('/admin/storage');
    await admin.page.getByTestId('storage-row').first().waitFor();
    await admin.page.getByTestId('clock-doubt').getByText('ran last at').waitFor();
    assert.deepEqual(await accessibilityFaults(admin.page), [], `storage, ${colorScheme}`);
  }
  await admin.page.setViewportSize({ width: 360, height: 740 });
  const wide = await admin.page.evaluate('document.documentElement.scrollWidth');
  assert.equal(wide, 360, 'nothing sticks out at the side of a phone');
  await admin.page.getByTestId('believe-clock').click();
  await admin.page.unroute('**/api/storage');
  await admin.page.getByTestId('confirm-clock').click();
  await admin.page.getByTestId('clock-doubt').waitFor({ state: 'detached' });

  // Whoever wants to work now is told why not.
  await admin.page.setViewportSize({ width: 1280, height: 900 });
  await admin.go('/');
  await admin.page.getByTestId('connect').first().click();
  await admin.page.getByText('There is too little room left for recordings').first().waitFor();
  await gateway.admin.must('PATCH', '/api/retention', { watermarks: { warnFreeBytes: 0, stopFreeBytes: 0 } });
  await admin.close();
});

test('an old recording is deleted with its key once its hold is lifted, and its page says so', async () => {
  const database = openGatewayDatabase(gateway.data);
  const files = () => readdirSync(join(gateway.data, 'recordings')).includes(id);
  const keys = () =>
    database.prepare('select count(secret) as count from recording_keys where session_id = ?').get(id)?.count;
  try {
    database.prepare('update sessions set ended_at = ended_at - ? where id = ?').run(2 * 24 * 60 * 60 * 1000, id);
    const swept = (await gateway.admin.must<{ lastSweep: { at: string } }>('GET', '/api/storage')).lastSweep.at;
    await gateway.admin.must('PATCH', '/api/retention', { default: { maxAgeDays: 1, maxBytes: null } });
    await waitFor('the rules to be looked at again', async () => {
      const { lastSweep } = await gateway.admin.must<{ lastSweep: { at: string } }>('GET', '/api/storage');
      return lastSweep.at > swept;
    });
    assert.deepEqual([files(), keys()], [true, 1], 'a legal hold beats the rule');

    const auditor = await openPerson(browser, gateway, 'audrey', AUDREY);
    await auditor.go(`/recordings/${id}`);
    await auditor.page.getByTestId('change-hold').click();
    await auditor.page.getByTestId('confirm-lift').click();
    await auditor.page.getByText('This recording was deleted').waitFor();
    await waitFor('its files to be gone', () => !files());
    assert.equal(keys(), 0);
    assert.deepEqual(await accessibilityFaults(auditor.page), [], 'a deleted recording');
    await auditor.close();
    const deleted = await gateway.admin.must<{ details: object }[]>('GET', '/api/audit?action=recording.deleted');
    assert.equal(deleted.length, 1);
  } finally {
    database.close();
  }
});
