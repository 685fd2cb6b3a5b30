import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ZgfxVariant } from '../codecs/zgfx.ts';
import { ZgfxCompressor } from '../codecs/zgfx-compressor.ts';
import { concatBytes } from '../core/bytes.ts';
import { ReadCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { ChunkAssembler, encodeChunks, MAX_CHANNEL_MESSAGE } from './chunks.ts';
import { type DynamicChannel, DynamicChannels, MAX_DYNAMIC_MESSAGE } from './dynamic-channels.ts';
import {
  decodeDynamicPdu,
  encodeCapabilities,
  encodeClose,
  encodeCreateRequest,
  encodeDynamicData,
} from './dynamic-pdu.ts';

describe('static channel chunks', () => {
  it('round trip any message at any chunk size', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.integer({ min: 1, max: 200 }), (message, size) => {
        const assembler = new ChunkAssembler();
        const chunks = encodeChunks(message, size);
        const results = chunks.map((chunk) => assembler.push(chunk));
        assert.ok(results.slice(0, -1).every((result) => result === undefined));
        assert.deepEqual([...(results.at(-1) ?? [1])], [...message]);
      }),
    );
  });

  it('lays out header and flags', () => {
    const [first, last] = encodeChunks(Uint8Array.of(1, 2, 3), 2, true);
    assert.deepEqual([...(first ?? [])], [3, 0, 0, 0, 0x11, 0, 0, 0, 1, 2]);
    assert.deepEqual([...(last ?? [])], [3, 0, 0, 0, 0x12, 0, 0, 0, 3]);
    // [MS-RDPBCGR] 3.1.5.2.1: chunked data always shows its headers.
    assert.deepEqual(encodeChunks(Uint8Array.of(1, 2, 3), 2), [first, last]);
    assert.deepEqual(encodeChunks(Uint8Array.of(1)), [Uint8Array.of(1, 0, 0, 0, 3, 0, 0, 0, 1)]);
  });

  it('takes a chunk in the middle of nothing for a message, and what suspends for none', () => {
    const assembler = new ChunkAssembler();
    assert.deepEqual(assembler.push(Uint8Array.of(2, 0, 0, 0, 0x10, 0, 0, 0, 7, 8)), Uint8Array.of(7, 8));
    assert.equal(assembler.push(Uint8Array.of(0, 0, 0, 0, 0x20, 0, 0, 0)), undefined);
    assert.deepEqual(assembler.push(Uint8Array.of(1, 0, 0, 0, 0x43, 0, 0, 0, 9)), Uint8Array.of(9));
  });

  it('knows a chunk that is a message alone, which ends the one before', () => {
    const assembler = new ChunkAssembler();
    const isWhole = (...bytes: number[]) => assembler.isWhole(Uint8Array.from([0xff, ...bytes]), 1);
    assert.equal(isWhole(1, 0, 0, 0, 0x3, 0, 0, 0, 9), true);
    assert.equal(isWhole(1, 0, 0, 0, 0x13, 0, 0, 0, 9), true);
    assert.equal(isWhole(2, 0, 0, 0, 0x3, 0, 0, 0, 9), false, 'shorter than it says');
    assert.equal(isWhole(1, 0, 0, 0, 0x3, 0, 0x20, 0, 9), false, 'compressed');
    assert.equal(isWhole(1, 0, 0, 0, 0x1, 0, 0, 0, 9), false, 'the first of several');
    assert.equal(isWhole(0, 0, 0, 0, 0x3, 0, 0, 0), false, 'empty');
    assert.equal(assembler.push(Uint8Array.of(2, 0, 0, 0, 0x11, 0, 0, 0, 7)), undefined);
    assert.equal(isWhole(1, 0, 0, 0, 0x3, 0, 0, 0, 9), true);
    assert.throws(() => assembler.push(Uint8Array.of(2, 0, 0, 0, 0x12, 0, 0, 0, 8)), { code: 'unexpected_message' });
  });

  it('keeps what it is to of a message, whose length has no limit then', () => {
    const assembler = new ChunkAssembler(3);
    // 0x7f00_0000 bytes: a text of a gigabyte characters, of which only the first chunks matter here.
    assert.equal(assembler.push(Uint8Array.of(0, 0, 0, 0x7f, 0x11, 0, 0, 0, 1, 2)), undefined);
    assert.equal(assembler.push(Uint8Array.of(0, 0, 0, 0x7f, 0x10, 0, 0, 0, 3, 4)), undefined);
    assert.equal(assembler.push(Uint8Array.of(4, 0, 0, 0, 0x11, 0, 0, 0, 5, 6)), undefined);
    assert.deepEqual(assembler.push(Uint8Array.of(4, 0, 0, 0, 0x12, 0, 0, 0, 7, 8)), Uint8Array.of(5, 6, 7));
  });

  it('takes memory for what has come, not for what is said to come', () => {
    const assembler = new ChunkAssembler();
    const begun = Uint8Array.of(0, 0, 0, 4, 1, 0, 0, 0, 0x5a); // the first one of 64 MiB
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 50; i++) assert.equal(assembler.push(begun), undefined);
    assert.ok(process.memoryUsage().arrayBuffers - before < MAX_CHANNEL_MESSAGE);
    const message = Uint8Array.from({ length: 100_000 }, (_, i) => i * 7);
    assert.deepEqual(
      encodeChunks(message)
        .map((chunk) => assembler.push(chunk))
        .at(-1),
      message,
    );
  });

  it('refuses chunks that do not fit together', () => {
    const push = (...chunks: number[][]): unknown => {
      const assembler = new ChunkAssembler();
      return chunks.map((chunk) => assembler.push(Uint8Array.from(chunk)));
    };
    assert.throws(() => push([2, 0, 0, 0, 2, 0, 0, 0, 1]), { code: 'unexpected_message' });
    assert.throws(() => push([2, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3]), { field: 'length' });
    assert.throws(() => push([3, 0, 0, 0, 1, 0, 0, 0, 1], [3, 0, 0, 0, 2, 0, 0, 0, 2]), { field: 'length' });
    assert.throws(() => push([0, 0, 0, 0x7f, 1, 0, 0, 0, 1]), { code: 'limit_exceeded' });
    assert.throws(() => push([1, 0, 0, 0, 3, 0, 0x20, 0, 1]), { field: 'flags' });
  });
});

/** Answers each message with itself and reports it. */
class Echo implements DynamicChannel<string> {
  readonly name: string;
  closed = 0;
  constructor(name: string) {
    this.name = name;
  }
  start(): Uint8Array[] {
    return [Uint8Array.of(0x5a)];
  }
  process(message: Uint8Array, out: string[]): Uint8Array[] {
    out.push(`${this.name}:${message.length}`);
    return [message];
  }
  close(): void {
    this.closed++;
  }
}

describe('DRDYNVC', () => {
  it('agrees on the lower version', () => {
    const channels = new DynamicChannels<string>([]);
    const answer = (version: number): number[] => [
      ...(channels.process(encodeCapabilities(version, true), [])[0] ?? []),
    ];
    assert.deepEqual(answer(1), [0x50, 0, 1, 0]);
    assert.deepEqual(answer(2), [0x50, 0, 2, 0]);
    assert.deepEqual(answer(9), [0x50, 0, 3, 0]);
  });

  it('opens what it knows, refuses what it does not, and remembers the name', () => {
    const channels = new DynamicChannels<string>([new Echo('echo')]);
    channels.process(encodeCapabilities(3, true), []);
    const opened = channels.process(encodeCreateRequest(3, 'echo'), []).map((bytes) => [...bytes]);
    assert.deepEqual(opened, [
      [0x10, 3, 0, 0, 0, 0],
      [0x30, 3, 0x5a],
    ]);
    const refused = channels.process(encodeCreateRequest(0x1234, 'rail'), []).map((bytes) => [...bytes]);
    assert.deepEqual(refused, [[0x11, 0x34, 0x12, 0x90, 0x04, 0x07, 0x80]]);
    assert.deepEqual(channels.refused, ['rail']);
  });

  it('tells a server of its version that opens a channel without having asked for one, once', () => {
    const channels = new DynamicChannels<string>([]);
    const [version, ...others] = channels.process(encodeCreateRequest(3, 'rail'), []);
    assert.deepEqual(version, encodeCapabilities(3, false));
    assert.deepEqual(channels.process(encodeCreateRequest(3, 'rail'), []), others);
    assert.deepEqual(channels.process(encodeCapabilities(2, true), []), [encodeCapabilities(2, false)]);
  });

  it('puts long messages together and cuts long answers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), fc.constantFrom(7, 300, 70000), (length, channelId) => {
        const channels = new DynamicChannels<string>([new Echo('echo')]);
        channels.process(encodeCreateRequest(channelId, 'echo'), []);
        const message = Uint8Array.from({ length }, (_, i) => i & 0xff);
        const out: string[] = [];
        const answers = encodeDynamicData(channelId, message, 700).flatMap((pdu) => channels.process(pdu, out));
        assert.deepEqual(out, [`echo:${length}`]);
        assert.ok(answers.every((pdu) => pdu.length <= 1600));
        const parts = answers.map((pdu) => decodeDynamicPdu(new ReadCursor(pdu, 'test'), false));
        const data = parts.map((pdu) => ('data' in pdu ? pdu.data : new Uint8Array(0)));
        assert.deepEqual(concatBytes(...data), message);
      }),
      { numRuns: 60 },
    );
  });

  it('goes on with a longer message just as it processes it, and takes nothing else that way', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 8, max: 900 }), (length, pduSize) => {
        const message = Uint8Array.from({ length }, (_, i) => i & 0xff);
        const [first, ...rest] = encodeDynamicData(7, message, pduSize).map((pdu) =>
          concatBytes(Uint8Array.of(9), pdu),
        );
        const channels = new DynamicChannels<string>([new Echo('echo')]);
        channels.process(encodeCreateRequest(7, 'echo'), []);
        const out: string[] = [];
        assert.ok(first !== undefined && !channels.goOn(first, 1, first.length));
        const answers = channels.process(first.subarray(1), out);
        const wentOn = rest.map((pdu) => {
          const goes = channels.goOn(pdu, 1, pdu.length);
          if (!goes) answers.push(...channels.process(pdu.subarray(1), out));
          return goes;
        });
        assert.deepEqual(
          wentOn,
          rest.map((_, i) => i < rest.length - 1),
        );
        assert.deepEqual(out, [`echo:${length}`]);
        const whole = new DynamicChannels<string>([new Echo('echo')]);
        whole.process(encodeCreateRequest(7, 'echo'), []);
        assert.deepEqual(
          answers,
          encodeDynamicData(7, message, 70_000).flatMap((pdu) => whole.process(pdu, [])),
        );
      }),
      { numRuns: 60 },
    );
    const channels = new DynamicChannels<string>([new Echo('echo')]);
    for (const other of [[], [0x30], [0x30, 1, 2], [0x31, 1, 0, 2], [0x70, 1, 2], [0x24, 1, 9, 0, 1], [0x40, 1]]) {
      assert.equal(channels.goOn(Uint8Array.from(other), 0, other.length), false);
    }
  });

  it('takes memory for what has come, not for what is said to come', () => {
    const messages: Uint8Array[] = [];
    const echo: DynamicChannel<never> = {
      name: 'echo',
      start: () => [],
      process: (message) => {
        messages.push(message.slice());
        return [];
      },
      close: () => {},
    };
    const channels = new DynamicChannels<never>([echo]);
    const begun = Uint8Array.of(0x28, 1, 0, 0, 0, 4); // Data First: 64 MiB
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 50; i++) {
      channels.process(encodeCreateRequest(1, 'echo'), []);
      assert.deepEqual(channels.process(begun, []), []);
      assert.deepEqual(channels.process(begun, []), []);
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < MAX_DYNAMIC_MESSAGE);
    // Larger than what is taken ahead, both ways in.
    const message = Uint8Array.from({ length: 9 * 1024 * 1024 + 5 }, (_, i) => i ^ (i >> 8));
    for (const pdu of encodeDynamicData(1, message, 1600)) {
      if (!channels.goOn(pdu, 0, pdu.length)) channels.process(pdu, []);
    }
    assert.equal(messages.length, 1);
    assert.equal(Buffer.compare(messages[0] ?? new Uint8Array(0), message), 0);
  });

  it('inflates compressed data', () => {
    const channels = new DynamicChannels<string>([new Echo('echo')]);
    channels.process(encodeCreateRequest(1, 'echo'), []);
    const compressor = new ZgfxCompressor(ZgfxVariant.rdp8Lite);
    for (const length of [10, 900]) {
      const packed = compressor.compress(new Uint8Array(length).fill(7));
      const out: string[] = [];
      channels.process(concatBytes(Uint8Array.of(0x70, 1), packed), out);
      assert.deepEqual(out, [`echo:${length}`]);
    }
  });

  it('closes, answers the close, and lets late data fall', () => {
    const echo = new Echo('echo');
    const channels = new DynamicChannels<string>([echo]);
    channels.process(encodeCreateRequest(1, 'echo'), []);
    assert.deepEqual(channels.process(encodeClose(1), []), [encodeClose(1)]);
    assert.equal(echo.closed, 1);
    const out: string[] = [];
    assert.deepEqual(channels.process(Uint8Array.of(0x30, 1, 9), out), []);
    assert.deepEqual(out, []);
    const softSync = Uint8Array.of(0x80, 0, 18, 0, 0, 0, 3, 0, 1, 0, 1, 0, 0, 0, 1, 0, 7, 0, 0, 0);
    assert.deepEqual(channels.process(softSync, []), [Uint8Array.of(0x90, 0, 0, 0, 0, 0)], 'Soft-Sync: no tunnels');
  });

  it('throws nothing but DecodeError on random bytes', () => {
    const channels = new DynamicChannels<string>([new Echo('echo')]);
    channels.process(encodeCreateRequest(1, 'echo'), []);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (noise) => {
        try {
          channels.process(noise, []);
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});
