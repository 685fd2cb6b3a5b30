import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * A Debian 13 in a folder, for servers that are newer than this machine's: freerdp-shadow 3.15 and xrdp 0.10. Made once
 * (root, `debootstrap`, a download of some 200 MB, 1 GB of disk); `ORIEL_TRIXIE` names another place for it.
 */

const PACKAGES = [
  ...['freerdp3-x11', 'freerdp3-shadow-x11', 'winpr3-utils', 'xrdp', 'xorgxrdp', 'xauth', 'xterm', 'openbox'],
  ...['x11-xserver-utils', 'x11-utils', 'dbus-x11', 'openssl', 'procps', 'fonts-dejavu-core'],
];

/** Where the folder is, with all packages in it. */
export function prepareTrixie(): string {
  const root = process.env.ORIEL_TRIXIE ?? join(homedir(), '.cache', 'oriel', 'trixie');
  if (existsSync(join(root, 'usr/sbin/xrdp')) && existsSync(join(root, 'usr/bin/freerdp-shadow-cli3'))) return root;
  if (process.getuid?.() !== 0) throw new Error('the trixie lab needs root, to make a system in a folder');
  mkdirSync(root, { recursive: true });
  if (!existsSync(join(root, 'usr/bin/apt-get'))) run(['debootstrap', '--variant=minbase', 'trixie', root]);
  for (const file of ['resolv.conf', 'hosts']) copyFileSync(join('/etc', file), join(root, 'etc', file));
  // No package may start a service.
  const policy = join(root, 'usr/sbin/policy-rc.d');
  writeFileSync(policy, '#!/bin/sh\nexit 101\n');
  chmodSync(policy, 0o755);
  run(['chroot', root, 'apt-get', 'update', '-qq']);
  run(['chroot', root, 'apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...PACKAGES]);
  return root;
}

/** The command that runs freerdp-shadow 3 out of the folder; X is reached through the abstract socket. */
export function shadow3Command(root: string): readonly string[] {
  return ['chroot', root, 'env', 'HOME=/tmp', 'freerdp-shadow-cli3'];
}

function run([file = '', ...args]: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const { status, error } = spawnSync(file, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error !== undefined || status !== 0) {
    throw new Error(`${file} failed (${status}); is it installed?`, { cause: error });
  }
}
