import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { appendFile, chmod, link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The Ed25519 key that recordings are signed with, and who may be trusted to have signed them. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: PublicKey;
}

export interface PublicKey {
  readonly key: KeyObject;
  /** SHA-256 of `der`, hex: the key's name in manifests and on pages. */
  readonly id: string;
  /** SubjectPublicKeyInfo, 44 bytes. */
  readonly der: Uint8Array;
  /** The same as text, as openssl reads it. */
  readonly pem: string;
}

/** Length of an Ed25519 SubjectPublicKeyInfo, RFC 8410 section 4. */
export const PUBLIC_KEY_SIZE = 44;
/** RFC 8032 section 5.1.6. */
export const SIGNATURE_SIZE = 64;

/**
 * The key in a PKCS #8 PEM file, mode 0600, made when there is none. Beside it, with `.pub` at its end, stands a file
 * with every public key that was ever made or used here, so that old recordings stay verifiable after a new key.
 */
export async function ensureSigningKey(path: string): Promise<SigningKey> {
  if ((await stat(path).catch(() => undefined)) === undefined) await createKeyFile(path);
  const key = await readSigningKey(path);
  // A key that others could read is closed to them; whoever restored it from a backup need not know the mode.
  // Once it is known to be one: a path given by mistake may be of something that others need.
  if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600);
  const known = await readPublicKeysFile(path);
  if (!known.some(({ id }) => id === key.publicKey.id)) {
    await appendFile(publicKeysFile(path), key.publicKey.pem, { mode: 0o644 }).catch((error) => {
      // A key that somebody put into a folder that is not ours to write in. It is found by the key itself.
      if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error;
    });
  }
  return key;
}

/** Rejects when the file is missing or holds another kind of key. */
export async function readSigningKey(path: string): Promise<SigningKey> {
  const privateKey = parsePrivateKey(await readFile(path));
  if (privateKey?.asymmetricKeyType !== 'ed25519') throw new Error(`${path} does not hold an Ed25519 key`);
  return { privateKey, publicKey: toPublicKey(createPublicKey(privateKey)) };
}

function parsePrivateKey(pem: Buffer): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    // OpenSSL's words for it name neither the file nor what is missing.
    return undefined;
  }
}

/** Every public key that recordings of this gateway may be signed with, the present one last; none when there are no keys. */
export async function readTrustedKeys(signingKeyFile: string): Promise<PublicKey[]> {
  const known = await readPublicKeysFile(signingKeyFile);
  // Not for those who may only read the public file.
  const present = (await readSigningKey(signingKeyFile).catch(() => undefined))?.publicKey;
  return present === undefined || known.some(({ id }) => id === present.id) ? known : [...known, present];
}

async function readPublicKeysFile(signingKeyFile: string): Promise<PublicKey[]> {
  const text = await readFile(publicKeysFile(signingKeyFile), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text === '' ? [] : parsePublicKeys(text);
}

export function publicKeysFile(signingKeyFile: string): string {
  return `${signingKeyFile.replace(/\.key$/, '')}.pub`;
}

/** All Ed25519 public keys in a PEM text. Throws when there is none. */
export function parsePublicKeys(text: string): PublicKey[] {
  const blocks = text.match(/-----BEGIN PUBLIC KEY-----[\s\S]*?-----END PUBLIC KEY-----/g) ?? [];
  if (blocks.length === 0) throw new Error('no PEM public key in it');
  return blocks.map((block) => toPublicKey(createPublicKey(block)));
}

/** `undefined` when the bytes are no Ed25519 SubjectPublicKeyInfo. */
export function parsePublicKeyDer(der: Uint8Array): PublicKey | undefined {
  try {
    const key = toPublicKey(createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' }));
    return Buffer.from(der).equals(key.der) ? key : undefined;
  } catch {
    return undefined;
  }
}

function toPublicKey(key: KeyObject): PublicKey {
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('not an Ed25519 key');
  const der = Uint8Array.from(key.export({ format: 'der', type: 'spki' }));
  const id = createHash('sha256').update(der).digest('hex');
  return { key, id, der, pem: key.export({ format: 'pem', type: 'spki' }).toString() };
}

/** Written whole or not at all, and never over another one. */
async function createKeyFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(8).toString('hex')}.new`;
  const file = await open(draft, 'wx', 0o600);
  try {
    const { privateKey } = generateKeyPairSync('ed25519');
    await file.writeFile(privateKey.export({ format: 'pem', type: 'pkcs8' }));
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
  // A key that a power cut takes would leave recordings behind that nobody can be shown to have signed.
  const folder = await open(dirname(path));
  await folder.sync().finally(() => folder.close());
}
