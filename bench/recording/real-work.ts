import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCanvas } from '@napi-rs/canvas';
import { Random, words } from './random.ts';
import type { RealDesktop } from './real-desktop.ts';
import { Film } from './video.ts';

/** A kind of work in real programs, at the pace of hands. */
export interface RealWork {
  readonly name: string;
  readonly needs: readonly Program[];
  /** Works for so long. @returns when the work began, by `performance.now()`: what was before is setting up and does not count */
  run(desktop: RealDesktop, minutes: number): Promise<number>;
}

/** Something of Debian that is started. */
export interface Program {
  readonly binary: string;
  readonly package: string;
}

interface Rounds {
  /** Opens what is worked with. */
  setUp(desktop: RealDesktop): Promise<void>;
  /** Some of the work; does nothing more once `end` is aborted. */
  round(desktop: RealDesktop, end: AbortSignal): Promise<void>;
}

const XTERM = program('xterm');

/** An administrator's shell: listings, logs that scroll by, an editor, a monitor. */
const terminal: RealWork = inRounds('terminal', [XTERM], {
  async setUp(desktop) {
    await openTerminal(desktop, '150x50+150+60');
    const random = new Random(8);
    const line = (i: number) =>
      `2026-11-21 09:${String(i % 60).padStart(2, '0')} worker-${i % 16}: ${words(random, 8)}`;
    desktop.write('app.log', Array.from({ length: 400 }, (_, i) => `${line(i)}\n`).join(''));
    await sleep(SETTLING_MS);
  },
  async round(desktop, end) {
    const commands = [
      ...['ls -la /usr/lib/x86_64-linux-gnu | head -60', 'df -h', 'ps aux | head -40', 'tail -n 45 app.log'],
      ...['while read -r line; do echo "$line"; sleep 0.25; done < app.log', 'grep worker-7 app.log | head -80'],
      ...['cat /etc/passwd', 'free -m; uptime', 'find /usr/share/doc -maxdepth 1 | head -200'],
      ...['dpkg -l | tail -60', 'top -d 1'],
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
});

/** Reading pages of text and tables in Chromium: scrolling, searching, the next page. */
const web: RealWork = inRounds('web', [program('chromium')], {
  async setUp(desktop) {
    const random = new Random(9);
    mkdirSync(join(desktop.home, 'web'));
    for (let page = 0; page < PAGES; page++) {
      desktop.write(`web/page${page}.html`, pageOf(random, page));
    }
    const flags = '--no-sandbox --no-first-run --disable-gpu --user-data-dir="$HOME/chromium" --window-size=1728,972';
    await desktop.launch(`chromium ${flags} --window-position=40,20 "file://$HOME/web/page0.html"`);
    await desktop.window('Report 0');
    await sleep(SETTLING_MS);
  },
  async round(desktop, end) {
    for (let page = 1; page <= PAGES && !end.aborted; page++) {
      await desktop.move(860, 540, end);
      for (let look = 0; look < 6; look++) {
        await desktop.scroll(look % 2 === 0 ? 3 : 4, end);
        await desktop.pause(4000, 7000, end);
      }
      await desktop.key(end, 'ctrl+f');
      await desktop.type('review\n', end);
      await desktop.pause(1000, 1500, end);
      await desktop.key(end, 'Escape', 'ctrl+l');
      await desktop.type(`file://${desktop.home}/web/page${page % PAGES}.html\n`, end);
      await desktop.pause(3000, 5000, end);
    }
  },
});

/** A table, a text and a folder: cells and sentences are typed, windows switched and dragged, menus opened, lists scrolled. */
const office: RealWork = inRounds(
  'office',
  [program('soffice', 'libreoffice-calc'), program('mousepad'), program('pcmanfm')],
  {
    async setUp(desktop) {
      const random = new Random(10);
      const line = () => words(random, 12);
      desktop.write('notes.txt', Array.from({ length: 80 }, line).join('\n'));
      const row = (i: number) => [
        `srv-${i}`,
        ...Array.from({ length: 6 }, () => random.integer(1, 9999)),
        words(random, 3),
      ];
      desktop.write('servers.csv', Array.from({ length: 150 }, (_, i) => row(i).join(',')).join('\n'));
      desktop.write('office.xcu', OFFICE_SETTINGS);
      const profile = '.config/libreoffice/4/user';
      const csv = `--infilter='Text - txt - csv (StarCalc):44,34,76,1' servers.csv`;
      await desktop.launch(
        ...['mousepad notes.txt', 'pcmanfm /usr/lib'],
        `(mkdir -p ${profile} && cp office.xcu ${profile}/registrymodifications.xcu && soffice --norestore --nologo --calc ${csv})`,
      );
      await desktop.place(await desktop.window('notes.txt'), 760, 220, 960, 650);
      await desktop.place(await desktop.window('^lib'), 300, 140, 1100, 700);
      const table = await desktop.window('servers.csv');
      await sleep(SETTLING_MS);
      await desktop.place(table, 60, 40, 1380, 840);
      await sleep(SETTLING_MS);
    },
    async round(desktop, end) {
      const [table, text, folder] = [
        await desktop.window('servers.csv'),
        await desktop.window('notes.txt'),
        // Its title is the folder's name, which is another while one is looked into.
        await desktop.window('^(lib|[a-z0-9.-]+)$'),
      ];
      await desktop.raise(table, end);
      await desktop.key(end, 'ctrl+Home', 'Down', 'Down', 'Right');
      for (const value of ['alice', '42', '128', 'running']) {
        await desktop.type(value, end);
        await desktop.key(end, 'Tab');
      }
      await desktop.key(end, 'alt+f');
      await desktop.pause(700, 1200, end);
      await desktop.key(end, 'Right', 'Right', 'Right', 'Down', 'Down', 'Escape', 'Escape');
      await desktop.move(700, 500, end);
      await desktop.scroll(12, end);
      await desktop.pause(2500, 4000, end);
      await desktop.scroll(-7, end);
      await desktop.pause(1500, 3000, end);
      await desktop.type('=SUM(B2:B40)\n', end);
      await desktop.raise(text, end);
      await desktop.click(1100, 500, end);
      await desktop.key(end, 'ctrl+End');
      await desktop.type('\nReviewed with the team, see the ticket for details.', end);
      await desktop.key(end, 'ctrl+f');
      await desktop.type('review\n', end);
      await desktop.pause(1000, 1500, end);
      await desktop.key(end, 'Escape', 'alt+e');
      await desktop.pause(800, 1300, end);
      await desktop.key(end, 'Down', 'Down', 'Escape');
      await desktop.raise(folder, end);
      await desktop.move(800, 500, end);
      await desktop.scroll(8, end);
      await desktop.pause(2500, 4000, end);
      await desktop.key(end, 'alt+Tab');
      await desktop.pause(2000, 3500, end);
      await desktop.raise(text, end);
      const bar = { x: 1100, y: 208 };
      await desktop.drag(bar, { x: bar.x - 120, y: bar.y + 70 }, end);
      await desktop.drag({ x: bar.x - 120, y: bar.y + 70 }, bar, end);
      await desktop.pause(2000, 4000, end);
    },
  },
);

/** A film in a window, and nobody who touches anything. */
const video: RealWork = inRounds('video', [program('mpv')], {
  async setUp(desktop) {
    await makeFilm(join(desktop.home, 'film.mp4'));
    const look = '--vo=x11 --no-config --no-audio --loop --osd-level=0 --no-osc --geometry=1280x720+300+60';
    await desktop.launch(`mpv ${look} film.mp4`);
    await desktop.window('mpv');
    await sleep(SETTLING_MS);
  },
  round: (desktop, end) => desktop.pause(1000, 1000, end),
});

/** A terminal that nobody types in, and a clock with seconds. */
const idle: RealWork = inRounds('idle', [XTERM], {
  async setUp(desktop) {
    await openTerminal(desktop, '40x3-20+20', `sh -c 'while :; do clear; date; sleep 1; done'`);
    await sleep(SETTLING_MS);
  },
  round: (desktop, end) => desktop.pause(1000, 1000, end),
});

export const REAL_WORK: readonly RealWork[] = [idle, terminal, office, web, video];

/** Which of the programs that a work needs are not on the PATH. */
export function missingFor({ needs }: RealWork): Program[] {
  return needs.filter(({ binary }) => {
    try {
      execFileSync('which', [binary]);
      return false;
    } catch {
      return true;
    }
  });
}

const SETTLING_MS = 3000;
const PAGES = 3;

function program(binary: string, debianPackage = binary): Program {
  return { binary, package: debianPackage };
}

function inRounds(name: string, needs: readonly Program[], { setUp, round }: Rounds): RealWork {
  return {
    ...{ name, needs },
    async run(desktop, minutes) {
      await desktop.hide('^Event Tester$');
      await setUp(desktop);
      const beganAt = performance.now();
      const end = AbortSignal.timeout(minutes * 60_000);
      while (!end.aborted) await round(desktop, end);
      return beganAt;
    },
  };
}

/** Neither a tip of the day nor what is new, of which an office that was never started is full; and a window that is not the whole desktop. */
const OFFICE_SETTINGS = `<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Common/Misc"><prop oor:name="ShowTipOfTheDay" oor:op="fuse"><value>false</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Misc"><prop oor:name="FirstRun" oor:op="fuse"><value>false</value></prop></item>
<item oor:path="/org.openoffice.Setup/Office/Factories/org.openoffice.Setup:Factory['com.sun.star.sheet.SpreadsheetDocument']"><prop oor:name="ooSetupFactoryWindowAttributes" oor:op="fuse"><value>60,60,1380,840;1;0,0,0,0;</value></prop></item>
</oor:items>
`;

/** The film of the drawn class, as a file. */
async function makeFilm(path: string): Promise<void> {
  const { width, height, fps, seconds } = { width: 1280, height: 720, fps: 25, seconds: 24 };
  const input = ['-f', 'rawvideo', '-pix_fmt', 'rgba', '-s', `${width}x${height}`, '-r', String(fps), '-i', 'pipe:0'];
  const ffmpeg = spawn(
    'ffmpeg',
    [
      ...['-v', 'error', '-y', ...input],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '16', '-pix_fmt', 'yuv420p', path],
    ],
    { stdio: ['pipe', 'ignore', 'inherit'] },
  );
  const ended = once(ffmpeg, 'exit');
  const film = new Film(new Random(5));
  const context = createCanvas(width, height).getContext('2d');
  for (let frame = 0; frame < seconds * fps; frame++) {
    film.draw(context, { x: 0, y: 0, width, height }, (frame * 1000) / fps);
    if (!ffmpeg.stdin.write(context.getImageData(0, 0, width, height).data)) await once(ffmpeg.stdin, 'drain');
  }
  ffmpeg.stdin.end();
  const [code] = await ended;
  if (code !== 0) throw new Error(`ffmpeg made no film (${code})`);
  chmodSync(path, 0o644);
}

async function openTerminal(desktop: RealDesktop, geometry: string, command = 'sh -i'): Promise<void> {
  const look = `-fa 'DejaVu Sans Mono' -fs 10 -bg '#1e1e1e' -fg '#dddddd' -T work`;
  await desktop.launch(`xterm -geometry ${geometry} ${look} -e ${command}`);
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
