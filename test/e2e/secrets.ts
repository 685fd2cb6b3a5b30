import { createHash } from 'node:crypto';
import { md4 } from '../../protocol/security/md4.ts';

/** A way in which a secret could stand in bytes, and the bytes it would be. */
export interface Trace {
  readonly form: string;
  readonly bytes: Buffer;
}

/** Every form in which a password might leak in the clear, or as good as that. */
export function tracesOf(secret: string): Trace[] {
  const utf8 = Buffer.from(secret);
  const utf16 = Buffer.from(secret, 'utf16le');
  const traces: Trace[] = [];
  for (const [encoding, bytes] of [
    ['UTF-8', utf8],
    ['UTF-16LE', utf16],
    ['UTF-16BE', Buffer.from(utf16).swap16()],
    // [MS-NLMP] 3.3.1: whoever has the NT hash can log on with it.
    ['NT hash', Buffer.from(md4(utf16))],
  ] as const) {
    traces.push({ form: encoding, bytes });
    traces.push({ form: `${encoding} in hex`, bytes: Buffer.from(bytes.toString('hex')) });
    traces.push({ form: `${encoding} in HEX`, bytes: Buffer.from(bytes.toString('hex').toUpperCase()) });
    for (const shift of [0, 1, 2]) {
      traces.push({ form: `${encoding} in Base64, shifted by ${shift}`, bytes: base64At(bytes, shift) });
      traces.push({
        form: `${encoding} in Base64url, shifted by ${shift}`,
        bytes: Buffer.from(base64At(bytes, shift).toString().replaceAll('+', '-').replaceAll('/', '_')),
      });
    }
  }
  traces.push({ form: 'SHA-256 without salt', bytes: createHash('sha256').update(utf8).digest() });
  traces.push({ form: 'percent-encoded', bytes: Buffer.from(encodeURIComponent(secret)) });
  traces.push({ form: 'JSON', bytes: Buffer.from(JSON.stringify(secret)) });
  traces.push({ form: 'backwards', bytes: Buffer.from([...utf8].reverse()) });
  return traces;
}

/** The forms in which `haystack` holds the secret. */
export function findTraces(haystack: Buffer, traces: readonly Trace[]): string[] {
  return traces.filter(({ bytes }) => haystack.includes(bytes)).map(({ form }) => form);
}

/** The characters that the bytes have in Base64 when `shift` other bytes come before them in their group of three. */
function base64At(bytes: Buffer, shift: number): Buffer {
  const text = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  // The first and last characters mix with the neighbours' bits.
  const first = shift === 0 ? 0 : shift + 1;
  const last = (shift + bytes.length) % 3 === 0 ? text.length : text.length - 1;
  return Buffer.from(text.slice(first, last));
}
