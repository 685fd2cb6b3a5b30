import { randomInt } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DESKTOP_SCRIPT, Desktop } from './desktop.ts';
import { freePort, runCommand, startProcess, waitFor, waitForPort } from './processes.ts';
import type { LabServer } from './server.ts';

export interface XrdpOptions {
  readonly username?: string;
  readonly password?: string;
  /** Standard RDP security in place of TLS, with this `crypt_level`; its RC4 levels need an OpenSSL older than 3. */
  readonly standardSecurity?: 'none' | 'fips';
  /** Where another Debian lies whose xrdp is meant; this machine's own unless given. */
  readonly root?: string;
}

/** A uid that no account has; it exists only inside the lab's own mount namespace. */
const LAB_UID = 61_234;

/**
 * xrdp 0.9 with xorgxrdp, as root, in mount and process namespaces of its own: its configuration, `/run` and account files are
 * private copies, so nothing on the machine changes, several run side by side, and ending the first process ends everything.
 * The desktop (Xorg, window manager, terminal) starts when somebody logs on.
 */
export async function startXrdp(options: XrdpOptions = {}): Promise<LabServer> {
  const { username = 'labuser', password = 'Xrdp-Lab-Pass-1!', root = '' } = options;
  if (process.getuid?.() !== 0)
    throw new Error('the xrdp lab needs root for its namespaces: run the tests as root (as CI does)');
  const folder = mkdtempSync(join(tmpdir(), 'oriel-xrdp-'));
  // The lab user must reach its home through it.
  chmodSync(folder, 0o711);
  const home = join(folder, 'home');
  const etc = join(folder, 'etc');
  const port = await freePort();
  const displayOffset = freeDisplays();
  mkdirSync(home);
  chownSync(home, LAB_UID, LAB_UID);
  // Certificate and key are links to the machine's own, which another Debian's folder need not have.
  const filter = (path: string) => !path.endsWith('.pem');
  cpSync(join(root, '/etc/xrdp'), etc, { recursive: true, dereference: true, filter });
  // From 0.10 on, sesman listens on a socket of the file system.
  const sesmanPort = root === '' ? await freePort() : undefined;
  configure(etc, { port, sesmanPort, displayOffset });
  if (options.standardSecurity !== undefined) {
    edit(join(etc, 'xrdp.ini'), { security_layer: 'rdp', crypt_level: options.standardSecurity });
  }
  writeFileSync(join(etc, 'desktop.sh'), DESKTOP_SCRIPT);
  chmodSync(join(etc, 'desktop.sh'), 0o755);
  const accounts = writeAccounts(folder, root, { username, password, home });

  const server = startProcess('xrdp', [
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child', 'bash', '-ec'],
    namespaceScript({ root, folder, etc, accounts }),
  ]);
  const stop = async () => {
    // SIGKILL: unshare blocks SIGTERM, and its death ends its whole process namespace.
    await server.stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    removeDeadDisplays(displayOffset);
  };
  try {
    await waitForPort(port, server);
  } catch (error) {
    const log = server.output();
    await stop();
    throw new Error(`xrdp did not start: ${log.slice(-2000)}`, { cause: error });
  }
  return {
    host: '127.0.0.1',
    port,
    username,
    password,
    width: 1024,
    height: 768,
    async desktop() {
      const display = await waitFor('an X display behind xrdp', () => {
        const number = displayNumbers().find(
          (each) => each >= displayOffset && each < displayOffset + DISPLAYS_PER_SERVER,
        );
        return number === undefined ? undefined : `:${number}`;
      });
      const desktop = new Desktop(display, home, join(home, '.Xauthority'));
      await desktop.ready();
      return desktop;
    },
    kill: () => server.stop('SIGKILL'),
    stop,
    log: () => server.output() + logFile(etc, 'xrdp.log') + logFile(etc, 'sesman.log'),
  };
}

const DISPLAYS_PER_SERVER = 10;

interface NamespaceFolders {
  readonly root: string;
  readonly folder: string;
  readonly etc: string;
  readonly accounts: readonly string[];
}

function namespaceScript({ root, folder, etc, accounts }: NamespaceFolders): string {
  const binds = accounts.map((file) => `mount --bind ${file} ${root}/etc/${file.split('/').at(-1)}`);
  const inside = root === '' ? '' : `chroot ${root} `;
  // Another Debian sees this machine's devices (shared memory, terminals), its X sockets, and the lab user's home.
  const borrowed = [
    `mount --rbind /dev ${root}/dev`,
    `mount -t proc proc ${root}/proc`,
    `mount -t tmpfs -o mode=1777 tmpfs ${root}/tmp`,
    `mkdir -p -m 1777 /tmp/.X11-unix ${root}/tmp/.X11-unix`,
    `mkdir -p ${root}${folder}`,
    `mount --bind /tmp/.X11-unix ${root}/tmp/.X11-unix`,
    `mount --bind ${folder} ${root}${folder}`,
  ];
  return [
    'mount --make-rprivate /',
    'mount -t proc proc /proc',
    ...(root === '' ? [] : borrowed),
    `mount --bind ${etc} ${root}/etc/xrdp`,
    ...binds,
    // xrdp keeps its sockets in /run/xrdp, which only an installed service would have made.
    `mount -t tmpfs -o mode=755 tmpfs ${root}/run`,
    `mkdir -p ${root}/run/xrdp/sockdir && ${inside}chgrp -R xrdp /run/xrdp`,
    `chmod 2775 ${root}/run/xrdp && chmod 3777 ${root}/run/xrdp/sockdir`,
    `${inside}xrdp-sesman -n &`,
    `exec ${inside}xrdp -n`,
  ].join('\n');
}

function configure(
  etc: string,
  { port, sesmanPort, displayOffset }: { port: number; sesmanPort: number | undefined; displayOffset: number },
): void {
  const certificate = join(etc, 'cert.pem');
  const key = join(etc, 'key.pem');
  rmSync(certificate, { force: true });
  rmSync(key, { force: true });
  runCommand([
    ...['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=xrdp-lab'],
    ...['-keyout', key, '-out', certificate],
  ]);
  edit(join(etc, 'xrdp.ini'), {
    port: `tcp://127.0.0.1:${port}`,
    certificate: '/etc/xrdp/cert.pem',
    key_file: '/etc/xrdp/key.pem',
    LogFile: '/etc/xrdp/xrdp.log',
    EnableSyslog: 'false',
  });
  edit(join(etc, 'sesman.ini'), {
    // 0.10 also has a highest number, 63 unless told otherwise.
    X11DisplayOffset: `${displayOffset}\nMaxDisplayNumber=${displayOffset + DISPLAYS_PER_SERVER - 1}`,
    ...(sesmanPort !== undefined && { ListenPort: String(sesmanPort) }),
    LogFile: '/etc/xrdp/sesman.log',
    EnableSyslog: 'false',
    DefaultWindowManager: '/etc/xrdp/desktop.sh',
    EnableUserWindowManager: 'false',
  });
}

/** Sets the first line of each name in an ini file: later ones belong to sections of other programs. */
function edit(path: string, values: Record<string, string>): void {
  let text = readFileSync(path, 'utf8').replace(/^runtime_(user|group)=.*$/gm, '');
  for (const [name, value] of Object.entries(values)) {
    const line = new RegExp(`^${name}=.*$`, 'm');
    if (!line.test(text)) throw new Error(`${path} has no line for ${name}`);
    text = text.replace(line, `${name}=${value}`);
  }
  writeFileSync(path, text);
}

/** Copies of the machine's account files with the lab user added; they are mounted over the real ones inside the namespace. */
function writeAccounts(
  folder: string,
  root: string,
  user: { username: string; password: string; home: string },
): string[] {
  const hash = runCommand(['openssl', 'passwd', '-6', '-stdin'], { input: `${user.password}\n` })
    .toString()
    .trim();
  const lines = {
    passwd: `${user.username}:x:${LAB_UID}:${LAB_UID}::${user.home}:/bin/sh\n`,
    group: `${user.username}:x:${LAB_UID}:\n`,
    shadow: `${user.username}:${hash}:19000:0:99999:7:::\n`,
  };
  return Object.entries(lines).map(([name, line]) => {
    const file = join(folder, name);
    writeFileSync(file, readFileSync(join(root, '/etc', name), 'utf8').replace(/\n*$/, '\n') + line, {
      mode: name === 'shadow' ? 0o600 : 0o644,
    });
    return file;
  });
}

/** First of ten display numbers that nobody uses; chosen at random, so that runs which start together do not meet. */
function freeDisplays(): number {
  const used = displayNumbers();
  for (let attempt = 0; attempt < 1000; attempt++) {
    const first = 100 + randomInt(200) * DISPLAYS_PER_SERVER;
    if (!used.some((number) => number >= first && number < first + DISPLAYS_PER_SERVER)) return first;
  }
  throw new Error('no free X display');
}

function displayNumbers(): number[] {
  const folder = '/tmp/.X11-unix';
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => Number(/^X(\d+)$/.exec(name)?.[1]))
    .filter((number) => !Number.isNaN(number))
    .sort((a, b) => a - b);
}

/** An X server that was killed leaves its socket and lock behind. */
function removeDeadDisplays(first: number): void {
  for (let number = first; number < first + DISPLAYS_PER_SERVER; number++) {
    rmSync(`/tmp/.X11-unix/X${number}`, { force: true });
    rmSync(`/tmp/.X${number}-lock`, { force: true });
  }
}

function logFile(etc: string, name: string): string {
  const path = join(etc, name);
  return existsSync(path) ? `\n== ${name}\n${readFileSync(path, 'utf8').slice(-4000)}` : '';
}
