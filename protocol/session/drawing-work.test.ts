import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Work } from '../codecs/decoding-work.ts';
import { WriteCursor } from '../core/cursor.ts';
import { SurfaceCodecId } from '../graphics/surface-codecs.ts';
import { UpdateCode } from '../graphics/update.ts';
import { encodeBitmapUpdate, sizeOfBitmapUpdate } from '../pdu/bitmap-update.ts';
import { encodeSurfaceCommand, type SurfaceCommand, sizeOfSurfaceCommand } from '../pdu/surface-command.ts';
import { drawingWork } from './drawing-work.ts';

describe('what classic updates take', () => {
  it('is that of their pictures, whatever of these is shown', () => {
    const place = { destLeft: 0, destTop: 0, destRight: 0, destBottom: 0, bitsPerPixel: 16, compressed: true };
    const data = Uint8Array.of(0xf3, 0, 0);
    const rectangles = [
      { ...place, width: 1000, height: 500, data },
      { ...place, width: 20, height: 10, data },
    ];
    const cursor = new WriteCursor(sizeOfBitmapUpdate({ rectangles }));
    encodeBitmapUpdate({ rectangles }, cursor);
    const work = drawingWork({ code: UpdateCode.bitmap, data: cursor.finish() });
    assert.equal(work, (1000 * 500 + 20 * 10) * Work.picture + 2 * Work.command);
  });

  it('is that of surface commands one after another', () => {
    const place = { type: 1, destLeft: 0, destTop: 0, bitsPerPixel: 32, width: 300, height: 200 };
    const commands: SurfaceCommand[] = [
      { kind: 'frame', action: 0, frameId: 1 },
      { kind: 'bits', ...place, codecId: SurfaceCodecId.nsCodec, data: new Uint8Array(30) },
      { kind: 'bits', ...place, codecId: SurfaceCodecId.remoteFx, data: new Uint8Array(0) },
      { kind: 'bits', ...place, codecId: 0, data: new Uint8Array(5) },
      { kind: 'frame', action: 1, frameId: 1 },
    ];
    const cursor = new WriteCursor(commands.reduce((sum, command) => sum + sizeOfSurfaceCommand(command), 0));
    for (const command of commands) encodeSurfaceCommand(command, cursor);
    const work = drawingWork({ code: UpdateCode.surfaceCommands, data: cursor.finish() });
    assert.equal(work, 2 * 300 * 200 * Work.picture + 5 * Work.command);
  });

  it('is a number, whatever came', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x41 }), fc.uint8Array({ maxLength: 200 }), (code, data) => {
        const work = drawingWork({ code, data });
        assert.ok(Number.isSafeInteger(work) && work >= 0, `${work}`);
      }),
      { numRuns: 1000 },
    );
  });
});
