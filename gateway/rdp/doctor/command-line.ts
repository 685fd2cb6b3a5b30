import { isIPv6 } from 'node:net';
import { parseArgs } from 'node:util';
import type { NlaPolicy } from '#protocol/connector/types.ts';
import { type TlsVersion, tlsVersions } from '../tls-peer.ts';
import type { DoctorOptions } from './doctor.ts';

export const USAGE = `Tests the way to a remote desktop, step by step.

  npm run doctor -- HOST[:PORT] [options]

  --user NAME          sign in: user, DOMAIN\\user or user@domain. The password is asked for on the terminal,
                       or read from ORIEL_DOCTOR_PASSWORD; it is never an argument.
  --domain NAME        domain of the account
  --nla POLICY         required, preferred (default) or never
  --min-tls VERSION    oldest TLS to accept: ${tlsVersions.join(', ')} (default 1.2)
  --min-credssp N      oldest version of CredSSP (NLA) to accept: 2 to 6 (default 2)
  --fingerprint HEX    send the password only to the server with this certificate (SHA-256)
  --system-trust       send the password only where a known certification authority vouches for the host name
  --restricted-admin   sign in by Restricted Admin mode: the server never gets the password
  --standard-rdp       accept standard RDP security where the server has nothing better (weak)
  --logon-only         open no session: stop when NLA has accepted the account
  --timeout SECONDS    for each answer (default 10)
  --json               the report as JSON
  --help               this text

Exit status: 0 it works, 1 it does not, 2 the arguments are wrong.
`;

/** Told to the person who typed it. */
export class CommandLineError extends Error {
  override readonly name = 'CommandLineError';
}

export interface CommandLine {
  readonly options: Omit<DoctorOptions, 'credentials'>;
  /** The account to ask a password for. */
  readonly account?: { readonly username: string; readonly domain: string };
  readonly json: boolean;
}

/** Throws `CommandLineError`; undefined where only the usage is asked for. */
export function readCommandLine(words: readonly string[]): CommandLine | undefined {
  const { values, positionals } = parse(words);
  if (values.help) return undefined;
  const [target, ...others] = positionals;
  if (target === undefined) throw new CommandLineError('say which host');
  if (others.length > 0) throw new CommandLineError(`one host at a time: "${others.join(' ')}" is too much`);
  const { user, domain = '', fingerprint } = values;
  if (domain !== '' && user === undefined) throw new CommandLineError('--domain goes with --user');
  if (fingerprint !== undefined && values['system-trust']) {
    throw new CommandLineError('--fingerprint and --system-trust exclude each other');
  }
  return {
    json: values.json,
    ...(user !== undefined && { account: { username: user, domain } }),
    options: {
      ...readTarget(target),
      nla: oneOf<NlaPolicy>('--nla', values.nla, ['required', 'preferred', 'never']),
      minimumTls: oneOf<TlsVersion>('--min-tls', values['min-tls'], tlsVersions),
      oldestCredSsp: Number(oneOf('--min-credssp', values['min-credssp'], ['2', '3', '4', '5', '6'])),
      timeoutMs: readSeconds(values.timeout),
      until: values['logon-only'] ? 'logon' : 'desktop',
      restrictedAdmin: values['restricted-admin'],
      legacySecurity: values['standard-rdp'] ? 'accepted' : 'refused',
      ...(fingerprint !== undefined && {
        trust: { mode: 'pinned', fingerprint: readFingerprint(fingerprint) } as const,
      }),
      ...(values['system-trust'] && { trust: { mode: 'system', fingerprint: null } as const }),
    },
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        user: { type: 'string', short: 'u' },
        domain: { type: 'string', short: 'd' },
        nla: { type: 'string', default: 'preferred' },
        'min-tls': { type: 'string', default: '1.2' },
        'min-credssp': { type: 'string', default: '2' },
        fingerprint: { type: 'string' },
        'system-trust': { type: 'boolean', default: false },
        'restricted-admin': { type: 'boolean', default: false },
        'standard-rdp': { type: 'boolean', default: false },
        'logon-only': { type: 'boolean', default: false },
        timeout: { type: 'string', default: '10' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    const [first = ''] = (error as Error).message.split('. ', 1);
    // A password that somebody tried to give anyway must not be shown again.
    throw new CommandLineError(/pass/i.test(first) ? 'a password is never an argument' : first);
  }
}

/** `host`, `host:port`, `[v6]:port` or a bare IPv6 address. */
function readTarget(target: string): { readonly host: string; readonly port: number } {
  if (isIPv6(target)) return { host: target, port: RDP_PORT };
  const found = /^(?:\[([0-9a-fA-F:.%]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/.exec(target);
  const host = found?.[1] ?? found?.[2];
  const port = found?.[3] === undefined ? RDP_PORT : Number(found[3]);
  if (host === undefined || port < 1 || port > 65_535) throw new CommandLineError(`"${target}" is no HOST[:PORT]`);
  return { host, port };
}

function readFingerprint(text: string): string {
  const hex = text.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hex))
    throw new CommandLineError('--fingerprint takes the SHA-256 of the certificate in hex');
  return hex;
}

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 300)) throw new CommandLineError('--timeout takes 1 to 300 seconds');
  return Math.round(seconds * 1000);
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((word) => word === value);
  if (found === undefined) throw new CommandLineError(`${option} takes ${allowed.join(', ')}`);
  return found;
}

const RDP_PORT = 3389;
