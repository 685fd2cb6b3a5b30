import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, runCommand, startProcess, waitForPort } from './processes.ts';

/** An SSH server of a test's own, with an account whose password can be changed. */
export interface LabSshd {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** Of root, who may sign in too. */
  readonly rootPassword: string;
  /** SHA-256 of its key, as `ssh-keygen -l` prints it. */
  readonly hostKey: string;
  /** Another account, which may do nothing more until `setSudo` says so. */
  readonly sudoer: { readonly username: string; readonly password: string };
  /** What the sudoer may do as root, in the words of sudoers: `ALL=(ALL) ALL`. */
  setSudo(rule: string): void;
  /** Days that must pass before the account may change its password again. */
  setMinimumDays(days: number): void;
  log(): string;
  stop(): Promise<void>;
}

export interface SshdOptions {
  /** Whether passwords are taken by keyboard-interactive alone. */
  readonly keyboardOnly?: boolean;
  readonly port?: number;
}

const LAB_UID = 61_235;
const USERNAME = 'labssh';
const SUDOER = 'labsudo';

/**
 * Debian's sshd as root, in mount and process namespaces of its own whose `/etc` is a copy: programs that change
 * passwords write new account files there, and the machine's own stay as they are.
 */
export async function startSshd(options: SshdOptions = {}): Promise<LabSshd> {
  if (process.getuid?.() !== 0) {
    throw new Error('the SSH lab needs root for its namespaces: run the tests as root (as CI does)');
  }
  const folder = mkdtempSync(join(tmpdir(), 'oriel-sshd-'));
  chmodSync(folder, 0o711);
  const etc = join(folder, 'etc');
  const home = join(folder, 'home');
  const port = options.port ?? (await freePort());
  const password = 'Ssh-Lab-Pass-1!';
  const rootPassword = 'Ssh-Root-Pass-1!';
  const sudoer = { username: SUDOER, password: 'Ssh-Sudo-Pass-1!' };
  mkdirSync(home);
  chownSync(home, LAB_UID, LAB_UID);
  cpSync('/etc', etc, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  const hash = (of: string) =>
    runCommand(['openssl', 'passwd', '-6', '-stdin'], { input: `${of}\n` })
      .toString()
      .trim();
  const accountFile = (name: string) => join(etc, name);
  const shadow = readFileSync(accountFile('shadow'), 'utf8')
    .replace(/^root:[^:]*:/m, `root:${hash(rootPassword)}:`)
    .replace(/\n*$/, '\n');
  const accounts = [
    [USERNAME, password, LAB_UID],
    [SUDOER, sudoer.password, LAB_UID + 1],
  ] as const;
  const lines = accounts.map(([name, secret]) => `${name}:${hash(secret)}:19000:0:99999:7:::\n`);
  write(accountFile('shadow'), shadow + lines.join(''), 0o640);
  for (const [name, , uid] of accounts) {
    append(accountFile('passwd'), `${name}:x:${uid}:${uid}::${home}:/bin/sh\n`);
    append(accountFile('group'), `${name}:x:${uid}:\n`);
  }
  // Containers do not let a process say who it is logged in as.
  const pam = join(etc, 'pam.d', 'sshd');
  write(pam, readFileSync(pam, 'utf8').replace(/^session\s+required\s+pam_loginuid/m, 'session optional pam_loginuid'));
  // A wrong password is answered at once: the pause that slows down guessing would be most of the tests' time.
  const auth = join(etc, 'pam.d', 'common-auth');
  write(auth, readFileSync(auth, 'utf8').replace(/^auth.*pam_unix\.so.*$/m, '$& nodelay'));
  const keyFile = join(folder, 'host_key');
  runCommand(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', keyFile]);
  const config = join(folder, 'sshd_config');
  write(
    config,
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${keyFile}`,
      'UsePAM yes',
      'PermitRootLogin yes',
      `PasswordAuthentication ${options.keyboardOnly === true ? 'no' : 'yes'}`,
      `KbdInteractiveAuthentication ${options.keyboardOnly === true ? 'yes' : 'no'}`,
      'PidFile none',
      'MaxStartups 100',
      '',
    ].join('\n'),
  );
  const server = startProcess('sshd', [
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child', 'bash', '-ec'],
    [
      'mount --make-rprivate /',
      'mount -t proc proc /proc',
      `mount --bind ${etc} /etc`,
      'mount -t tmpfs -o mode=755 tmpfs /run',
      'mkdir -p /run/sshd',
      `exec /usr/sbin/sshd -D -e -f ${config}`,
    ].join('\n'),
  ]);
  const stop = async () => {
    await server.stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  try {
    await waitForPort(port, server);
  } catch (error) {
    const log = server.output();
    await stop();
    throw new Error(`sshd did not start: ${log.slice(-2000)}`, { cause: error });
  }
  const hostKey =
    runCommand(['ssh-keygen', '-l', '-f', `${keyFile}.pub`])
      .toString()
      .split(' ')[1] ?? '';
  return {
    host: '127.0.0.1',
    port,
    username: USERNAME,
    password,
    rootPassword,
    hostKey,
    sudoer,
    setSudo: (rule) => write(join(etc, 'sudoers.d', 'lab'), `${SUDOER} ${rule}\n`, 0o440),
    setMinimumDays(days) {
      const today = Math.floor(Date.now() / 86_400_000);
      const line = new RegExp(`^(${USERNAME}:[^:]*):\\d+:\\d*:`, 'm');
      const text = readFileSync(accountFile('shadow'), 'utf8');
      write(accountFile('shadow'), text.replace(line, `$1:${days === 0 ? 19_000 : today}:${days}:`), 0o640);
    },
    log: () => server.output(),
    stop,
  };
}

function append(file: string, line: string): void {
  write(file, readFileSync(file, 'utf8').replace(/\n*$/, '\n') + line);
}

function write(file: string, text: string, mode?: number): void {
  writeFileSync(file, text);
  if (mode !== undefined) chmodSync(file, mode);
}
