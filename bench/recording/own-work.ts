import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RealDesktop } from './real-desktop.ts';
import type { RealWork } from './real-work.ts';
import { REAL_SIZE } from './xrdp-session.ts';

/**
 * Work that somebody's own command does on the desktop. It has `KIND`, `WIDTH`, `HEIGHT`, `DURATION`, `DISPLAY`, `XAUTHORITY` and an
 * empty `HOME` in its environment, may take its time to open what it works with, then works for `DURATION` and ends: what counts
 * is that time before its end. It runs as the session's user, who may read less than who started the bench.
 */
export function workOf(command: string, name: string): RealWork {
  return {
    ...{ name, needs: [] },
    async run(desktop, minutes) {
      await desktop.hide('^Event Tester$');
      await desktop.hide('^terminal$');
      const seconds = minutes * 60;
      const startedAt = performance.now();
      const worker = desktop.desktop.start(`--work ${command}`, [
        ...inSessionOf(desktop),
        ...[`KIND=${name}`, `WIDTH=${REAL_SIZE.width}`, `HEIGHT=${REAL_SIZE.height}`, `DURATION=${seconds}`],
        ...['sh', '-c', command],
      ]);
      const eyes = new PointerEyes(desktop);
      const latest = startedAt + seconds * 1000 + SET_UP_WITHIN_MS;
      while (!worker.exited() && performance.now() < latest) {
        eyes.look();
        await sleep(LOOK_MS);
      }
      const endedAt = performance.now();
      await Promise.all([worker.stop(), eyes.close()]);
      if (endedAt - startedAt < seconds * 1000) {
        const after = Math.round((endedAt - startedAt) / 1000);
        throw new Error(`--work ended after ${after} s of ${seconds}: ${worker.output().slice(-1000)}`);
      }
      return endedAt - seconds * 1000;
    },
  };
}

/** Opening an office on a busy machine; what has not ended so long after its time is ended. */
const SET_UP_WITHIN_MS = 180_000;
const LOOK_MS = 50;
/** A minute of them at a time. */
const LOOKS = 60_000 / LOOK_MS;

/**
 * The beginning of a command that is run as the session's user and among its processes: a server shares no memory with another's,
 * without which browsers stay white, and all ends with the session.
 */
function inSessionOf({ desktop, home }: RealDesktop): string[] {
  const server = execFileSync('pgrep', ['--newest', '--full', `Xorg ${desktop.display} `])
    .toString()
    .trim();
  const { uid, gid } = statSync(home);
  return [
    ...['nsenter', '--target', server, '--mount', '--pid'],
    ...['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', 'env', '-C', process.cwd(), `HOME=${home}`],
  ];
}

/** Where a command moves the pointer: it does so on the X side, of which the server tells its client nothing. */
class PointerEyes {
  readonly #desktop: RealDesktop;
  #xdotool: ReturnType<RealDesktop['desktop']['start']> | undefined;
  #seen = '';

  constructor(desktop: RealDesktop) {
    this.#desktop = desktop;
  }

  look(): void {
    if (this.#xdotool === undefined || this.#xdotool.exited()) {
      const looks = Array.from({ length: LOOKS }, () => ['getmouselocation', 'sleep', String(LOOK_MS / 1000)]);
      this.#xdotool = this.#desktop.desktop.start('xdotool', ['stdbuf', '-oL', 'xdotool', ...looks.flat()]);
    }
    const last = this.#xdotool.output().trimEnd().split('\n').at(-1) ?? '';
    const [, x, y] = /^x:(\d+) y:(\d+) screen/.exec(last) ?? [];
    if (x === undefined || `${x} ${y}` === this.#seen) return;
    this.#seen = `${x} ${y}`;
    this.#desktop.pointed(Number(x), Number(y));
  }

  async close(): Promise<void> {
    await this.#xdotool?.stop('SIGKILL');
  }
}
