import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FrameReader } from './frame-reader.ts';

/** A TPKT packet, a short fast-path PDU and one with a two-byte length. */
const FRAMES = [
  Uint8Array.of(3, 0, 0, 9, 2, 0xf0, 0x80, 1, 2),
  Uint8Array.of(0, 4, 7, 8),
  Uint8Array.of(0, 0x80, 0x85, ...new Uint8Array(130).fill(5)),
];
const STREAM = Uint8Array.from(FRAMES.flatMap((frame) => [...frame]));

function collect(chunks: readonly Uint8Array[]): Uint8Array[] {
  const reader = new FrameReader();
  const frames: Uint8Array[] = [];
  for (const chunk of chunks) {
    reader.push(chunk, (frame) => {
      frames.push(frame.slice());
      return true;
    });
  }
  return frames;
}

describe('FrameReader', () => {
  it('cuts a whole stream without copying', () => {
    new FrameReader().push(STREAM, (frame) => {
      assert.equal(frame.buffer, STREAM.buffer);
      return true;
    });
    assert.deepEqual(collect([STREAM]), FRAMES);
  });

  it('puts cut frames together in the same two buffers, each good until the next call', () => {
    const reader = new FrameReader();
    const [, , frame = new Uint8Array(0)] = FRAMES;
    const seen: Uint8Array[] = [];
    for (let i = 0; i < 5; i++) {
      // The end of one and the beginning of the next come together: the first is still looked at when the second is kept.
      reader.push(frame.subarray(0, i === 0 ? 50 : 0), () => true);
      reader.push(Uint8Array.from([...frame.subarray(50), ...frame.subarray(0, 50)]), (found) => {
        seen.push(found);
        return true;
      });
      assert.deepEqual(seen.at(-1), frame);
    }
    assert.equal(new Set(seen.map(({ buffer }) => buffer)).size, 2);
  });

  it('byte by byte', () => {
    assert.deepEqual(collect(Array.from(STREAM, (byte) => Uint8Array.of(byte))), FRAMES);
  });

  it('cut anywhere', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: STREAM.length }), { maxLength: 6 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), STREAM.length];
        assert.deepEqual(collect(at.slice(1).map((end, i) => STREAM.subarray(at[i], end))), FRAMES);
      }),
    );
  });

  it('keeps nothing of a read buffer that is used again', () => {
    const reader = new FrameReader();
    const buffer = Uint8Array.of(0, 4, 7);
    reader.push(buffer, () => assert.fail());
    buffer.fill(0xff);
    reader.push(Uint8Array.of(8), (frame) => {
      assert.deepEqual(frame, FRAMES[1]);
      return true;
    });
  });

  it('stops when told to', () => {
    let frames = 0;
    new FrameReader().push(STREAM, () => {
      frames++;
      return false;
    });
    assert.equal(frames, 1);
  });

  it('refuses what is neither', () => {
    assert.throws(() => collect([Uint8Array.of(0x16, 3, 1, 0)]), { name: 'DecodeError' });
    assert.throws(() => collect([Uint8Array.of(0), Uint8Array.of(1)]), { name: 'DecodeError' });
  });
});
