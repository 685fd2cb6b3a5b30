import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WriteCursor } from '#protocol/core/cursor.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import {
  encodeSurfaceCommand,
  type SurfaceCommand,
  SurfaceCommandType,
  sizeOfSurfaceCommand,
} from '#protocol/pdu/surface-command.ts';
import { HeldUpdates } from './held-updates.ts';

const SIDE = 256;
const RESET = { code: UpdateCode.desktopReset, data: Uint8Array.of(0, 1, 0, 1) };

/** A picture without compression, at a row of the desktop, each of its bytes a value of its own. */
function picture(row: number, height: number, seed: number): { code: number; data: Uint8Array } {
  const data = Uint8Array.from({ length: SIDE * height * 4 }, (_, i) => (i * 7 + seed) & 0xff);
  const place = { destLeft: 0, destTop: row, width: SIDE, height };
  const type = SurfaceCommandType.setSurfaceBits;
  const command: SurfaceCommand = { kind: 'bits', type, ...place, bitsPerPixel: 32, codecId: 0, data };
  const cursor = new WriteCursor(sizeOfSurfaceCommand(command));
  encodeSurfaceCommand(command, cursor);
  return { code: UpdateCode.surfaceCommands, data: cursor.finish() };
}

function held(): HeldUpdates {
  const updates = new HeldUpdates();
  updates.follow(RESET);
  return updates;
}

function handedOn(updates: HeldUpdates): { code: number; data: Uint8Array }[] {
  const all: { code: number; data: Uint8Array }[] = [];
  updates.handOn(({ code, data }) => all.push({ code, data: data.slice() }));
  return all;
}

describe('HeldUpdates', () => {
  it('keeps its own copy, byte for byte, through any number of chunks and compactions', () => {
    const updates = held();
    const last = [];
    for (let round = 0; round < 12; round++) {
      last.length = 0;
      for (let row = 0; row < SIDE; row += 32) {
        const next = picture(row, 32, round * 31 + row);
        const handed = { code: next.code, data: next.data.slice() };
        updates.push(handed);
        handed.data.fill(0xdd);
        last.push(next);
        if (updates.isFull) assert.ok(updates.compact());
      }
    }
    updates.compact();
    assert.deepEqual(handedOn(updates), last);
    assert.equal(updates.length, 0);
    assert.equal(updates.size, 0);
  });

  it('does not keep what takes long to draw: whoever comes to watch would wait for it', () => {
    const updates = held();
    for (let row = 0; row < 5 * 32; row += 32) updates.push({ ...picture(row, 32, row), work: 0.7e9 });
    assert.equal(updates.isFull, false);
    updates.push({ ...picture(5 * 32, 32, 9), work: 0.7e9 });
    assert.ok(updates.isFull);
    assert.equal(updates.compact(), false, 'none is covered');
    // What is covered takes nothing.
    for (let row = 0; row < 6 * 32; row += 32) updates.push(picture(row, 32, row));
    assert.equal(updates.compact(), true);
    assert.equal(updates.isFull, false);
  });

  it('takes little memory of a session at rest, and at most a few times what is left of one in motion', () => {
    const updates = held();
    updates.push(picture(0, 1, 1));
    assert.equal(updates.size, 4096);
    let most = 0;
    const whole = picture(0, SIDE, 1);
    for (let i = 0; i < 200; i++) {
      updates.push(whole);
      most = Math.max(most, updates.size);
      if (updates.isFull) updates.compact();
    }
    assert.ok(most <= 5.5 * 1024 * 1024, `${most} bytes`);
    updates.compact();
    assert.ok(updates.size <= 1024 * 1024, `${updates.size} bytes for a picture of 256 KB`);
    updates.clear();
    assert.equal(updates.size, 0);
  });

  it('says when what is left is too much', () => {
    const updates = new HeldUpdates();
    updates.follow({ ...RESET, data: Uint8Array.of(0, 1, 0, 0x40) });
    let kept = true;
    for (let row = 0; kept && row < 0x4000; row += 64) {
      updates.push(picture(row, 64, row));
      if (updates.isFull) kept = updates.compact();
    }
    assert.equal(kept, false);
    assert.ok(handedOn(updates).length > 30);
  });
});
