import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { nodeCrypto } from '../../gateway/rdp/node-crypto.ts';
import type { ClientConfig } from '../../protocol/connector/types.ts';
import type { CryptoProvider } from '../../protocol/core/crypto.ts';
import type { TlsPeer } from '../../protocol/security/certificate.ts';

/** One thing that happened to a client while it was captured. */
export type CapturedEvent =
  /** The server sent so many bytes, in one piece. */
  | { readonly kind: 'bytes'; readonly length: number; readonly now: number }
  | { readonly kind: 'tls'; readonly peer: TlsPeer; readonly now: number };

/**
 * All that a real server sent to our client in one session, after TLS, and what came of it. The client's randomness
 * is a seed, so that logging on goes the same way again.
 */
export interface CapturedSession {
  readonly server: string;
  readonly seed: string;
  readonly config: ClientConfig;
  readonly events: readonly CapturedEvent[];
  readonly bytes: Uint8Array;
  /** The picture at the end. */
  readonly picture: { readonly width: number; readonly height: number; readonly sha256: string };
}

/** Randomness that is the same each time, for the same seed; everything else as it is. */
export function seededCrypto(seed: string): CryptoProvider {
  let block = 0;
  return {
    ...nodeCrypto,
    randomBytes(length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at += 32) {
        const next = createHash('sha256').update(`${seed} ${block++}`).digest();
        bytes.set(next.subarray(0, Math.min(32, length - at)), at);
      }
      return bytes;
    },
  };
}

/** A line of JSON, then the bytes, all compressed. */
export function encodeSession({ bytes, ...header }: CapturedSession): Uint8Array {
  const json = JSON.stringify(header, (_key, value: unknown) =>
    value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value,
  );
  return gzipSync(Buffer.concat([Buffer.from(`${json}\n`), bytes]), { level: 9 });
}

export function decodeSession(file: Uint8Array): CapturedSession {
  const content = gunzipSync(file);
  const end = content.indexOf('\n');
  const header = JSON.parse(content.toString('utf8', 0, end), (_key, value: unknown) =>
    typeof value === 'object' && value !== null && 'base64' in value
      ? new Uint8Array(Buffer.from(String(value.base64), 'base64'))
      : value,
  ) as Omit<CapturedSession, 'bytes'>;
  return { ...header, bytes: new Uint8Array(content.subarray(end + 1)) };
}

export function pictureHash(pixels: Uint8ClampedArray): string {
  return createHash('sha256').update(pixels).digest('hex');
}
