import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { startAll, waitFor } from '../lab/processes.ts';
import { accessibilityFaults } from './accessibility.ts';
import { closeBrowser, launchBrowser } from './browser.ts';
import { ADMIN_PASSWORD, type RecordingRow, startGateway, type TestGateway } from './gateway.ts';
import { openPerson } from './story.ts';

let gateway: TestGateway;
let browser: Browser;
let recording: RecordingRow;

/** One recording of the demo desktop: something typed, nothing done for a while, something typed. */
before(async () => {
  [gateway, browser] = await startAll(startGateway({ ORIEL_DEMO: 'on' }), launchBrowser());
  await gateway.admin.addUser('audrey', 'Audrey-E2E-Pass-1!', ['auditor']);
  const person = await openPerson(browser, gateway, 'admin', ADMIN_PASSWORD);
  await person.page.getByTestId('connect').first().click();
  await person.state('active');
  await person.click(200, 160);
  await person.type('seen');
  const [session] = await gateway.admin.sessions();
  const id = session?.id ?? '';
  await waitFor('the recording to begin', async () => (await gateway.admin.recordings()).some((row) => row.id === id));

  const page = await person.page.context().newPage();
  await page.goto(new URL('/recordings', gateway.url).href);
  const row = page.locator(`[data-recording="${id}"]`);
  await row.getByText('Live').waitFor();
  await row.getByRole('link', { name: /Watch/ }).waitFor();
  // Long enough that what is typed next is another event.
  await page.waitForTimeout(9000);
  await person.type('again');
  await page.waitForTimeout(1500);
  await gateway.admin.must('DELETE', `/api/sessions/${id}`);
  recording = await gateway.admin.recordingReady(id);
  assert.deepEqual(person.complaints, []);
  await person.close();
});

after(async () => {
  await closeBrowser(browser);
  await gateway?.stop();
});

interface Video {
  readonly currentTime: number;
  readonly paused: boolean;
  readonly playbackRate: number;
  readonly readyState: number;
  readonly seeking: boolean;
}

function video(page: Page): Promise<Video> {
  return page.locator('video').evaluate((element) => {
    const { currentTime, paused, playbackRate, readyState, seeking } = element as unknown as Video;
    return { currentTime, paused, playbackRate, readyState, seeking };
  });
}

/** Waits until the video stands still where it should. */
function at(page: Page, seconds: number, tolerance = 0.3): Promise<unknown> {
  return waitFor(`the video to be at ${seconds} s`, async () => {
    const { currentTime, seeking } = await video(page);
    if (Math.abs(currentTime - seconds) > tolerance) throw new Error(`it is at ${currentTime} s`);
    return !seeking;
  });
}

test('a link to a moment opens there, and keys do the rest', async () => {
  const auditor = await openPerson(browser, gateway, 'audrey', 'Audrey-E2E-Pass-1!');
  const { page } = auditor;
  await auditor.go(`/recordings/${recording.id}?t=3`);
  await waitFor('the video to be loaded', async () => (await video(page)).readyState >= 2);
  await at(page, 3);

  await page.keyboard.press('ArrowLeft');
  await at(page, 0);
  await page.keyboard.press('5');
  const middle = (recording.durationMs ?? 0) / 2000;
  await at(page, middle);
  // Single steps go from picture to picture, so there and back is where it began.
  await page.keyboard.press('.');
  const next = await waitFor('the next picture', async () => {
    const { currentTime, seeking } = await video(page);
    return !seeking && currentTime > middle + 0.01 ? currentTime : undefined;
  });
  await page.keyboard.press('.');
  await waitFor('the one after', async () => (await video(page)).currentTime > next + 0.01);
  await page.keyboard.press(',');
  await at(page, next, 0.01);

  for (const _ of [1, 2, 3, 4]) await page.keyboard.press('>');
  await waitFor('speed 8', async () => (await video(page)).playbackRate === 8);
  await page.keyboard.press('<');
  await waitFor('speed 4', async () => (await video(page)).playbackRate === 4);
  await page.keyboard.press('Home');
  await at(page, 0);
  await page.keyboard.press(' ');
  await waitFor('the video to play', async () => {
    const { paused, currentTime } = await video(page);
    return !paused && currentTime > 0.5;
  });
  await page.keyboard.press(' ');
  await waitFor('the video to stop', async () => (await video(page)).paused);

  await page.keyboard.press('m');
  await waitFor('the address to name the moment', () => /[?&]t=\d/.test(page.url()));
  await page.keyboard.press('f');
  await page.locator('.player:fullscreen').waitFor();
  await page.keyboard.press('f');
  await page.locator('.player:fullscreen').waitFor({ state: 'detached' });
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.deepEqual(auditor.complaints, []);
  await auditor.close();
});

test('events lead to their moments; keys typed into a search are text', async () => {
  const auditor = await openPerson(browser, gateway, 'audrey', 'Audrey-E2E-Pass-1!');
  const { page } = auditor;
  await auditor.go(`/recordings/${recording.id}`);
  await waitFor('the video to be loaded', async () => (await video(page)).readyState >= 2);
  const events = page.getByTestId('events').getByRole('listitem');
  const typed = events.filter({ hasText: '5 keys' });
  const current = page.getByTestId('events').locator('[aria-current=true]').filter({ hasText: '5 keys' });
  await typed.getByRole('button').click();
  const moment = await waitFor('the jump', async () => {
    const { currentTime, seeking } = await video(page);
    return !seeking && currentTime > 3 ? currentTime : undefined;
  });
  await current.waitFor();
  await page.keyboard.press('p');
  await waitFor('the event before', async () => (await video(page)).currentTime < moment - 1);

  const search = page.getByRole('searchbox', { name: 'Search events' });
  await search.fill('');
  await search.pressSequentially('connected f');
  assert.equal(await search.inputValue(), 'connected f');
  await search.fill('connected');
  await waitFor('one event to be left', async () => (await events.count()) === 1);
  assert.equal(await page.locator('.player:fullscreen').count(), 0);

  // The slider, by a pointer in its middle.
  const slider = page.getByTestId('timeline');
  const box = await slider.boundingBox();
  assert.ok(box !== null);
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  await at(page, (recording.durationMs ?? 0) / 2000, 0.2);
  assert.match((await slider.getAttribute('aria-valuetext')) ?? '', /^0:\d\d of 0:\d\d$/);
  assert.deepEqual(auditor.complaints, []);
  await auditor.close();
});

test('opening the player is one viewing in the audit log', async () => {
  const viewings = () => gateway.admin.must<{ sessionId: string }[]>('GET', '/api/audit?action=recording.viewed');
  const before = (await viewings()).length;
  const auditor = await openPerson(browser, gateway, 'audrey', 'Audrey-E2E-Pass-1!');
  await auditor.go(`/recordings/${recording.id}`);
  await auditor.page.locator('.timeline-activity path').first().waitFor({ state: 'attached' });
  await waitFor('the video to be loaded', async () => (await video(auditor.page)).readyState >= 2);
  assert.equal((await viewings()).length, before + 1);
  await auditor.close();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the player and the library keep to WCAG 2.2 AA, ${colorScheme}`, async () => {
    const auditor = await openPerson(browser, gateway, 'audrey', 'Audrey-E2E-Pass-1!', { width: 1280, height: 900 });
    const { page } = auditor;
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await auditor.go('/recordings');
    await page.getByTestId('recording-row').first().waitFor();
    await page.getByTestId('filters').click();
    assert.deepEqual(await accessibilityFaults(page), [], 'recordings');
    await auditor.go(`/recordings/${recording.id}`);
    await page.getByTestId('events').waitFor();
    assert.deepEqual(await accessibilityFaults(page), [], 'player');
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    await page.getByRole('dialog').waitFor();
    assert.deepEqual(await accessibilityFaults(page), [], 'keys');
    await auditor.close();
  });
}
