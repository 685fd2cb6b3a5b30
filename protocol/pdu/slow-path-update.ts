import type { ReadCursor } from '../core/cursor.ts';
import { UpdateType } from './bitmap-update.ts';

/**
 * Slow-path updates, told apart. Their payloads are those of the fast-path updates, so nothing is decoded here: what
 * comes out is what a fast-path update of that kind would have carried.
 */
export type SlowPathUpdate =
  /** `data` begins with `updateType`, as in the fast-path form of these two. */
  | { readonly kind: 'bitmap' | 'palette'; readonly data: Uint8Array }
  | { readonly kind: 'synchronize' }
  /** Drawing orders: we do not offer any. */
  | { readonly kind: 'orders' }
  | { readonly kind: 'pointer-hidden' | 'pointer-default' }
  | {
      readonly kind: 'pointer-position' | 'pointer-color' | 'pointer-cached' | 'pointer-new' | 'pointer-large';
      readonly data: Uint8Array;
    }
  | { readonly kind: 'unknown'; readonly type: number };

/**
 * The body of an Update PDU, behind the Share Data Header.
 * @pdu [MS-RDPBCGR] 2.2.9.1.1.3 TS_GRAPHICS_PDU, 2.2.9.1.1.3.1.3 TS_UPDATE_SYNC
 */
export function decodeSlowPathGraphics(cursor: ReadCursor): SlowPathUpdate {
  const body = cursor.sub(cursor.remaining, 'slowPathGraphicsUpdates', 'TS_GRAPHICS_UPDATE');
  const data = body.rest();
  if (data.length < 2) throw body.error('truncated', 'updateType', `${data.length} bytes`);
  const type = (data[0] ?? 0) | ((data[1] ?? 0) << 8);
  switch (type) {
    case UpdateType.orders:
      return { kind: 'orders' };
    case UpdateType.bitmap:
      return { kind: 'bitmap', data };
    case UpdateType.palette:
      return { kind: 'palette', data };
    case UpdateType.synchronize:
      return { kind: 'synchronize' };
    default:
      return { kind: 'unknown', type };
  }
}

/**
 * The body of a Pointer PDU, behind the Share Data Header.
 * @pdu [MS-RDPBCGR] 2.2.9.1.1.4 TS_POINTER_PDU, 2.2.9.1.1.4.3 TS_SYSTEMPOINTERATTRIBUTE
 */
export function decodeSlowPathPointer(cursor: ReadCursor): SlowPathUpdate {
  const type = cursor.u16('messageType');
  cursor.skip(2, 'pad2Octets');
  switch (type) {
    case PointerMessage.system:
      return { kind: cursor.u32('systemPointerType') === SYSPTR_NULL ? 'pointer-hidden' : 'pointer-default' };
    case PointerMessage.position:
      return { kind: 'pointer-position', data: cursor.rest() };
    case PointerMessage.color:
      return { kind: 'pointer-color', data: cursor.rest() };
    case PointerMessage.cached:
      return { kind: 'pointer-cached', data: cursor.rest() };
    case PointerMessage.pointer:
      return { kind: 'pointer-new', data: cursor.rest() };
    case PointerMessage.large:
      return { kind: 'pointer-large', data: cursor.rest() };
    default:
      return { kind: 'unknown', type };
  }
}

const PointerMessage = { system: 1, position: 3, color: 6, cached: 7, pointer: 8, large: 9 } as const;
const SYSPTR_NULL = 0;
