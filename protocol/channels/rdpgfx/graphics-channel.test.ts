import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ZgfxCompressor } from '../../codecs/zgfx-compressor.ts';
import { joinBytes } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';
import { encodeGfxPdu } from './encode-pdu.ts';
import { GraphicsChannel, type GraphicsChannelOutput } from './graphics-channel.ts';
import { GfxMessageLimits, type GfxPdu } from './pdu.ts';

type Sent = Exclude<GfxPdu, { kind: 'unknown' }>;

const END: Sent = { kind: 'end-frame', frameId: 7 };
const EVICT: Sent = { kind: 'evict-cache-entry', cacheSlot: 1 };
const RESET: Sent = { kind: 'reset-graphics', width: 640, height: 480, monitors: [] };

function repeated(pdu: Sent, count: number): Uint8Array {
  return joinBytes(new Array<Uint8Array>(count).fill(encodeGfxPdu(pdu)));
}

/** What a fresh channel makes of a message. */
function process(pdus: Uint8Array): { readonly answers: number; readonly outputs: readonly GraphicsChannelOutput[] } {
  const channel = new GraphicsChannel();
  channel.start();
  const outputs: GraphicsChannelOutput[] = [];
  const answers = channel.process(new ZgfxCompressor().compress(pdus), outputs);
  return { answers: answers.length, outputs };
}

function isTooMuch(error: unknown): boolean {
  return error instanceof DecodeError && error.code === 'limit_exceeded' && error.field === 'cmdId';
}

describe('what one message of the graphics channel may hold', () => {
  it('as many frames as the limit says are each acknowledged and told of', () => {
    const { answers, outputs } = process(repeated(END, GfxMessageLimits.heard));
    assert.equal(answers, GfxMessageLimits.heard);
    assert.equal(outputs.filter(({ kind }) => kind === 'frame-ended').length, GfxMessageLimits.heard);
  });

  it('one frame or one reset more is refused: a million of them are two kilobytes on the wire', () => {
    assert.throws(() => process(repeated(END, GfxMessageLimits.heard + 1)), isTooMuch);
    assert.throws(() => process(repeated(RESET, GfxMessageLimits.heard + 1)), isTooMuch);
  });

  it('as many commands as the limit says are handed on, and one more is refused', () => {
    const { outputs } = process(repeated(EVICT, GfxMessageLimits.commands));
    assert.deepEqual(
      outputs.map(({ kind }) => kind),
      ['pipeline'],
    );
    assert.throws(() => process(repeated(EVICT, GfxMessageLimits.commands + 1)), isTooMuch);
  });
});
