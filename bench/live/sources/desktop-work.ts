import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Desktop } from '../../../test/lab/desktop.ts';
import type { LabProcess } from '../../../test/lab/processes.ts';
import { Random, words } from '../../recording/random.ts';
import type { Scenario } from '../matrix.ts';

/** What the scenarios are on a real desktop: as near to the drawn ones as programs that everybody has come. */
export type DesktopWork = Exclude<Scenario, 'mix'>;

export const DESKTOP_WORKS: readonly DesktopWork[] = ['idle', 'type', 'scroll', 'page', 'drag', 'video'];

/** Begins a kind of work on a desktop, which goes on until what is returned is stopped. Nobody types: keys come through RDP. */
export async function workOn(desktop: Desktop, work: DesktopWork): Promise<LabProcess | undefined> {
  const command = await COMMANDS[work](desktop);
  return command === undefined ? undefined : desktop.start(`bench ${work}`, command);
}

type Command = readonly string[] | undefined;

const COMMANDS: Readonly<Record<DesktopWork, (desktop: Desktop) => Command | Promise<Command>>> = {
  idle: () => xterm(['-geometry', '40x3-20+20'], 'while :; do clear; date; sleep 1; done'),
  type: () => undefined,
  scroll: () =>
    xterm(['-geometry', '120x45+0+0'], `i=0; while :; do echo "$i ${LINE} $i"; i=$((i+1)); sleep .05; done`),
  page: (desktop) => {
    for (let page = 0; page < PAGES; page++) writeFileSync(join(desktop.home, `page${page}`), pageText(page));
    const loop = `i=0; while :; do printf '\\033[H'; cat page$((i % ${PAGES})); i=$((i+1)); sleep .5; done`;
    return xterm(['-fullscreen'], loop);
  },
  drag: async (desktop) => {
    const { width, height } = await desktop.size();
    const circle = Array.from({ length: DRAG_STEPS }, (_, i) => {
      const angle = (i / DRAG_STEPS) * 2 * Math.PI;
      const x = Math.round(width * (0.35 + 0.2 * Math.cos(angle)));
      const y = Math.round(height * (0.3 + 0.18 * Math.sin(angle)));
      return `windowmove %1 ${x} ${y}\nsleep 0.033\n`;
    });
    writeFileSync(join(desktop.home, 'drag.xdotool'), `search --sync --name '^dragged$'\n${circle.join('')}`);
    const window =
      "xterm -T dragged -geometry 76x24 -fa 'DejaVu Sans Mono' -fs 8 -e sh -c 'ls -la /usr/bin; sleep 1000'";
    return ['sh', '-c', `${window} & while :; do xdotool drag.xdotool; done`];
  },
  video: () => [
    ...['ffplay', '-loglevel', 'error', '-noborder', '-left', '100', '-top', '100', '-f', 'lavfi'],
    ...['-i', 'testsrc2=size=640x360:rate=30,noise=alls=12:allf=t'],
  ],
};

const LINE = 'the quick brown fox jumps over the lazy dog and reads line';
const PAGES = 4;
const DRAG_STEPS = 60;

function xterm(geometry: readonly string[], loop: string): readonly string[] {
  const look = ['-fa', 'DejaVu Sans Mono', '-fs', '8', '-bg', '#101418', '-fg', '#e0e0e0', '+sb'];
  return ['xterm', ...geometry, ...look, '-T', 'work', '-e', 'sh', '-c', loop];
}

/** More lines and columns than any terminal of these sizes has are no page: what is past its end scrolls. */
function pageText(page: number): string {
  const random = new Random(20 + page);
  return Array.from({ length: 48 }, () => words(random, 30).slice(0, 170).padEnd(170)).join('\n');
}
