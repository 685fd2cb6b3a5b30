import { STEP_MS, stepAt, totpCode } from '../access/totp.ts';

/** An authenticator app that was given this key ([RFC 4648] 6), as it is shown: the code at a time. */
export function codesOf(secret: string): (time: number) => string {
  const bits = [...secret.replaceAll(' ', '')].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  );
  const key = Uint8Array.from(bits.join('').match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
  return (time) => totpCode(key, stepAt(time));
}

/** A code that is good until then must not grow too old on its way. */
const ON_ITS_WAY_MS = 8000;

/**
 * The same at the real time, without waiting for the next code: the first three are of the step before now, of now and of
 * the next, each good once.
 */
export function authenticator(secret: string): () => Promise<string> {
  const codeAt = codesOf(secret);
  let last: number | undefined;
  return async () => {
    const left = STEP_MS - (Date.now() % STEP_MS);
    if (last === undefined && left < ON_ITS_WAY_MS) await new Promise((resolve) => setTimeout(resolve, left));
    last = Math.max((last ?? 0) + 1, stepAt(Date.now()) - 1);
    return codeAt(last * STEP_MS);
  };
}
