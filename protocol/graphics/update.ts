/**
 * One graphics or pointer update as the server sent it, whichever path it came by.
 *
 * Slow-path updates are carried in their fast-path form (the payloads are the same), so that everything
 * behind `protocol/session` knows one form only: the browser, shadow viewers and the recorder.
 */
export interface GraphicsUpdate {
  /** One of `UpdateCode`; unknown codes survive as numbers. */
  readonly code: number;
  /**
   * The update's payload, reassembled and not compressed. For `bitmap` it begins with the `updateType` field,
   * as in TS_UPDATE_BITMAP_DATA. A view that is only good during the call that hands it over: who keeps it, copies it.
   */
  readonly data: Uint8Array;
  /** What drawing it takes beyond what its bytes have paid for, in the units of `Work`; nothing where it is left out. */
  readonly work?: number;
}

/** [MS-RDPBCGR] 2.2.9.1.2.1 TS_FP_UPDATE, `updateCode` of 2.2.9.1.2.1.1 to 2.2.9.1.2.1.11. Codes from 0x40 up are ours, not the wire's. */
export const UpdateCode = {
  orders: 0x0,
  bitmap: 0x1,
  palette: 0x2,
  synchronize: 0x3,
  surfaceCommands: 0x4,
  pointerHidden: 0x5,
  pointerDefault: 0x6,
  pointerPosition: 0x8,
  pointerColor: 0x9,
  pointerCached: 0xa,
  pointerNew: 0xb,
  pointerLarge: 0xc,
  /** The desktop has a new size and is blank: `u16 width, u16 height`. First update of every session. */
  desktopReset: 0x40,
  /** Messages of the graphics channel, [MS-RDPEGFX] 2.2.2, one after another and decompressed. */
  graphicsPipeline: 0x41,
} as const;
export type UpdateCode = (typeof UpdateCode)[keyof typeof UpdateCode];

/** Whether an update draws, and may wait in an `UpdateQueue`: all others change what these mean, or are no pictures. */
export function isDrawing({ code }: GraphicsUpdate): boolean {
  return code === UpdateCode.bitmap || code === UpdateCode.surfaceCommands || code === UpdateCode.graphicsPipeline;
}
