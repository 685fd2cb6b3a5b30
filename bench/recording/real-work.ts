import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Desktop } from '../../test/lab/desktop.ts';
import { Random, words } from './random.ts';

/** A kind of work in real programs, at the pace of hands. */
export interface RealWork {
  readonly name: string;
  /** Opens what is worked with; the time that it takes does not count. */
  setUp(desktop: RealDesktop): Promise<void>;
  /** Some of the work; ends early, by rejecting or not, when `end` is aborted. */
  round(desktop: RealDesktop, end: AbortSignal): Promise<void>;
}

/** The desktop of a session, worked on by one pair of hands. */
export class RealDesktop {
  readonly #desktop: Desktop;
  readonly #point: (x: number, y: number) => void;
  readonly #random = new Random(7);
  #at = { x: 960, y: 540 };

  /** @param point moves the pointer as the session's user does: a recording has it from there */
  constructor(desktop: Desktop, point: (x: number, y: number) => void) {
    this.#desktop = desktop;
    this.#point = point;
  }

  get home(): string {
    return this.#desktop.home;
  }

  async pause(least: number, most: number, end?: AbortSignal): Promise<void> {
    if (end?.aborted !== true)
      await sleep(this.#random.integer(least, most), undefined, { ...(end && { signal: end }) }).catch(() => {});
  }

  /** At once: what nobody watches. */
  enter(line: string): void {
    this.#desktop.type(`${line}\n`);
  }

  /** Key by key. */
  async type(text: string, end: AbortSignal): Promise<void> {
    for (const letter of text) {
      if (end.aborted) return;
      this.#desktop.type(letter);
      await this.pause(letter === ' ' ? 100 : 50, letter === ' ' ? 300 : 190, end);
    }
  }

  async key(end: AbortSignal, ...names: string[]): Promise<void> {
    for (const name of names) {
      if (end.aborted) return;
      this.#desktop.key(name);
      await this.pause(150, 400, end);
    }
  }

  /** Along a line, slower at its ends, as a hand does it. */
  async move(x: number, y: number, end: AbortSignal): Promise<void> {
    const from = this.#at;
    const steps = Math.max(3, Math.round((150 + Math.hypot(x - from.x, y - from.y) / 2.5) / POINTER_MS));
    for (let step = 1; step <= steps && !end.aborted; step++) {
      const share = (step / steps) ** 2 * (3 - (2 * step) / steps);
      this.#at = { x: Math.round(from.x + (x - from.x) * share), y: Math.round(from.y + (y - from.y) * share) };
      this.#point(this.#at.x, this.#at.y);
      await sleep(POINTER_MS);
    }
  }
}

const POINTER_MS = 20;

/** An administrator's shell: listings, logs that scroll by, an editor, a monitor. */
const terminal: RealWork = {
  name: 'terminal',
  async setUp(desktop) {
    openTerminal(desktop, '150x50+150+60');
    const random = new Random(8);
    const line = (i: number) =>
      `2026-11-21 09:${String(i % 60).padStart(2, '0')} worker-${i % 16}: ${words(random, 8)}`;
    writeFileSync(join(desktop.home, 'app.log'), Array.from({ length: 400 }, (_, i) => `${line(i)}\n`).join(''));
    await sleep(SETTLING_MS);
  },
  async round(desktop, end) {
    const commands = [
      ...['ls -la /usr/lib/x86_64-linux-gnu | head -60', 'df -h', 'ps aux | head -40', 'tail -n 45 app.log'],
      ...['while read -r line; do echo "$line"; sleep 0.25; done < app.log', 'grep worker-7 app.log | head -80'],
      ...[
        'cat /etc/passwd',
        'free -m; uptime',
        'find /usr/share/doc -maxdepth 1 | head -200',
        'dpkg -l | tail -60',
        'top -d 1',
      ],
    ];
    for (const command of commands) {
      await desktop.pause(1000, 2500, end);
      await desktop.type(`${command}\n`, end);
      await desktop.pause(1500, 4000, end);
      if (command.startsWith('while')) {
        await desktop.pause(9000, 9000, end);
        await desktop.key(end, 'ctrl+c');
      } else if (command.startsWith('top')) {
        await desktop.pause(8000, 8000, end);
        await desktop.key(end, 'q');
      }
    }
  },
};

/** Reading pages of text and tables in Chromium: scrolling, searching, the next page. */
const web: RealWork = {
  name: 'web',
  async setUp(desktop) {
    const random = new Random(9);
    mkdirSync(join(desktop.home, 'web'));
    for (let page = 0; page < PAGES; page++) {
      writeFileSync(join(desktop.home, 'web', `page${page}.html`), pageOf(random, page));
    }
    const flags = '--no-sandbox --no-first-run --disable-gpu --user-data-dir="$HOME/chromium" --window-size=1728,972';
    desktop.enter(`chromium ${flags} --window-position=40,20 "file://$HOME/web/page0.html" >/dev/null 2>&1 &`);
    await sleep(BROWSER_MS);
  },
  async round(desktop, end) {
    for (let page = 1; page <= PAGES && !end.aborted; page++) {
      await desktop.move(860, 540, end);
      for (let look = 0; look < 5; look++) {
        for (let notch = 0; notch < 3; notch++) await desktop.key(end, 'Down', 'Down');
        await desktop.key(end, 'space');
        await desktop.pause(1500, 3500, end);
      }
      await desktop.key(end, 'ctrl+f');
      await desktop.type('review\n', end);
      await desktop.pause(1000, 1500, end);
      await desktop.key(end, 'Escape', 'ctrl+l');
      await desktop.type(`file://${desktop.home}/web/page${page % PAGES}.html\n`, end);
      await desktop.pause(1500, 2500, end);
    }
  },
};

/** A terminal that nobody types in, and a clock with seconds. */
const idle: RealWork = {
  name: 'idle',
  async setUp(desktop) {
    openTerminal(desktop, '40x3-20+20', `sh -c 'while :; do clear; date; sleep 1; done'`);
    await sleep(SETTLING_MS);
  },
  round: (desktop, end) => desktop.pause(1000, 1000, end),
};

export const REAL_WORK: readonly RealWork[] = [idle, terminal, web];

const SETTLING_MS = 3000;
const BROWSER_MS = 12_000;
const PAGES = 3;

function openTerminal(desktop: RealDesktop, geometry: string, command = 'sh -i'): void {
  const look = `-fa 'DejaVu Sans Mono' -fs 10 -bg '#1e1e1e' -fg '#dddddd' -T work`;
  desktop.enter(`xterm -geometry ${geometry} ${look} -e ${command} &`);
}

function pageOf(random: Random, page: number): string {
  const row = () => {
    const cells = [
      `srv-${random.integer(100, 999)}`,
      random.integer(1, 99),
      `${random.integer(1, 64)} GiB`,
      words(random, 2),
    ];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  };
  const section = (_: unknown, index: number) =>
    [
      `<h2>${index + 1}. ${words(random, 5)}</h2><p>${words(random, 90)}</p>`,
      index % 3 === 1 ? `<table>${Array.from({ length: 14 }, row).join('')}</table>` : `<p>${words(random, 60)}</p>`,
    ].join('');
  const style =
    'body{font:15px/1.5 "DejaVu Sans";max-width:1100px;margin:20px auto}td{border:1px solid #bbb;padding:3px 10px}' +
    'h2{color:#0b5394}table{border-collapse:collapse;font-size:13px}';
  return `<!doctype html><title>Report ${page}</title><style>${style}</style>${Array.from({ length: 12 }, section).join('')}`;
}
