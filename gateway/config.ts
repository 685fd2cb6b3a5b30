import { availableParallelism, homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { DEFAULT_GRAPHICS, GRAPHICS_KINDS, type GraphicsKind } from '#protocol/connector/graphics-offer.ts';
import { type TrustedProxies, trustedProxies } from './address.ts';
import { keySources } from './vault/master-key.ts';
import type { KeyConfig } from './vault/unlock.ts';

/** The settings of one gateway process, read once at start from the environment. */
export interface Config {
  readonly port: number;
  readonly host: string;
  readonly dataDirectory: string;
  readonly masterKey: KeyConfig;
  readonly evidenceKeyFile: string;
  /** Where signed heads of the audit trail are kept, besides the database. */
  readonly auditHeadsFile: string;
  readonly adminPassword: string | undefined;
  readonly tlsCertificateFile: string | undefined;
  readonly tlsKeyFile: string | undefined;
  /** Origins besides the gateway's own whose pages may open a tunnel or change things: a reverse proxy's address. */
  readonly origins: readonly string[];
  /** Whose `X-Forwarded-For` is believed. */
  readonly proxies: TrustedProxies | undefined;
  /** How people reach the gateway: for links in mail and for the way back from a sign-in service. */
  readonly publicUrl: string | undefined;
  /** Where finished recordings are kept, a `file:` or `s3:` URL; nothing: in the data folder. */
  readonly recordingsUrl: string | undefined;
  readonly ffmpegPath: string;
  /** Processes that sessions are spread over; 1: they run in the gateway's own. */
  readonly workers: number;
  /** How many recordings are encoded at once; nothing: as many as there is room for. */
  readonly encoders: number | undefined;
  readonly recording: 'required' | 'off';
  readonly demo: boolean;
  /** Ways to send pictures that RDP servers are offered besides classic bitmaps. */
  readonly graphics: readonly GraphicsKind[];
  readonly logLevel: string;
}

/** One environment variable: what it is called, what it does, what it is when not set. The README's table. */
export interface Variable {
  readonly name: string;
  readonly defaultText: string;
  readonly meaning: string;
}

export const variables: readonly Variable[] = [
  { name: 'ORIEL_PORT', defaultText: '8443', meaning: 'HTTPS port of the gateway; 0 picks a free one' },
  { name: 'ORIEL_HOST', defaultText: '::', meaning: 'address to listen on (`::` is all, IPv6 and IPv4)' },
  { name: 'ORIEL_DATA', defaultText: './data', meaning: 'data folder: database, keys, certificate, recordings' },
  {
    name: 'ORIEL_KEY_FILE',
    defaultText: '`<data>/keys/master.key`',
    meaning: 'master key of the vault, where it is a file; keep it apart from backups of the database',
  },
  {
    name: 'ORIEL_MASTER_KEY_SOURCE',
    defaultText: '`file`; as the next two say',
    meaning: 'where the master key comes from: `file`, `environment`, or `passphrase`, which is asked for at start',
  },
  {
    name: 'ORIEL_MASTER_KEY',
    defaultText: 'none',
    meaning: 'master key of the vault, 32 bytes in base64; taken out of the environment once it is read',
  },
  {
    name: 'ORIEL_MASTER_PASSPHRASE_FILE',
    defaultText: 'typed at start',
    meaning: 'where a service reads the passphrase from: a file or an open descriptor such as `/dev/fd/3`',
  },
  {
    name: 'ORIEL_EVIDENCE_KEY_FILE',
    defaultText: '`<data>/keys/evidence-ed25519.key`',
    meaning: 'key that recordings and the audit trail are signed with; keep it apart from both',
  },
  {
    name: 'ORIEL_AUDIT_HEADS_FILE',
    defaultText: '`<data>/audit-heads.jsonl`',
    meaning: 'where signed heads of the audit trail are kept besides the database; best on another disk',
  },
  {
    name: 'ORIEL_ADMIN_PASSWORD',
    defaultText: 'generated, printed once',
    meaning: 'password of the first administrator `admin`, on the first start; 8 characters or more',
  },
  { name: 'ORIEL_TLS_CERT', defaultText: 'self-made', meaning: 'PEM file with the certificate chain to serve' },
  { name: 'ORIEL_TLS_KEY', defaultText: 'self-made', meaning: 'PEM file with its private key' },
  {
    name: 'ORIEL_ORIGINS',
    defaultText: 'none',
    meaning: 'further origins, comma separated, when a reverse proxy serves the gateway under another address',
  },
  {
    name: 'ORIEL_PUBLIC_URL',
    defaultText: 'the first of `ORIEL_ORIGINS`, or `https://localhost:<port>`',
    meaning: 'how people reach the gateway: for links in mail, and for the way back from single sign-on',
  },
  {
    name: 'ORIEL_TRUSTED_PROXIES',
    defaultText: 'none',
    meaning:
      'addresses and networks of reverse proxies and load balancers (or `loopback`), comma separated, whose `X-Forwarded-For` says where a request came from; without it everybody behind one counts as one address',
  },
  {
    name: 'ORIEL_RECORDINGS_URL',
    defaultText: '`<data>/recordings`',
    meaning:
      "where finished recordings are kept: `file:///srv/recordings`, or `s3://bucket/prefix?endpoint=https://s3.example.com&region=eu-central-1`, which signs in as Amazon's tools do (`AWS_ACCESS_KEY_ID`, …)",
  },
  { name: 'ORIEL_FFMPEG', defaultText: 'ffmpeg', meaning: 'ffmpeg to record with' },
  {
    name: 'ORIEL_ENCODERS',
    defaultText: 'as many as take an eighth of the memory (115 MB each), and one for each processor',
    meaning: 'how many recordings are encoded at once, 1 to 256; more recordings than that take turns',
  },
  {
    name: 'ORIEL_RECORDING',
    defaultText: 'required',
    meaning: '`required`: no recording, no session; `off`: sessions are not recorded',
  },
  {
    name: 'ORIEL_WORKERS',
    defaultText: '1',
    meaning:
      'processes that sessions are spread over: a number, or `auto` for as many as there are cores; with `1` they run in the gateway itself',
  },
  { name: 'ORIEL_DEMO', defaultText: 'on', meaning: '`off`: no demo desktop' },
  {
    name: 'ORIEL_GRAPHICS',
    defaultText: DEFAULT_GRAPHICS.join(','),
    meaning:
      'what RDP servers may send besides classic bitmaps: `classic` for nothing, or some of `surface`, `nscodec`, `remotefx`, `rdpgfx`; `remotefx` saves bandwidth at older servers and costs detail',
  },
  { name: 'ORIEL_LOG_LEVEL', defaultText: 'info', meaning: 'trace, debug, info, warn, error, fatal or silent' },
];

/** The name of the heads' file in the data folder. */
export const HEADS_FILE = 'audit-heads.jsonl';

/** Reads the configuration. Throws `ConfigError` that names the variable. */
export function readConfig(environment: NodeJS.ProcessEnv, workingDirectory: string): Config {
  const read = (name: string) => {
    const value = environment[name]?.trim();
    return value === undefined || value === '' ? undefined : value;
  };
  const path = (name: string) => {
    const value = read(name);
    return value === undefined ? undefined : resolve(workingDirectory, value.replace(/^~(?=\/)/, homedir()));
  };

  const dataDirectory = path('ORIEL_DATA') ?? join(workingDirectory, 'data');
  const tlsCertificateFile = path('ORIEL_TLS_CERT');
  const tlsKeyFile = path('ORIEL_TLS_KEY');
  if ((tlsCertificateFile === undefined) !== (tlsKeyFile === undefined)) {
    throw new ConfigError('ORIEL_TLS_CERT', 'must be set together with ORIEL_TLS_KEY');
  }
  const adminPassword = environment.ORIEL_ADMIN_PASSWORD;
  const origins = originsOf('ORIEL_ORIGINS', read('ORIEL_ORIGINS') ?? '');
  const publicUrl = originsOf('ORIEL_PUBLIC_URL', read('ORIEL_PUBLIC_URL') ?? '')[0];
  return {
    port: portOf('ORIEL_PORT', read('ORIEL_PORT') ?? '8443'),
    host: read('ORIEL_HOST') ?? '::',
    dataDirectory,
    masterKey: {
      source: choiceOf('ORIEL_MASTER_KEY_SOURCE', read('ORIEL_MASTER_KEY_SOURCE') ?? likelySource(read), keySources),
      file: path('ORIEL_KEY_FILE') ?? join(dataDirectory, 'keys', 'master.key'),
      value: read('ORIEL_MASTER_KEY'),
      passphraseFile: path('ORIEL_MASTER_PASSPHRASE_FILE'),
    },
    evidenceKeyFile: path('ORIEL_EVIDENCE_KEY_FILE') ?? join(dataDirectory, 'keys', 'evidence-ed25519.key'),
    auditHeadsFile: path('ORIEL_AUDIT_HEADS_FILE') ?? join(dataDirectory, HEADS_FILE),
    adminPassword: adminPassword === '' ? undefined : adminPassword,
    tlsCertificateFile,
    tlsKeyFile,
    origins: publicUrl === undefined || origins.includes(publicUrl) ? origins : [...origins, publicUrl],
    proxies: proxiesOf('ORIEL_TRUSTED_PROXIES', read('ORIEL_TRUSTED_PROXIES')),
    publicUrl: publicUrl ?? origins[0],
    recordingsUrl: read('ORIEL_RECORDINGS_URL'),
    ffmpegPath: read('ORIEL_FFMPEG') ?? 'ffmpeg',
    workers: workersOf('ORIEL_WORKERS', read('ORIEL_WORKERS') ?? '1'),
    encoders: encodersOf('ORIEL_ENCODERS', read('ORIEL_ENCODERS')),
    recording: choiceOf('ORIEL_RECORDING', read('ORIEL_RECORDING') ?? 'required', ['required', 'off']),
    graphics: graphicsOf('ORIEL_GRAPHICS', read('ORIEL_GRAPHICS')),
    demo: choiceOf('ORIEL_DEMO', read('ORIEL_DEMO') ?? 'on', ['on', 'off']) === 'on',
    logLevel: choiceOf('ORIEL_LOG_LEVEL', read('ORIEL_LOG_LEVEL') ?? 'info', [
      'trace',
      'debug',
      'info',
      'warn',
      'error',
      'fatal',
      'silent',
    ]),
  };
}

function likelySource(read: (name: string) => string | undefined): string {
  if (read('ORIEL_MASTER_PASSPHRASE_FILE') !== undefined) return 'passphrase';
  return read('ORIEL_MASTER_KEY') === undefined ? 'file' : 'environment';
}

/** Variables that look like settings of ours but are none: most often a misspelt one. */
export function unknownVariables(environment: NodeJS.ProcessEnv): readonly string[] {
  return Object.keys(environment).filter(
    (name) => name.startsWith('ORIEL_') && !variables.some((variable) => variable.name === name),
  );
}

/** A setting that cannot be used. The message is for the person who started the gateway. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly variable: string;
  constructor(variable: string, detail: string) {
    super(`${variable}: ${detail}`);
    this.variable = variable;
  }
}

function portOf(name: string, text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new ConfigError(name, `"${text}" is not a port number`);
  return port;
}

function workersOf(name: string, text: string): number {
  if (text === 'auto') return Math.min(availableParallelism(), MAX_WORKERS);
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > MAX_WORKERS) {
    throw new ConfigError(name, `"${text}" is neither auto nor a number from 1 to ${MAX_WORKERS}`);
  }
  return count;
}

/** Each takes memory before the first session. */
const MAX_WORKERS = 64;

function encodersOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const encoders = Number(text);
  if (!/^\d+$/.test(text) || encoders < 1 || encoders > 256) {
    throw new ConfigError(name, `"${text}" is not a number from 1 to 256`);
  }
  return encoders;
}

function choiceOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw new ConfigError(name, `"${text}" is none of ${choices.join(', ')}`);
  return choice;
}

/** The list in a variable. Throws `ConfigError`. */
export function graphicsOf(name: string, text: string | undefined): readonly GraphicsKind[] {
  if (text === undefined) return DEFAULT_GRAPHICS;
  if (text === 'classic') return [];
  const known: readonly string[] = GRAPHICS_KINDS;
  const words = text.split(',').map((word) => word.trim());
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) throw new ConfigError(name, `"${unknown}" is none of classic, ${known.join(', ')}`);
  return GRAPHICS_KINDS.filter((kind) => words.includes(kind));
}

function proxiesOf(name: string, text: string | undefined): TrustedProxies | undefined {
  if (text === undefined) return undefined;
  try {
    return trustedProxies(text);
  } catch (error) {
    throw new ConfigError(name, (error as Error).message);
  }
}

function originsOf(name: string, text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const url = URL.parse(part);
      if (url === null || (url.pathname !== '/' && url.pathname !== '') || !/^https?:$/.test(url.protocol)) {
        throw new ConfigError(name, `"${part}" is not an origin such as https://desktops.example.com`);
      }
      return url.origin;
    });
}
