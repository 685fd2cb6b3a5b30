import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** [RFC 6238] 4.1, 5.2: what every authenticator app takes for granted. */
export const STEP_MS = 30_000;
const DIGITS = 6;
/** [RFC 4226] 4: at least 128 bits, 160 recommended. */
const KEY_SIZE = 20;
/** [RFC 6238] 5.2: steps before and after now that a clock may be off by. */
const DRIFT_STEPS = 1;
/** [RFC 4648] 6 */
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export function newTotpKey(): Uint8Array {
  return Uint8Array.from(randomBytes(KEY_SIZE));
}

/** [RFC 6238] 4.2: the code of one time step, HOTP with HMAC-SHA-1. */
export function totpCode(key: Uint8Array, step: number, digits = DIGITS): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', key).update(counter).digest();
  // [RFC 4226] 5.3: dynamic truncation.
  const offset = mac.readUInt8(mac.length - 1) & 0xf;
  const number = mac.readUInt32BE(offset) & 0x7fff_ffff;
  return String(number % 10 ** digits).padStart(digits, '0');
}

export function stepAt(time: number): number {
  return Math.floor(time / STEP_MS);
}

/**
 * The step whose code this is, if it is one of those around `time` and later than `lastStep`: [RFC 6238] 5.2, no code is
 * taken twice. Compares every candidate in full, whichever fits.
 */
export function matchTotp(key: Uint8Array, code: string, time: number, lastStep: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const now = stepAt(time);
  let match: number | undefined;
  for (let step = now - DRIFT_STEPS; step <= now + DRIFT_STEPS; step++) {
    const equal = timingSafeEqual(Buffer.from(totpCode(key, step)), Buffer.from(code));
    if (equal && step > lastStep) match ??= step;
  }
  return match;
}

/** What an authenticator app reads from the QR code: the de facto "Key URI Format". */
export function otpauthUri(key: Uint8Array, account: string, issuer: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  const parameters = `secret=${base32(key)}&issuer=${encodeURIComponent(issuer)}`;
  return `otpauth://totp/${label}?${parameters}&algorithm=SHA1&digits=${DIGITS}&period=${STEP_MS / 1000}`;
}

/** [RFC 4648] 6, without padding. */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + BASE32[(value << (5 - bits)) & 31];
}
