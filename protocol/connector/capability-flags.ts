/** Flags within capability sets that either end of the connection sequence looks at ([MS-RDPBCGR] 2.2.7). */

/** 2.2.7.1.1 extraFlags. */
export const GeneralExtraFlags = {
  fastPathOutput: 0x0001,
  longCredentials: 0x0004,
  autoReconnect: 0x0008,
  encryptedSaltedChecksum: 0x0010,
  noBitmapCompressionHeader: 0x0400,
} as const;

/** 2.2.7.1.3 orderFlags. */
export const OrderFlags = {
  negotiateOrderSupport: 0x02,
  zeroBoundsDeltasSupport: 0x08,
  colorIndexSupport: 0x20,
  solidPatternBrushOnly: 0x40,
  orderFlagsExtraFlags: 0x80,
} as const;

/** 2.2.7.1.4.2 CacheFlags. */
export const BitmapCacheFlags = { persistentKeysExpected: 0x01, allowCacheWaitingList: 0x02 } as const;

/** 2.2.7.1.6 inputFlags. */
export const InputFlags = {
  scancodes: 0x0001,
  mouseX: 0x0004,
  fastPathInput: 0x0008,
  unicode: 0x0010,
  fastPathInput2: 0x0020,
  mouseRelative: 0x0080,
  mouseHorizontalWheel: 0x0100,
  qoeTimestamps: 0x0200,
} as const;

/** What our client sends and our server takes. */
export const SUPPORTED_INPUT =
  InputFlags.scancodes |
  InputFlags.mouseX |
  InputFlags.fastPathInput |
  InputFlags.unicode |
  InputFlags.fastPathInput2 |
  InputFlags.mouseHorizontalWheel;

/** 2.2.7.2.7 largePointerSupportFlags. */
export const LargePointerFlags = { size96: 0x1, size384: 0x2 } as const;

/** 2.2.7.2.9 cmdFlags. */
export const SurfaceCommandFlags = { setSurfaceBits: 0x02, frameMarker: 0x10, streamSurfaceBits: 0x40 } as const;
