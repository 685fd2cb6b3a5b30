import type { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { UsageError } from '../core/errors.ts';
import { UpdateType } from './bitmap-update.ts';

/** A palette has exactly this many colours, whatever `numberColors` is for. */
export const PALETTE_COLORS = 256;

/**
 * @pdu [MS-RDPBCGR] 2.2.9.1.1.3.1.1 TS_UPDATE_PALETTE, 2.2.9.1.1.3.1.1.1 its data, 2.2.9.1.1.3.1.1.2 TS_PALETTE_ENTRY
 */
export interface PaletteUpdate {
  /** 256 times red, green, blue. A view. */
  readonly colors: Uint8Array;
}

/** Decodes an update that begins with `updateType`, as both paths carry it. */
export function decodePaletteUpdate(cursor: ReadCursor): PaletteUpdate {
  const updateType = cursor.u16('updateType');
  if (updateType !== UpdateType.palette) throw cursor.error('invalid_value', 'updateType', `${updateType}`);
  cursor.skip(2, 'pad2Octets');
  const count = cursor.u32('numberColors');
  if (count !== PALETTE_COLORS) throw cursor.error('invalid_value', 'numberColors', `${count}`);
  return { colors: cursor.bytes(PALETTE_COLORS * 3, 'paletteEntries') };
}

export function sizeOfPaletteUpdate(): number {
  return 2 /* updateType */ + 2 /* pad2Octets */ + 4 /* numberColors */ + PALETTE_COLORS * 3;
}

export function encodePaletteUpdate(update: PaletteUpdate, cursor: WriteCursor): void {
  if (update.colors.length !== PALETTE_COLORS * 3) throw new UsageError('a palette has 256 colours');
  cursor.u16(UpdateType.palette);
  cursor.zeros(2); // pad2Octets
  cursor.u32(PALETTE_COLORS);
  cursor.bytes(update.colors);
}
