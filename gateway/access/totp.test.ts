import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { base32, matchTotp, newTotpKey, otpauthUri, STEP_MS, stepAt, totpCode } from './totp.ts';

const text = (value: string) => new TextEncoder().encode(value);

test('codes are those of RFC 6238, appendix B', () => {
  // "Test Vectors", mode SHA1: 8 digits, this key.
  const key = text('12345678901234567890');
  const table: readonly (readonly [seconds: number, code: string])[] = [
    [59, '94287082'],
    [1111111109, '07081804'],
    [1111111111, '14050471'],
    [1234567890, '89005924'],
    [2000000000, '69279037'],
    [20000000000, '65353130'],
  ];
  for (const [seconds, code] of table) {
    assert.equal(totpCode(key, stepAt(seconds * 1000), 8), code);
    assert.equal(totpCode(key, stepAt(seconds * 1000)), code.slice(2), 'the last six digits');
  }
});

test('base32 is that of RFC 4648, 10', () => {
  for (const [plain, encoded] of [
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ] as const) {
    assert.equal(base32(text(plain)), encoded);
  }
});

test('base32 of any bytes reads back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const bits = [...base32(bytes)].map((letter) =>
        'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
      );
      const whole = bits.join('');
      const back = Array.from({ length: bytes.length }, (_, i) => Number.parseInt(whole.slice(8 * i, 8 * i + 8), 2));
      assert.deepEqual(Uint8Array.from(back), bytes);
      assert.match(whole.slice(8 * bytes.length), /^0{0,4}$/);
    }),
  );
});

test('a clock may be off by one step, not by two; no code is taken twice', () => {
  const key = newTotpKey();
  const now = 1_700_000_010_000;
  const step = stepAt(now);
  for (const off of [-1, 0, 1]) assert.equal(matchTotp(key, totpCode(key, step + off), now, 0), step + off);
  for (const off of [-2, 2]) assert.equal(matchTotp(key, totpCode(key, step + off), now, 0), undefined);
  assert.equal(matchTotp(key, totpCode(key, step), now, step), undefined, 'the same once more');
  assert.equal(matchTotp(key, totpCode(key, step - 1), now, step), undefined, 'an earlier one afterwards');
  assert.equal(matchTotp(key, totpCode(key, step + 1), now + STEP_MS, step), step + 1, 'the next');
});

test('what is no code of six digits fits nothing', () => {
  const key = newTotpKey();
  const now = Date.now();
  const code = totpCode(key, stepAt(now));
  for (const bad of ['', code.slice(1), `${code}0`, ` ${code}`, `${code.slice(0, 5)}x`, '１２３４５６']) {
    assert.equal(matchTotp(key, bad, now, 0), undefined);
  }
});

test('the URI names issuer and account, whatever they are', () => {
  const uri = new URL(otpauthUri(text('12345678901234567890'), 'jane doe/ö&?', 'Oriel'));
  assert.equal(uri.protocol, 'otpauth:');
  assert.equal(uri.host, 'totp');
  assert.equal(decodeURIComponent(uri.pathname), '/Oriel:jane doe/ö&?');
  assert.deepEqual(Object.fromEntries(uri.searchParams), {
    secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
    issuer: 'Oriel',
    algorithm: 'SHA1',
    digits: '6',
    period: '30',
  });
});
