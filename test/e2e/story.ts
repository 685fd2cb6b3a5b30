import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { comparePictures, type Desktop, encodePng, LAYOUT, type Picture } from '../lab/desktop.ts';
import { waitFor } from '../lab/processes.ts';
import { Person } from './browser.ts';
import type { RecordingRow, TestGateway } from './gateway.ts';
import { decodingErrors, isLegible, lastFrame, probeVideo, readText } from './recording.ts';

/** Types one line into the terminal through the browser and proves on the X side that it arrived as typed. */
export async function typeALine(person: Person, desktop: Desktop, words: string): Promise<void> {
  rmSync(join(desktop.home, 'arrived'), { force: true });
  await person.click(LAYOUT.terminal.x, LAYOUT.terminal.y);
  await desktop.terminalFocused();
  await person.type(`echo '${words}' | tee arrived`);
  await person.press('Enter');
  assert.equal(await desktop.file('arrived'), `${words}\n`);
}

/** Moves, clicks and turns the wheel over the window that logs the mouse, and proves on the X side what arrived and where. */
export async function useTheMouse(person: Person, desktop: Desktop): Promise<void> {
  const { x, y } = LAYOUT.mouse;
  await person.click(x, y);
  await person.click(x + 10, y + 5, 'right');
  await person.page.mouse.wheel(0, 240);
  await person.page.mouse.wheel(0, -120);
  const arrived = await waitFor('clicks and wheel turns on the X side', () => {
    const presses = desktop.mouseEvents().filter(({ type }) => type === 'press');
    return [1, 3, 4, 5].every((button) => presses.some((press) => press.button === button)) ? presses : undefined;
  });
  const near = (press: { x: number; y: number } | undefined, at: { x: number; y: number }) =>
    press !== undefined && Math.abs(press.x - at.x) <= 1 && Math.abs(press.y - at.y) <= 1;
  const pressed = (button: number) => arrived.find((press) => press.button === button);
  assert.ok(near(pressed(1), { x, y }), `left click arrived at ${JSON.stringify(pressed(1))}, not ${x}, ${y}`);
  assert.ok(near(pressed(3), { x: x + 10, y: y + 5 }), `right click arrived at ${JSON.stringify(pressed(3))}`);
  const wheel = arrived.map(({ button }) => button).filter((button) => button === 4 || button === 5);
  assert.ok(wheel.lastIndexOf(5) < wheel.indexOf(4), `first down (5), then up (4): ${wheel}`);
}

/** Taps, rests, taps with two fingers, moves them and drags over the window that logs the mouse, and proves on the X side what a mouse would have done. */
export async function useFingers(person: Person, desktop: Desktop): Promise<void> {
  const { x, y } = LAYOUT.mouse;
  const before = desktop.mouseEvents().length;
  const since = () =>
    desktop
      .mouseEvents()
      .slice(before)
      .filter(({ type }) => type !== 'move');
  const arrived = (count: number) =>
    waitFor(`${count} buttons on the X side`, () => (since().length >= count ? since() : undefined));
  const near = { x: x + 12, y: y - 8 };
  await person.touch([[{ x, y }]]);
  await person.touch([[near]]);
  await arrived(4);
  await person.touch([[{ x, y }]], 800);
  await arrived(6);
  await person.touch([[{ x: x - 30, y }], [{ x: x + 30, y }]]);
  await arrived(8);
  const drag = { x: x - 40, y: y + 30 };
  await person.touch([[{ x, y }, { x: x - 20, y: y + 10 }, drag]]);
  await arrived(10);
  const up = (left: number) => [0, 20, 40, 60].map((moved) => ({ x: left, y: y + 30 - moved }));
  await person.touch([up(x - 30), up(x + 30)]);
  const all = await arrived(12);
  const presses = all.filter(({ type }) => type === 'press');
  const buttons = presses.map(({ button }) => button);
  assert.deepEqual(buttons.slice(0, 6), [1, 1, 3, 3, 1, 5], 'two taps, a rest, two fingers, a drag, and down the page');
  assert.ok(buttons.slice(5).every((button) => button === 5));
  const isAt = (event: { x: number; y: number } | undefined, at: { x: number; y: number }) =>
    event !== undefined && Math.abs(event.x - at.x) <= 1 && Math.abs(event.y - at.y) <= 1;
  assert.ok(isAt(presses[1], { x, y }), `a double click is in one place: ${JSON.stringify(presses[1])}`);
  assert.ok(isAt(presses[4], { x, y }), `a drag begins where the finger came down: ${JSON.stringify(presses[4])}`);
  const released = all.filter(({ type }) => type === 'release')[4];
  assert.ok(isAt(released, drag), `and ends where it left: ${JSON.stringify(released)}`);
}

/** What tesseract reads in a desktop's picture. */
export async function textOf(person: Person): Promise<string> {
  return readText(await encodePng(await person.picture()));
}

/** Waits until a desktop's picture has these words in it. */
export async function shows(person: Person, words: string): Promise<void> {
  let text = '';
  try {
    await waitFor(`the desktop to show "${words}"`, async () => {
      text = await textOf(person);
      return isLegible(words, text);
    });
  } catch (error) {
    throw new Error(`tesseract reads: ${text}`, { cause: error });
  }
}

/** Waits until a desktop in a browser shows what the X side's screen shows, within a tolerance for lossy paths. */
export async function samePicture(
  person: Person,
  desktop: Desktop,
  { tolerance = 0, share = 0, name = 'picture' }: { tolerance?: number; share?: number; name?: string } = {},
): Promise<Picture> {
  let seen: Picture | undefined;
  let truth: Picture | undefined;
  try {
    return await waitFor(`${name} to equal the X side's screen`, async () => {
      seen = await person.picture();
      truth = await desktop.screenshot();
      // The server may have more columns than asked for; what both have is compared.
      const difference = comparePictures(seen, truth, { tolerance });
      if (difference.share > share)
        throw new Error(`${(difference.share * 100).toFixed(3)} % differ, PSNR ${difference.psnr}`);
      return seen;
    });
  } catch (error) {
    for (const [what, picture] of [
      ['seen', seen],
      ['truth', truth],
    ] as const) {
      if (picture) keepForALook(`${name}-${what}.png`, await encodePng(picture));
    }
    throw error;
  }
}

/** What the end of every story is: the recording plays in the page, downloads, is what it should be, and is legible. */
export async function playAndDownload(
  gateway: TestGateway,
  auditor: Person,
  recording: RecordingRow,
  words: string,
): Promise<void> {
  await auditor.go(`/recordings/${recording.id}`);
  const video = auditor.page.locator('video');
  await video.waitFor();
  type Video = {
    currentTime: number;
    duration: number;
    readyState: number;
    error: { message: string } | null;
    play(): Promise<void>;
    pause(): void;
  };
  const state = () =>
    video.evaluate((element) => {
      const { currentTime, duration, readyState, error } = element as unknown as Video;
      return { currentTime, duration, readyState, error: error?.message };
    });
  await waitFor('the video to be loaded', async () => (await state()).readyState >= 2);
  await video.evaluate((element) => (element as unknown as Video).play());
  await waitFor('the video to advance', async () => (await state()).currentTime > 0.3);
  const { duration, error } = await state();
  assert.equal(error, undefined);
  const middle = duration / 2;
  await video.evaluate((element, to) => {
    (element as unknown as Video).pause();
    (element as unknown as Video).currentTime = to;
  }, middle);
  await waitFor('the video to be at its middle', async () => {
    const { currentTime, readyState } = await state();
    return readyState >= 2 && Math.abs(currentTime - middle) < 0.5;
  });

  const [download] = await Promise.all([
    auditor.page.waitForEvent('download'),
    auditor.page
      .getByRole('link', { name: /download/i })
      .first()
      .click(),
  ]);
  assert.match(download.suggestedFilename(), /\.mp4$/);
  const file = join(gateway.data, '..', `${recording.id}.mp4`);
  await download.saveAs(file);
  const facts = probeVideo(file);
  assert.deepEqual(
    { codec: facts.codec, profile: facts.profile, pixelFormat: facts.pixelFormat },
    { codec: 'h264', profile: 'High', pixelFormat: 'yuv420p' },
  );
  assert.ok(Math.abs(facts.seconds - duration) < 0.5, `the page says ${duration} s, the file ${facts.seconds} s`);
  const length = (recording.durationMs ?? 0) / 1000;
  assert.ok(Math.abs(facts.seconds - length) < 1, `the list says ${length} s, the file ${facts.seconds} s`);
  assert.equal(decodingErrors(file), '');
  const frame = lastFrame(file);
  const text = await readText(frame);
  const legible = isLegible(words, text);
  if (!legible) keepForALook('last-frame.png', frame);
  assert.ok(legible, `"${words}" should be legible in the recording's last picture; tesseract reads:\n${text}`);
}

export async function openPerson(
  browser: Browser,
  gateway: TestGateway,
  username: string,
  password: string,
  viewport?: { width: number; height: number },
): Promise<Person> {
  const person = await Person.open(browser, gateway.url, viewport);
  await person.signIn(username, password);
  return person;
}

/** Saves a picture of what went wrong where the environment says, for somebody who looks into a failure. */
function keepForALook(name: string, png: Buffer): void {
  const folder = process.env.E2E_PICTURES;
  if (folder) writeFileSync(join(folder, name), png);
}
