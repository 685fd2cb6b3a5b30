import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { generate } from 'selfsigned';
import { ConfigError } from '../config.ts';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Browsers refuse server certificates that are valid for longer than 398 days. */
const VALID_DAYS = 397;
/** A self-made certificate is made anew this long before it ends. */
const RENEW_BEFORE_MS = 30 * 86_400_000;

/** The certificate that the administrator brought. Throws `ConfigError` where a server cannot use it. */
export async function broughtTls(certificateFile: string, keyFile: string): Promise<TlsFiles> {
  const read = async (variable: string, file: string): Promise<string> =>
    readFile(file, 'utf8').catch((error: Error) => {
      throw new ConfigError(variable, `cannot be read: ${error.message}`);
    });
  const files = { cert: await read('ORIEL_TLS_CERT', certificateFile), key: await read('ORIEL_TLS_KEY', keyFile) };
  try {
    createSecureContext(files);
  } catch (error) {
    throw whyUnusable(files, certificateFile, keyFile, error as Error);
  }
  return files;
}

/** OpenSSL's words name neither the file nor what is wrong with it. */
function whyUnusable({ cert, key }: TlsFiles, certificateFile: string, keyFile: string, error: Error): ConfigError {
  const certificate = attempt(() => new X509Certificate(cert));
  if (certificate === undefined)
    return new ConfigError('ORIEL_TLS_CERT', `${certificateFile} holds no PEM certificate`);
  const privateKey = attempt(() => createPrivateKey(key));
  if (privateKey === undefined) {
    return new ConfigError('ORIEL_TLS_KEY', `${keyFile} holds no PEM private key that opens without a passphrase`);
  }
  if (!certificate.checkPrivateKey(privateKey)) {
    return new ConfigError('ORIEL_TLS_KEY', `${keyFile} is not the key of the first certificate in ${certificateFile}`);
  }
  return new ConfigError('ORIEL_TLS_CERT', `${certificateFile} cannot be used: ${error.message}`);
}

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

async function readTls(certificateFile: string, keyFile: string): Promise<TlsFiles> {
  return { cert: await readFile(certificateFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
}

/** The self-made certificate kept in `folder`, made on first use and again when it ends or the host's names change. */
export async function selfMadeTls(folder: string, now = Date.now()): Promise<TlsFiles> {
  const certificateFile = join(folder, 'certificate.pem');
  const keyFile = join(folder, 'key.pem');
  const names = ownNames();
  const kept = await readTls(certificateFile, keyFile).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (kept !== undefined && stillGood(kept.cert, names, now)) return kept;

  await mkdir(folder, { recursive: true, mode: 0o700 });
  const made = await generate([{ name: 'commonName', value: hostname() || 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    // An hour early: the browser's clock may be a little behind.
    notBeforeDate: new Date(now - 3_600_000),
    notAfterDate: new Date(now + VALID_DAYS * 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...names.dns.map((value) => ({ type: 2, value }) as const),
          ...names.ips.map((ip) => ({ type: 7, ip }) as const),
        ],
      },
    ],
  });
  const tls = { cert: made.cert, key: made.private };
  // Key first: a certificate without its key would be taken for a good pair at the next start.
  await replaceFile(keyFile, tls.key, 0o600);
  await replaceFile(certificateFile, tls.cert, 0o644);
  return tls;
}

interface Names {
  readonly dns: readonly string[];
  readonly ips: readonly string[];
}

function ownNames(): Names {
  const host = hostname();
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  // Link-local IPv6 addresses carry a zone, which a certificate cannot name.
  const ips = addresses.map(({ address }) => address).filter((address) => !/^fe80:/i.test(address));
  return {
    dns: [...new Set(['localhost', ...(/^[A-Za-z0-9.-]+$/.test(host) ? [host] : [])])],
    ips: [...new Set(['127.0.0.1', '::1', ...ips])],
  };
}

function stillGood(pem: string, names: Names, now: number): boolean {
  const certificate = new X509Certificate(pem);
  return (
    certificate.validToDate.getTime() - now > RENEW_BEFORE_MS &&
    names.dns.every((name) => certificate.checkHost(name) !== undefined) &&
    names.ips.every((ip) => certificate.checkIP(ip) !== undefined)
  );
}

async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const draft = `${path}.new`;
  await writeFile(draft, text, { mode });
  await rename(draft, path);
}
