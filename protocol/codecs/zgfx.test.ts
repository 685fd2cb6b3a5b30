import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../core/bytes.ts';
import { DecodeError } from '../core/errors.ts';
import { ZgfxDecompressor, ZgfxVariant } from './zgfx.ts';
import { ZgfxCompressor } from './zgfx-compressor.ts';
import { ZGFX_HISTORY_SIZE, ZGFX_SEGMENT_LIMIT, ZGFX_TOKENS } from './zgfx-tokens.ts';

/** Packs a string of bits, spaces ignored, as the data of one compressed segment. */
function compressedSegment(bits: string): Uint8Array {
  const digits = bits.replaceAll(' ', '');
  const bytes = [0xe0, 0x24];
  for (let i = 0; i < digits.length; i += 8) bytes.push(Number.parseInt(digits.slice(i, i + 8).padEnd(8, '0'), 2));
  bytes.push((8 - (digits.length % 8)) % 8);
  return Uint8Array.from(bytes);
}

const literal = (byte: number): string => `0${byte.toString(2).padStart(8, '0')}`;

describe('ZGFX tokens', () => {
  it('is a prefix code that leaves exactly two prefixes unused', () => {
    let used = 0;
    for (const token of ZGFX_TOKENS) {
      used += 2 ** (9 - token.prefix.length);
      for (const other of ZGFX_TOKENS) {
        assert.ok(other === token || !other.prefix.startsWith(token.prefix), `${token.prefix} begins ${other.prefix}`);
      }
    }
    // 10000 (five bits) and 101111111 (nine bits) have no meaning.
    assert.equal(used, 512 - 16 - 1);
  });

  it('has the distances of the specification at the ends of its range', () => {
    const match = ZGFX_TOKENS.filter((token) => token.kind === 'match');
    assert.deepEqual(
      match.map((token) => token.base),
      [0, 32, 160, 672, 1696, 5792, 22176, 54944, 317088, 1365664, 2414240, 4511392, 8705696, 17094304],
    );
  });
});

describe('ZgfxCompressor', () => {
  it('gives the same for the same message where it does not compress', () => {
    const message = Uint8Array.from({ length: 200_000 }, (_, i) => i % 7);
    const plain = new ZgfxCompressor(ZgfxVariant.rdp8, false);
    const packed = plain.compress(message);
    assert.deepEqual(plain.compress(message), packed);
    const reader = new ZgfxDecompressor();
    assert.deepEqual(reader.decompress(packed).slice(), message);
    assert.deepEqual(reader.decompress(packed).slice(), message);
  });
});

describe('ZgfxDecompressor', () => {
  it('hands an uncompressed single segment through as a view', () => {
    const segmented = Uint8Array.of(0xe0, 0x04, 1, 2, 3);
    const message = new ZgfxDecompressor().decompress(segmented);
    assert.deepEqual([...message], [1, 2, 3]);
    assert.equal(message.buffer, segmented.buffer);
  });

  it('decodes literals, short literals and a match that overlaps itself', () => {
    // 'A', 0x00 by its short code, then distance 2 length 6: A 0 A 0 A 0 A 0
    const match = `10001 00010 1 0 10`;
    const message = new ZgfxDecompressor().decompress(compressedSegment(`${literal(0x41)} 11000 ${match}`));
    assert.deepEqual([...message], [0x41, 0, 0x41, 0, 0x41, 0, 0x41, 0]);
  });

  it('decodes an unencoded run from the next byte boundary', () => {
    // literal (9 bits), match token with distance 0 (10 bits), length 3 (15 bits) = 34 bits, 6 bits to the boundary
    const bits = `${literal(0x55)} 10001 00000 000000000000011 000000 ${'00000111 00001000 00001001'}`;
    const message = new ZgfxDecompressor().decompress(compressedSegment(bits));
    assert.deepEqual([...message], [0x55, 7, 8, 9]);
  });

  it('keeps its history over messages, compressed or not', () => {
    const zgfx = new ZgfxDecompressor();
    zgfx.decompress(Uint8Array.of(0xe0, 0x04, 9, 8, 7));
    assert.deepEqual([...zgfx.decompress(compressedSegment('10001 00011 0'))], [9, 8, 7]);
  });

  it('joins multipart segments and holds them to the declared size', () => {
    const part = (...bytes: number[]): Uint8Array => Uint8Array.of(bytes.length + 1, 0, 0, 0, 0x04, ...bytes);
    const head = (count: number, size: number): Uint8Array => Uint8Array.of(0xe1, count, 0, size, 0, 0, 0);
    const decode = (bytes: Uint8Array): Uint8Array => new ZgfxDecompressor().decompress(bytes);
    assert.deepEqual([...decode(concatBytes(head(2, 5), part(1, 2), part(3, 4, 5)))], [1, 2, 3, 4, 5]);
    assert.throws(() => decode(concatBytes(head(2, 4), part(1, 2), part(3, 4, 5))), { field: 'uncompressedSize' });
    assert.throws(() => decode(concatBytes(head(2, 6), part(1, 2), part(3, 4, 5))), { field: 'uncompressedSize' });
    assert.throws(() => decode(concatBytes(head(1, 2), part(1, 2), part(3))), { code: 'trailing_bytes' });
  });

  it('names what is wrong with hostile segments', () => {
    const decode = (bytes: Uint8Array): Uint8Array => new ZgfxDecompressor().decompress(bytes);
    assert.throws(() => decode(new Uint8Array(0)), { code: 'truncated', field: 'descriptor' });
    assert.throws(() => decode(Uint8Array.of(0xe2, 4)), { code: 'invalid_value', field: 'descriptor' });
    assert.throws(() => decode(Uint8Array.of(0xe0)), { code: 'truncated', field: 'header' });
    assert.throws(() => decode(Uint8Array.of(0xe0, 0x03, 0)), { code: 'invalid_value', field: 'header' });
    assert.throws(() => decode(Uint8Array.of(0xe0, 0x24, 0xff, 9)), { code: 'invalid_value', field: 'padding' });
    assert.throws(() => decode(compressedSegment('10000 000')), { code: 'invalid_value', field: 'token' });
    assert.throws(() => decode(compressedSegment('1011 1111 1')), { code: 'invalid_value', field: 'token' });
    assert.throws(() => decode(compressedSegment('101111110 111111111111111111111111 0')), { field: 'distance' });
    // A match length told in endless unary ones.
    assert.throws(() => decode(compressedSegment(`10001 00001 ${'1'.repeat(40)}`)), { code: 'limit_exceeded' });
    const huge = Uint8Array.of(0xe1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    assert.throws(() => decode(huge), { code: 'limit_exceeded', field: 'uncompressedSize' });
  });

  it('throws nothing but DecodeError on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, multipart) => {
        const bytes = multipart
          ? concatBytes(Uint8Array.of(0xe1, 1, 0, 40, 0, 0, 0, noise.length + 1, 0, 0, 0, 0x24), noise)
          : concatBytes(Uint8Array.of(0xe0, 0x24), noise);
        try {
          assert.ok(new ZgfxDecompressor().decompress(bytes).length <= ZGFX_SEGMENT_LIMIT);
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('ZgfxCompressor', () => {
  it('round trips messages of every texture through one running history', () => {
    const texture = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 7 }), fc.integer({ min: 1, max: 400 }))
        .map(([unit, times]) => concatBytes(...Array.from({ length: times }, () => unit))),
    );
    fc.assert(
      fc.property(fc.array(texture, { maxLength: 8 }), (messages) => {
        const compressor = new ZgfxCompressor();
        const decompressor = new ZgfxDecompressor();
        for (const message of messages) {
          assert.deepEqual([...decompressor.decompress(compressor.compress(message))], [...message]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('stays in step when the history wraps', () => {
    const compressor = new ZgfxCompressor();
    const decompressor = new ZgfxDecompressor();
    const message = new Uint8Array(200_000);
    let state = 12345;
    let packedBytes = 0;
    const total = 3 * ZGFX_HISTORY_SIZE;
    for (let sent = 0; sent < total; sent += message.length) {
      for (let i = 0; i < message.length; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        message[i] = i % 64 < 40 ? (state >>> 24) & 3 : i & 0xff;
      }
      const packed = compressor.compress(message);
      packedBytes += packed.length;
      assert.ok(Buffer.from(decompressor.decompress(packed)).equals(message), `after ${sent} bytes`);
    }
    assert.ok(packedBytes < total / 2, `${packedBytes} of ${total}`);
  });
});
