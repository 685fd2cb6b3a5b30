import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DESKTOP_SCRIPT, Desktop } from './desktop.ts';
import { freePort, Hopeless, type LabProcess, runCommand, startProcess, waitFor, waitForPort } from './processes.ts';
import type { LabServer } from './server.ts';

export interface ShadowOptions {
  readonly width?: number;
  readonly height?: number;
  /**
   * What the server demands: NLA with the account below (default), or TLS or standard RDP security (which 2.11 leaves
   * unencrypted) with no authentication at all.
   */
  readonly security?: 'nla' | 'tls' | 'rdp';
  readonly username?: string;
  readonly password?: string;
  /** Another build of the server than this machine's: what to run in place of `freerdp-shadow-cli`. */
  readonly command?: readonly string[];
  /** Further arguments, such as the codecs to leave out. */
  readonly flags?: readonly string[];
  /** A port to come back on, for a server that is stopped and started again. */
  readonly port?: number;
}

/** freerdp-shadow 2.11 on a screen of its own (Xvfb), with a window manager, a terminal and a window that logs the mouse. */
export async function startShadow(options: ShadowOptions = {}): Promise<LabServer> {
  const {
    width = 1024,
    height = 768,
    security = 'nla',
    username = 'shadow',
    password = 'Shadow-Lab-Pass-1!',
    command = ['freerdp-shadow-cli'],
    flags = [],
  } = options;
  const folder = mkdtempSync(join(tmpdir(), 'oriel-shadow-'));
  const home = join(folder, 'home');
  const started: LabProcess[] = [];
  const start = (name: string, command: readonly string[], env: NodeJS.ProcessEnv) => {
    const child = startProcess(name, command, { env: { HOME: home, ...env } });
    started.push(child);
    return child;
  };
  const stop = async () => {
    for (const child of started.splice(0).reverse()) await child.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    mkdirSync(home);
    const display = await startScreen(start, folder, width, height);
    const script = join(folder, 'desktop.sh');
    writeFileSync(script, DESKTOP_SCRIPT);
    chmodSync(script, 0o755);
    start('desktop', [script], { DISPLAY: display });
    const desktop = new Desktop(display, home);
    await desktop.ready();

    const accounts = join(folder, 'sam');
    writeFileSync(accounts, runCommand(['winpr-hash', '-u', username, '-p', password, '-d', '', '-f', 'sam']), {
      mode: 0o600,
    });
    const port = options.port ?? (await freePort());
    const protection = security === 'nla' ? ['/sec:nla', `/sam-file:${accounts}`] : [`/sec:${security}`, '-auth'];
    const server = start(
      'freerdp-shadow',
      [...command, `/port:${port}`, '/bind-address:127.0.0.1', ...protection, ...flags],
      { DISPLAY: display },
    );
    await waitForPort(port, server);
    return {
      host: '127.0.0.1',
      port,
      username,
      password,
      width,
      height,
      desktop: async () => desktop,
      kill: () => server.stop('SIGKILL'),
      stop,
      log: () => server.output(),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts Xvfb on a display number that it chooses itself, so that parallel runs never meet. */
async function startScreen(
  start: (name: string, command: readonly string[], env: NodeJS.ProcessEnv) => LabProcess,
  folder: string,
  width: number,
  height: number,
): Promise<string> {
  // -displayfd writes the number to a descriptor; through a shell that is a file.
  const file = join(folder, 'display');
  const screen = `${width}x${height}x24`;
  const xvfb = start(
    'Xvfb',
    ['sh', '-c', `exec Xvfb -displayfd 3 -screen 0 ${screen} -nolisten tcp -noreset 3>"$0"`, file],
    {},
  );
  const number = await waitFor('Xvfb', () => {
    if (xvfb.exited()) throw new Hopeless(`Xvfb has exited: ${xvfb.output()}`);
    return /^\d+(?=\n)/.exec(readFileSync(file, 'utf8'))?.[0];
  });
  return `:${number}`;
}
