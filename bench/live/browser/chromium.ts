import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

/** One event of a trace; times in microseconds, `tdur` of processor time. */
export interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

interface Answer {
  readonly id?: number;
  readonly method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a command answers is its own affair
  readonly params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly result?: any;
  readonly error?: { readonly message: string };
}

/**
 * Debian's Chromium with one page, through its own DevTools protocol. Not through Playwright: that listens to the network, and then the page's
 * worker hands every WebSocket message over in base64, which takes more time than drawing it.
 */
export class Chromium {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #events: (answer: Answer) => void = () => {};
  #session: string | undefined;
  #id = 0;
  readonly close: () => Promise<void>;

  private constructor(socket: WebSocket, close: () => Promise<void>) {
    this.#socket = socket;
    this.close = close;
    socket.on('message', (data) => {
      const answer = JSON.parse(String(data)) as Answer;
      if (answer.id === undefined) this.#events(answer);
      else this.#waiting.get(answer.id)?.(answer);
      if (answer.id !== undefined) this.#waiting.delete(answer.id);
    });
  }

  static async open(size: { readonly width: number; readonly height: number }): Promise<Chromium> {
    const profile = mkdtempSync(join(tmpdir(), 'oriel-bench-chromium-'));
    const child = spawn(process.env.E2E_CHROMIUM ?? '/usr/bin/chromium', [...FLAGS, `--user-data-dir=${profile}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(child, 'exit');
    const close = async () => {
      child.kill();
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    };
    try {
      const socket = new WebSocket(await addressOf(child.stderr), { perMessageDeflate: false });
      await once(socket, 'open');
      const chromium = new Chromium(socket, close);
      const { targetId } = await chromium.#send('Target.createTarget', { url: 'about:blank' });
      const { sessionId } = await chromium.#send('Target.attachToTarget', { targetId, flatten: true });
      chromium.#session = sessionId;
      await chromium.#send('Emulation.setDeviceMetricsOverride', { ...size, deviceScaleFactor: 1, mobile: false });
      return chromium;
    } catch (error) {
      await close();
      throw error;
    }
  }

  async goTo(url: string): Promise<void> {
    await this.#send('Page.navigate', { url });
    await this.until("document.readyState === 'complete' && location.href !== 'about:blank'");
  }

  /** What an expression gives in the page; a promise is waited for. Throws what it throws. */
  async evaluate<T>(expression: string): Promise<T> {
    const parameters = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', parameters);
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return result.value as T;
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string, withinMs = 30_000): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!(await this.evaluate<boolean>(expression).catch(() => false))) {
      if (performance.now() > deadline) throw new Error(`${expression}: not so`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** What Chromium has done while something else went on. */
  async trace(categories: readonly string[], work: () => Promise<void>): Promise<TraceEvent[]> {
    const events: TraceEvent[] = [];
    const complete = Promise.withResolvers<void>();
    this.#events = ({ method, params }) => {
      if (method === 'Tracing.dataCollected') events.push(...params.value);
      else if (method === 'Tracing.tracingComplete') complete.resolve();
    };
    await this.#send('Tracing.start', { traceConfig: { includedCategories: categories } }, undefined);
    await work();
    await this.#send('Tracing.end', {}, undefined);
    await complete.promise;
    return events;
  }

  // biome-ignore lint/suspicious/noExplicitAny: what a command answers is its own affair
  async #send(method: string, params: object, sessionId = this.#session): Promise<any> {
    const id = ++this.#id;
    const answered = Promise.withResolvers<Answer>();
    this.#waiting.set(id, answered.resolve);
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }));
    const { result, error } = await answered.promise;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }
}

/** The pages are our own, and nobody looks at the window; root cannot have the sandbox. */
const FLAGS = [
  ...['--headless', '--no-sandbox', '--no-first-run', '--disable-dev-shm-usage', '--remote-debugging-port=0'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-extensions', '--mute-audio'],
  ...['--disable-background-timer-throttling', '--disable-backgrounding-occluded-windows', '--hide-scrollbars'],
  ...['--disable-renderer-backgrounding', '--force-color-profile=srgb'],
];

async function addressOf(stderr: NodeJS.ReadableStream): Promise<string> {
  const said: string[] = [];
  for await (const line of createInterface(stderr)) {
    const [, address] = /^DevTools listening on (ws:\S+)/.exec(line) ?? [];
    if (address !== undefined) {
      // Whoever does not read lets it fill.
      stderr.resume();
      return address;
    }
    said.push(line);
  }
  throw new Error(`Chromium did not start: ${said.join(' ')}`);
}
