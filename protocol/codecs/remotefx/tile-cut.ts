import { ByteCut, copyOf, sizeOfParts } from '../../core/byte-cut.ts';
import type { ReadCursor } from '../../core/cursor.ts';

/**
 * Tiles of a block that stay, uncopied, in parts. The same for RemoteFX and its progressive form.
 * @param cursor before the first of them; moved past the last
 * @param skip moves the cursor past one
 */
export function cutTiles(
  source: Uint8Array,
  cursor: ReadCursor,
  count: number,
  skip: (cursor: ReadCursor) => void,
  isWanted: () => boolean,
): { kept: number; tiles: readonly Uint8Array[] } {
  const cut = new ByteCut(source);
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const from = cursor.position;
    skip(cursor);
    if (!isWanted()) continue;
    cut.keep(from, cursor.position);
    kept++;
  }
  return { kept, tiles: cut.finish() };
}

/**
 * What stands before a block's tiles, bytes `start` to `end` of `source`, for other tiles.
 * @param numTilesOffset of the number of tiles, which the size of all of them follows
 */
export function headForTiles(
  source: Uint8Array,
  start: number,
  end: number,
  numTilesOffset: number,
  { kept, tiles }: { kept: number; tiles: readonly Uint8Array[] },
): Uint8Array {
  const size = sizeOfParts(tiles);
  const head = copyOf(source, start, end);
  const view = new DataView(head.buffer);
  view.setUint32(BLOCK_LEN_OFFSET, head.length + size, true);
  view.setUint16(numTilesOffset, kept, true);
  view.setUint32(numTilesOffset + 2, size, true);
  return head;
}

const BLOCK_LEN_OFFSET = 2; // blockType
