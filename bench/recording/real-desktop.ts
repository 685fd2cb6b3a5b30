import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type InputEvent, MouseButton } from '#protocol/pdu/input.ts';
import type { Desktop } from '../../test/lab/desktop.ts';
import { Random } from './random.ts';

/** The ways of a session's user to its server, and to the recording. */
export interface Hands {
  /** Over RDP. */
  send(event: InputEvent): void;
  /** Where the pointer is now: a recording has it from its user, not from the server. */
  pointed(x: number, y: number): void;
}

/** The desktop of a session, worked on by one pair of hands. Everything ends early, without an error, when `end` is aborted. */
export class RealDesktop {
  readonly desktop: Desktop;
  readonly #hands: Hands;
  readonly #random = new Random(7);
  #at = { x: 960, y: 540 };

  constructor(desktop: Desktop, hands: Hands) {
    this.desktop = desktop;
    this.#hands = hands;
  }

  get home(): string {
    return this.desktop.home;
  }

  /** The pointer was moved by somebody else. */
  pointed(x: number, y: number): void {
    this.#at = { x, y };
    this.#hands.pointed(x, y);
  }

  async pause(least: number, most: number, end?: AbortSignal): Promise<void> {
    if (end?.aborted !== true)
      await sleep(this.#random.integer(least, most), undefined, { ...(end && { signal: end }) }).catch(() => {});
  }

  /** A file of the session's user. */
  write(name: string, text: string): void {
    const path = join(this.home, name);
    writeFileSync(path, text);
    chmodSync(path, 0o666);
  }

  /** Starts programs as the session's user, by a shell in the terminal that every lab desktop has, which then goes out of sight. */
  async launch(...commands: readonly string[]): Promise<void> {
    // Typed, they would go to the first window that takes the focus.
    this.write('launch.sh', commands.map((command) => `${command} >/dev/null 2>&1 &\n`).join(''));
    await this.desktop.type('sh launch.sh\n');
    await this.hide('^terminal$');
  }

  /** Key by key. */
  async type(text: string, end: AbortSignal): Promise<void> {
    for (const letter of text) {
      if (end.aborted) return;
      await this.desktop.type(letter);
      await this.pause(letter === ' ' ? 100 : 50, letter === ' ' ? 300 : 190, end);
    }
  }

  async key(end: AbortSignal, ...names: string[]): Promise<void> {
    for (const name of names) {
      if (end.aborted) return;
      await this.desktop.key(name);
      await this.pause(150, 400, end);
    }
  }

  /** Along a line, slower at its ends, as a hand does it. */
  async move(x: number, y: number, end: AbortSignal): Promise<void> {
    const from = this.#at;
    const steps = Math.max(3, Math.round((150 + Math.hypot(x - from.x, y - from.y) / 2.5) / POINTER_MS));
    for (let step = 1; step <= steps && !end.aborted; step++) {
      const share = (step / steps) ** 2 * (3 - (2 * step) / steps);
      this.pointed(Math.round(from.x + (x - from.x) * share), Math.round(from.y + (y - from.y) * share));
      this.#hands.send({ kind: 'mouse-move', ...this.#at });
      await sleep(POINTER_MS);
    }
  }

  async click(x: number, y: number, end: AbortSignal): Promise<void> {
    await this.move(x, y, end);
    await this.pause(100, 300, end);
    this.#press(true);
    this.#press(false);
    await this.pause(200, 500, end);
  }

  async drag(from: { x: number; y: number }, to: { x: number; y: number }, end: AbortSignal): Promise<void> {
    await this.move(from.x, from.y, end);
    this.#press(true);
    await this.pause(100, 200, end);
    await this.move(to.x, to.y, end);
    this.#press(false);
    await this.pause(200, 500, end);
  }

  /** So many notches of the wheel, towards the user; away from it where negative. */
  async scroll(notches: number, end: AbortSignal): Promise<void> {
    for (let notch = 0; notch < Math.abs(notches) && !end.aborted; notch++) {
      this.#hands.send({ kind: 'wheel', delta: notches > 0 ? -120 : 120, horizontal: false, ...this.#at });
      await this.pause(50, 150, end);
    }
  }

  /** The newest window whose title holds the text; waits until there is one. */
  async window(title: string): Promise<string> {
    for (let waited = 0; waited < WINDOW_WITHIN_MS; waited += LOOK_MS) {
      const found = (await this.desktop.xdotool('search', '--onlyvisible', '--name', title)).trim().split('\n').at(-1);
      if (found !== undefined && found !== '') return found;
      await sleep(LOOK_MS);
    }
    throw new Error(`no window "${title}" within ${WINDOW_WITHIN_MS / 1000} s`);
  }

  async raise(window: string, end: AbortSignal): Promise<void> {
    if (end.aborted) return;
    await this.desktop.xdotool('windowactivate', window);
    await this.pause(1500, 3000, end);
  }

  async place(window: string, x: number, y: number, width: number, height: number): Promise<void> {
    await this.desktop.xdotool('windowsize', window, String(width), String(height));
    await this.desktop.xdotool('windowmove', window, String(x), String(y));
  }

  /** Windows that only tests need are no part of anybody's work. */
  async hide(title: string): Promise<void> {
    await this.desktop.xdotool('search', '--onlyvisible', '--name', title, 'windowunmap');
  }

  #press(down: boolean): void {
    this.#hands.send({ kind: 'mouse-button', button: MouseButton.left, down, ...this.#at });
  }
}

const POINTER_MS = 20;
const WINDOW_WITHIN_MS = 90_000;
const LOOK_MS = 250;
