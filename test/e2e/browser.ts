import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { decodePicture, type Picture } from '../lab/desktop.ts';
import { Hopeless, waitFor } from '../lab/processes.ts';

/** How long a page may take for one step while two servers, a browser and an encoder share two cores that others use too: a bound, not what is expected. */
const STEP_TIMEOUT_MS = 90_000;

const SHIFTED = /[A-Z~!@#$%^&*()_+{}|:"<>?]/;

/** Debian's Chromium, headless. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.E2E_CHROMIUM ?? '/usr/bin/chromium',
    // Tests run as root in CI, where Chromium's sandbox refuses to start; the pages are our own.
    args: [
      ...['--no-sandbox', '--disable-dev-shm-usage', '--autoplay-policy=no-user-gesture-required'],
      // The gateway's own certificate. Not by the context's option: Chromium then begins each connection twice, and has given up at times
      // (ERR_TOO_MANY_RETRIES, "retried too many times for invalid certificates").
      '--ignore-certificate-errors',
    ],
  });
}

/** Closes the browser; where the environment names a folder, what its pages show is kept there for somebody who looks into a failure. */
export async function closeBrowser(browser: Browser | undefined): Promise<void> {
  const folder = process.env.E2E_PICTURES;
  const pages = folder ? (browser?.contexts().flatMap((context) => context.pages()) ?? []) : [];
  for (const [index, page] of pages.entries()) await page.screenshot({ path: join(folder ?? '', `page-${index}.png`) });
  await browser?.close();
}

/** What the helpers use of a page; the tests are compiled without the DOM's types. */
interface PageGlobals {
  createImageBitmap(source: unknown): Promise<{ readonly width: number; readonly height: number }>;
  readonly document: {
    createElement(name: 'canvas'): {
      width: number;
      height: number;
      getContext(kind: '2d'): { drawImage(source: unknown, x: number, y: number): void };
      toDataURL(type: string): string;
    };
  };
}

/** One person at one browser: a context of its own, so cookies are apart. Collects what goes wrong on its pages. */
export class Person {
  readonly page: Page;
  /** Uncaught exceptions and console errors of the page, for the end of a test: there should be none. */
  readonly complaints: string[] = [];
  readonly #context: BrowserContext;
  readonly #origin: string;

  private constructor(context: BrowserContext, page: Page, origin: string) {
    this.#context = context;
    this.page = page;
    this.#origin = origin;
    page.on('pageerror', (error) => this.complaints.push(`uncaught: ${error.message}`));
    page.on('console', (message) => {
      // Asking who is signed in, before anybody is, is answered 401, and Chromium reports that as an error.
      if (message.type() === 'error' && !message.text().includes('status of 401')) {
        // A resource's failure does not name it.
        this.complaints.push(`console: ${message.text()} (${message.location().url})`);
      }
    });
  }

  static async open(browser: Browser, url: URL, viewport = { width: 1100, height: 860 }): Promise<Person> {
    const context = await browser.newContext({ viewport, acceptDownloads: true });
    context.setDefaultTimeout(STEP_TIMEOUT_MS);
    const page = await context.newPage();
    return new Person(context, page, url.origin);
  }

  /** Opens the first page and signs in through its form. */
  async signIn(username: string, password: string): Promise<void> {
    await this.page.goto(this.#origin);
    await this.page.locator('input[name=username]').fill(username);
    await this.page.locator('input[name=password]').fill(password);
    await this.page.locator('input[name=password]').press('Enter');
    await this.page.locator('input[name=password]').waitFor({ state: 'detached' });
  }

  go(path: string): Promise<unknown> {
    return this.page.goto(`${this.#origin}${path}`);
  }

  canvas(): Locator {
    return this.page.getByTestId('desktop');
  }

  /** Waits for the desktop's element to say this state. */
  async state(wanted: 'connecting' | 'active' | 'ended' | 'failed'): Promise<void> {
    const said = () => this.page.locator('body').innerText();
    try {
      await waitFor(
        `the desktop to be ${wanted}`,
        async () => {
          const state = await this.page.locator('[data-state]').first().getAttribute('data-state');
          if (state !== wanted && (state === 'failed' || state === 'ended')) {
            throw new Hopeless(`the desktop is ${state}: ${await said()}`);
          }
          return state === wanted;
        },
        { timeout: STEP_TIMEOUT_MS },
      );
    } catch (cause) {
      if (cause instanceof Hopeless) throw cause;
      throw new Error(`not ${wanted}: ${this.page.url()} says ${await said()}`, { cause });
    }
  }

  /** The desktop's own pixels, at the remote desktop's size, however large the page shows it. */
  async picture(): Promise<Picture> {
    // Through a bitmap, because the canvas is drawn by a worker and its own width says nothing of that.
    const url = await this.canvas().evaluate(async (element) => {
      const { createImageBitmap, document } = globalThis as unknown as PageGlobals;
      const bitmap = await createImageBitmap(element);
      const copy = document.createElement('canvas');
      copy.width = bitmap.width;
      copy.height = bitmap.height;
      copy.getContext('2d').drawImage(bitmap, 0, 0);
      return copy.toDataURL('image/png');
    });
    return decodePicture(Buffer.from(url.slice(url.indexOf(',') + 1), 'base64'));
  }

  /** Moves the mouse to a point of the remote desktop. */
  async moveTo(x: number, y: number): Promise<void> {
    const at = await this.#onPage(x, y);
    await this.page.mouse.move(at.x, at.y);
  }

  async click(x: number, y: number, button: 'left' | 'middle' | 'right' = 'left'): Promise<void> {
    const at = await this.#onPage(x, y);
    await this.page.mouse.move(at.x, at.y);
    await this.page.mouse.click(at.x, at.y, { button, delay: 30 });
  }

  /** Fingers come down on the desktop, go from place to place together (one place of each is no move), and leave. `holdMs`: they rest before that. */
  async touch(fingers: readonly (readonly { x: number; y: number }[])[], holdMs = 0): Promise<void> {
    const paths = await Promise.all(fingers.map((path) => Promise.all(path.map(({ x, y }) => this.#onPage(x, y)))));
    const cdp = await this.page.context().newCDPSession(this.page);
    const dispatch = (type: 'touchStart' | 'touchMove' | 'touchEnd', touchPoints: { x: number; y: number }[]) =>
      cdp.send('Input.dispatchTouchEvent', { type, touchPoints });
    await dispatch(
      'touchStart',
      paths.flatMap(([at]) => at ?? []),
    );
    await this.page.waitForTimeout(holdMs);
    const steps = Math.max(...paths.map((path) => path.length));
    for (let step = 1; step < steps; step++) {
      await dispatch(
        'touchMove',
        paths.flatMap((path) => path[step] ?? []),
      );
    }
    await dispatch('touchEnd', []);
    await cdp.detach();
  }

  /** Types text on a US keyboard, with the Shift key where a person holds it. */
  async type(text: string): Promise<void> {
    const { keyboard } = this.page;
    for (const character of text) {
      const shifted = SHIFTED.test(character);
      if (shifted) await keyboard.down('Shift');
      await keyboard.press(character, { delay: 2 });
      if (shifted) await keyboard.up('Shift');
    }
  }

  press(key: string): Promise<void> {
    return this.page.keyboard.press(key);
  }

  /** Everything that the page says in words. */
  text(): Promise<string> {
    return this.page.locator('body').innerText();
  }

  close(): Promise<void> {
    return this.#context.close();
  }

  async #onPage(x: number, y: number): Promise<{ x: number; y: number }> {
    const box = await this.canvas().boundingBox();
    if (box === null) throw new Error('the desktop is not on the page');
    const { width, height } = await this.canvas().evaluate(async (element) => {
      const bitmap = await (globalThis as unknown as PageGlobals).createImageBitmap(element);
      return { width: bitmap.width, height: bitmap.height };
    });
    return { x: box.x + ((x + 0.5) * box.width) / width, y: box.y + ((y + 0.5) * box.height) / height };
  }
}
