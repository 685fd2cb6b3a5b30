/**
 * Brings a fresh clone to where `npm start` or `npm test` can run: npm packages, the pinned Node, system parts, the web client's build.
 *
 *     node scripts/setup.mjs [--test] [--no-build]
 *
 * It runs before anything is installed, on any Node from 20 on, so it uses Node's own modules only. It is idempotent, and quick when
 * nothing is to do. A missing system part is installed through apt-get where that can work; everywhere else it is named together with
 * the command that installs it. What cannot be had is a failure, never a skip.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A part of the system that the project calls: how it is recognised, and the Debian package that brings it. */
const START_PARTS = [
  { name: 'ffmpeg', package: 'ffmpeg', binaries: ['ffmpeg', 'ffprobe'], why: 'records sessions as MP4' },
];

const TEST_PARTS = [
  { name: 'chromium', package: 'chromium', binaries: ['chromium'], why: 'the browser of the end-to-end tests' },
  { name: 'xrdp', package: 'xrdp', binaries: ['xrdp', 'xrdp-sesman'], why: 'a real RDP server for the tests' },
  {
    name: 'xorgxrdp',
    package: 'xorgxrdp',
    files: ['/usr/lib/xorg/modules/libxorgxrdp.so'],
    why: 'the desktop behind xrdp',
  },
  {
    name: 'freerdp-shadow',
    package: 'freerdp2-shadow-x11',
    binaries: ['freerdp-shadow-cli'],
    why: 'a real RDP server with NLA for the tests',
  },
  { name: 'weston', package: 'weston', binaries: ['weston'], why: 'a real RDP server that sends surface commands' },
  { name: 'xfreerdp', package: 'freerdp2-x11', binaries: ['xfreerdp'], why: 'a real RDP client for our own server' },
  { name: 'winpr-hash', package: 'winpr-utils', binaries: ['winpr-hash'], why: "freerdp-shadow's account file" },
  { name: 'Xvfb', package: 'xvfb', binaries: ['Xvfb'], why: 'the screen behind freerdp-shadow' },
  { name: 'sshd', package: 'openssh-server', binaries: ['sshd'], why: 'a real SSH server to change passwords on' },
  { name: 'sudo', package: 'sudo', binaries: ['sudo'], why: 'a privileged account changes the passwords of others' },
  { name: 'xauth', package: 'xauth', binaries: ['xauth'], why: 'xrdp starts its desktop with it' },
  { name: 'xterm', package: 'xterm', binaries: ['xterm'], why: 'where the tests type' },
  {
    name: 'X utilities',
    package: 'x11-utils',
    binaries: ['xdpyinfo', 'xwininfo', 'xev'],
    why: 'what arrived on the X side',
  },
  { name: 'xsetroot', package: 'x11-xserver-utils', binaries: ['xsetroot'], why: "the test desktop's background" },
  { name: 'xdotool', package: 'xdotool', binaries: ['xdotool'], why: 'drives the X side of the tests' },
  { name: 'xclip', package: 'xclip', binaries: ['xclip'], why: 'copies and pastes on the X side of the tests' },
  { name: 'openbox', package: 'openbox', binaries: ['openbox'], why: 'window manager of the test desktops' },
  {
    name: 'openssl',
    package: 'openssl',
    binaries: ['openssl'],
    why: "the test user's password hash and a certificate",
  },
  {
    name: 'slapd',
    package: 'slapd',
    binaries: ['slapd', 'slapadd'],
    files: ['/usr/lib/ldap/memberof.la', '/etc/ldap/schema/inetorgperson.ldif'],
    why: 'a real LDAP directory for the tests',
  },
  { name: 'rsyslogd', package: 'rsyslog', binaries: ['rsyslogd'], why: 'a real receiver of the audit trail' },
  {
    name: 'rsyslog-gnutls',
    package: 'rsyslog-gnutls',
    files: ['/var/lib/dpkg/info/rsyslog-gnutls.list'],
    why: 'the same, by TLS',
  },
  {
    name: 'tesseract',
    package: 'tesseract-ocr',
    binaries: ['tesseract'],
    why: 'proves that text in a recording is legible',
  },
  {
    name: 'English for tesseract',
    package: 'tesseract-ocr-eng',
    search: ['/usr/share/tesseract-ocr', 'eng.traineddata'],
    why: 'as above',
  },
  {
    name: 'DejaVu fonts',
    package: 'fonts-dejavu-core',
    files: ['/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf'],
    why: 'text on the test desktops',
  },
];

/** For `npm run test:lab` only: large. */
const LAB_PARTS = [
  { name: 'vlc', package: 'vlc-bin', binaries: ['vlc'], why: 'a player of recordings that is not ours' },
  {
    name: "VLC's parts",
    package: 'vlc-plugin-base',
    files: ['/usr/share/doc/vlc-plugin-base/copyright'],
    why: 'how it decodes',
  },
  { name: 'mpv', package: 'mpv', binaries: ['mpv'], why: 'a player of recordings that is not ours' },
  {
    name: 'firefox',
    package: 'firefox-esr',
    binaries: ['firefox-esr'],
    why: 'the other browser that plays recordings',
  },
];

const PINNED_MAJOR = 24;
const APT_LOCK_WAIT_SECONDS = 300;
const root = fileURLToPath(new URL('..', import.meta.url));
const stamps = join(root, 'node_modules', '.oriel');

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(`setup: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

function main(args) {
  const known = ['--test', '--lab', '--no-build'];
  const unknown = args.find((arg) => !known.includes(arg));
  if (unknown) throw new Error(`unknown option ${unknown} (known: ${known.join(' ')})`);
  requireOwnNode();
  installNpmPackages();
  requirePinnedNode();
  const testParts = args.includes('--test') ? TEST_PARTS : [];
  installSystemParts([...START_PARTS, ...testParts, ...(args.includes('--lab') ? LAB_PARTS : [])]);
  if (!args.includes('--no-build')) buildWebClient();
}

function requireOwnNode() {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new Error(`Node ${process.versions.node} is too old to set Oriel up: install Node 20 or later`);
  }
}

// ---- npm packages

function installNpmPackages() {
  const stamp = hashOf([join(root, 'package-lock.json'), join(root, 'package.json')]);
  if (readStamp('npm-packages') === stamp) return;
  // `npm ci` is exact but begins by removing node_modules, under the feet of whatever runs from there; so it is for fresh clones only.
  const fresh = !existsSync(join(root, 'node_modules', '.package-lock.json'));
  say(fresh ? 'installing npm packages' : 'bringing npm packages up to date');
  run('npm', [fresh ? 'ci' : 'install', '--no-audit', '--no-fund', '--loglevel=error']);
  // package.json and the lockfile may have been rewritten by `npm install`, so the stamp is taken afterwards.
  writeStamp('npm-packages', hashOf([join(root, 'package-lock.json'), join(root, 'package.json')]));
}

/** npm scripts find `node_modules/.bin/node` first; without it they would run the TypeScript sources on the system's Node. */
function requirePinnedNode() {
  let version = pinnedNodeVersion();
  if (!version?.startsWith(`v${PINNED_MAJOR}.`)) {
    say(`installing Node ${PINNED_MAJOR}`);
    run('npm', ['rebuild', 'node', '--loglevel=error']);
    version = pinnedNodeVersion();
  }
  if (!version?.startsWith(`v${PINNED_MAJOR}.`)) {
    throw new Error(
      `the npm package "node" did not bring Node ${PINNED_MAJOR} (found ${version ?? 'nothing'} in node_modules/.bin): ` +
        'if npm is set to ignore install scripts, allow them for this package and run: npm rebuild node',
    );
  }
}

function pinnedNodeVersion() {
  const result = spawnSync(pinnedNode(), ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

function pinnedNode() {
  return join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
}

// ---- system parts

function installSystemParts(parts) {
  const missing = parts.filter((part) => !isPresent(part));
  if (missing.length === 0) return;
  const packages = missing.map((part) => part.package);
  const command = `apt-get install --no-install-recommends ${packages.join(' ')}`;
  const list = missing.map((part) => `  ${part.name} (${part.why}): Debian/Ubuntu package ${part.package}`).join('\n');
  const prefix = aptPrefix();
  if (prefix === undefined) {
    const hint = findBinary('apt-get')
      ? `install them with: sudo ${command}`
      : "install them with your system's package manager, for example on macOS: brew install ffmpeg";
    throw new Error(`these parts of the system are missing:\n${list}\n${hint}`);
  }
  say(`installing ${packages.join(' ')}`);
  if (!aptInstall(prefix, packages)) {
    // The usual reason on a fresh machine: no package lists yet, or old ones.
    apt(prefix, ['update', '-qq']);
    aptInstall(prefix, packages);
  }
  // The tests start these themselves, on loopback: a developer's machine must not begin to listen because of them.
  const services = ['xrdp', 'slapd'].filter((name) => packages.includes(name));
  if (services.includes('xrdp')) services.push('xrdp-sesman');
  if (services.length > 0 && findBinary('systemctl')) {
    const stop = [...prefix, 'systemctl', 'disable', '--now', ...services];
    spawnSync(stop[0], stop.slice(1), { stdio: 'ignore' });
  }
  if (packages.includes('openssh-server') && findBinary('systemctl')) {
    // Likewise: nobody's machine begins to listen on 22 because of tests.
    const stop = [...prefix, 'systemctl', 'disable', '--now', 'ssh'];
    spawnSync(stop[0], stop.slice(1), { stdio: 'ignore' });
  }
  const still = missing.filter((part) => !isPresent(part));
  if (still.length > 0) {
    throw new Error(
      `could not install: ${still.map((part) => `${part.name} (package ${part.package})`).join(', ')}; try: ${[...prefix, command].join(' ')}`,
    );
  }
}

/** The words before `apt-get` that make it work here, or undefined where it cannot work. */
function aptPrefix() {
  if (process.platform !== 'linux' || !findBinary('apt-get')) return undefined;
  if (process.getuid() === 0) return [];
  if (!findBinary('sudo')) return undefined;
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined;
}

function aptInstall(prefix, packages) {
  return apt(prefix, ['install', '-y', '-qq', '--no-install-recommends', ...packages]);
}

function apt(prefix, args) {
  const environment = ['DEBIAN_FRONTEND=noninteractive', 'APT_LISTCHANGES_FRONTEND=none', 'NEEDRESTART_MODE=a'];
  const words = [
    ...prefix,
    'env',
    ...environment,
    'apt-get',
    '-o',
    `DPkg::Lock::Timeout=${APT_LOCK_WAIT_SECONDS}`,
    '-o',
    'Dpkg::Use-Pty=0',
    ...args,
  ];
  const result = spawnSync(words[0], words.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status !== 0 && args[0] === 'install')
    process.stderr.write(tail(result.stderr || result.stdout || '', 15));
  return result.status === 0;
}

function isPresent(part) {
  return (
    (part.binaries ?? []).every((name) => findBinary(name) !== undefined) &&
    (part.files ?? []).every((file) => existsSync(file)) &&
    (part.search === undefined || containsFile(part.search[0], part.search[1]))
  );
}

function findBinary(name) {
  // sbin is where xrdp lives, and it is not on every user's PATH.
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder || '.', name)).find((file) => isExecutable(file));
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function containsFile(folder, name) {
  return existsSync(folder) && readdirSync(folder, { recursive: true }).some((entry) => String(entry).endsWith(name));
}

// ---- web client

function buildWebClient() {
  if (!existsSync(join(root, 'web-client', 'vite.config.ts'))) return;
  const stamp = hashOf([
    join(root, 'package-lock.json'),
    ...sourcesIn(join(root, 'web-client'), ['dist']),
    ...sourcesIn(join(root, 'protocol'), []),
  ]);
  if (readStamp('web-client') === stamp && existsSync(join(root, 'web-client', 'dist', 'index.html'))) return;
  say('building the web client');
  run(pinnedNode(), [join('node_modules', 'vite', 'bin', 'vite.js'), 'build', 'web-client', '--logLevel', 'warn']);
  writeStamp('web-client', stamp);
}

function sourcesIn(folder, except) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.includes('.test.'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !except.some((name) => relative(folder, file).startsWith(`${name}/`)));
}

// ---- helpers

function run(command, args) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (result.error) throw new Error(`cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(' ')} failed (exit ${result.status ?? result.signal})`);
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files.sort())
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return hash.digest('hex');
}

function readStamp(name) {
  try {
    return readFileSync(join(stamps, name), 'utf8');
  } catch {
    return undefined;
  }
}

function writeStamp(name, value) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, name), value);
}

function tail(text, lines) {
  return `${text.trimEnd().split('\n').slice(-lines).join('\n')}\n`;
}

function say(text) {
  console.log(`setup: ${text}`);
}
