import { type KeyObject, sign, verify } from 'node:crypto';

/** Signs for the trail. `gateway/main.ts` brings it: the key is the one that recordings are signed with, apart from the database. */
export interface TrailSigner {
  /** SHA-256 of the public key, hex. */
  readonly keyId: string;
  /** Ed25519, 64 bytes. */
  sign(data: Uint8Array): Uint8Array;
  /** Every key that may have signed so far. */
  trustedKeys(): Promise<readonly TrustedKey[]>;
}

/** The trail is signed with the key of the recordings: one key to keep a copy of. What is signed says which of both it is. */
export function trailSignerOf(
  { privateKey, publicKey }: { readonly privateKey: KeyObject; readonly publicKey: { readonly id: string } },
  trustedKeys: TrailSigner['trustedKeys'],
): TrailSigner {
  return { keyId: publicKey.id, sign: (data) => sign(null, data, privateKey), trustedKeys };
}

export interface TrustedKey {
  readonly id: string;
  readonly key: KeyObject;
}

/** Something that was signed: by which key, and the signature in base64. */
export interface Signed {
  readonly key: string;
  readonly signature: string;
}

/** How far the trail had come at a moment: commits to every row up to it. */
export interface Head extends Signed {
  readonly number: number;
  readonly hash: string;
  readonly at: string;
}

export function signHead(signer: TrailSigner, head: Pick<Head, 'number' | 'hash' | 'at'>): Head {
  return { ...head, ...signText(signer, headText(head)) };
}

export function checkHead(head: Head, keys: readonly TrustedKey[]): SignatureCheck {
  return checkText(headText(head), head, keys);
}

/** `unknown`: by a key that is not among these. */
export type SignatureCheck = 'good' | 'bad' | 'unknown';

/** @param text begins with a line that no other kind of text begins with */
export function signText(signer: TrailSigner, text: string): Signed {
  return { key: signer.keyId, signature: Buffer.from(signer.sign(Buffer.from(text))).toString('base64') };
}

export function checkText(text: string, { key, signature }: Signed, keys: readonly TrustedKey[]): SignatureCheck {
  const trusted = keys.find(({ id }) => id === key);
  if (trusted === undefined) return 'unknown';
  const bytes = Buffer.from(signature, 'base64');
  // Base64 has several spellings of the same bytes; only one is what was written.
  if (bytes.toString('base64') !== signature) return 'bad';
  return verify(null, Buffer.from(text), trusted.key, bytes) ? 'good' : 'bad';
}

/** A head from its line in the heads file, or from a forwarded message, CEF too, that ends with it. Nothing: it is none. */
export function parseHead(line: string): Head | undefined {
  // The last one: a crash in the middle of a line leaves half of it before the next.
  const start = line.lastIndexOf('{"number":');
  if (start < 0) return undefined;
  try {
    const { number, hash, at, key, signature } = JSON.parse(line.slice(start).replaceAll('\\=', '=')) as Record<
      string,
      unknown
    >;
    const texts = [hash, at, key, signature];
    if (!Number.isSafeInteger(number) || texts.some((text) => typeof text !== 'string')) return undefined;
    return { number, hash, at, key, signature } as Head;
  } catch {
    return undefined;
  }
}

export function headLine({ number, hash, at, key, signature }: Head): string {
  return JSON.stringify({ number, hash, at, key, signature });
}

function headText({ number, hash, at }: Pick<Head, 'number' | 'hash' | 'at'>): string {
  return `oriel-audit-head-1\n${JSON.stringify([number, hash, at])}`;
}
