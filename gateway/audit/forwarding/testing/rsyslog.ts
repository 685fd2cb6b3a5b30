import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../../testing/free-port.ts';

const run = promisify(execFile);

/** A real rsyslogd on a free port of its own, as a process of its own, that writes each message as it came. */
export interface Rsyslog {
  readonly port: number;
  /** Paths of PEM files: the authority that vouches for the server and the client, and another that nobody asked. */
  readonly certificates: Certificates;
  start(): Promise<void>;
  /** With SIGTERM, as an administrator does. */
  stop(): Promise<void>;
  /** With SIGKILL. */
  kill(): Promise<void>;
  /** Messages so far. */
  lines(): Promise<string[]>;
  remove(): Promise<void>;
}

export interface Certificates {
  readonly authority: string;
  readonly stranger: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
}

export interface RsyslogOptions {
  readonly tls?: boolean;
  /** Whether a client must bring a certificate of the authority. */
  readonly clientCertificate?: boolean;
}

export async function makeRsyslog({ tls = false, clientCertificate = false }: RsyslogOptions = {}): Promise<Rsyslog> {
  const folder = await mkdtemp(join(tmpdir(), 'oriel-rsyslog-'));
  const certificates = await makeCertificates(folder);
  const port = await freePort();
  const output = join(folder, 'received.log');
  const driver = tls
    ? ` streamdriver.name="gtls" streamdriver.mode="1" streamdriver.authmode="${clientCertificate ? 'x509/certvalid' : 'anon'}"`
    : '';
  const files = ['ca', 'cert', 'key']
    .map(
      (what) => `defaultnetstreamdriver${what}file="${join(folder, what === 'ca' ? 'ca.pem' : `server-${what}.pem`)}"`,
    )
    .join(' ');
  // What is read is written before more is read.
  await writeFile(
    join(folder, 'rsyslog.conf'),
    `global(workdirectory="${folder}" maxmessagesize="64k" net.enabledns="off" parser.escapecontrolcharactersonreceive="off" ${tls ? files : ''})
main_queue(queue.type="Direct")
module(load="imtcp"${driver})
template(name="asItCame" type="string" string="%rawmsg%\\n")
input(type="imtcp" address="127.0.0.1" port="${port}")
action(type="omfile" file="${output}" template="asItCame" asyncwriting="off" iobuffersize="1")
`,
  );
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    const gone = child && new Promise((resolve) => child?.once('close', resolve));
    child?.kill(signal);
    await gone;
    child = undefined;
  };
  return {
    port,
    certificates,
    async start() {
      const words = ['-n', '-f', join(folder, 'rsyslog.conf'), '-i', join(folder, 'pid')];
      child = spawn('/usr/sbin/rsyslogd', words, { stdio: ['ignore', 'inherit', 'inherit'] });
      await listening(port);
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async lines() {
      const text = await readFile(output, 'utf8').catch(() => '');
      return text.split('\n').filter((line) => line !== '');
    },
    async remove() {
      await end('SIGKILL');
      await rm(folder, { recursive: true });
    },
  };
}

/** The number in a message's structured data; nothing for a head. */
export function numberOf(line: string): number | undefined {
  const number = /^<\d+>1 [^[]*\[oriel@32473 number="(\d+)"/.exec(line)?.[1];
  return number === undefined ? undefined : Number(number);
}

async function makeCertificates(folder: string): Promise<Certificates> {
  const file = (name: string) => join(folder, name);
  const openssl = (...words: string[]) => run('openssl', words, { cwd: folder });
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const [name, key] of [
    ['ca.pem', 'ca-key.pem'],
    ['stranger.pem', 'stranger-key.pem'],
  ] as const) {
    await openssl('req', '-x509', ...curve, '-keyout', key, '-out', name, '-subj', `/CN=${name}`, '-days', '2');
  }
  await writeFile(file('server.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  await writeFile(file('client.ext'), 'extendedKeyUsage=clientAuth\n');
  for (const who of ['server', 'client']) {
    await openssl('req', ...curve, '-keyout', `${who}-key.pem`, '-out', `${who}.csr`, '-subj', `/CN=${who}`);
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-days', '2', '-extfile', `${who}.ext`];
    await openssl('x509', '-req', '-in', `${who}.csr`, '-out', `${who}-cert.pem`, ...signed);
  }
  const read = (name: string) => readFile(file(name), 'utf8');
  return {
    authority: await read('ca.pem'),
    stranger: await read('stranger.pem'),
    clientCertificate: await read('client-cert.pem'),
    clientKey: await read('client-key.pem'),
  };
}

async function listening(port: number): Promise<void> {
  for (;;) {
    const there = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('close', () => {});
      socket.on('connect', () => socket.destroy());
    });
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
