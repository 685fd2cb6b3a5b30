/** [MS-RDPEGFX] 2.2.1.5 RDPGFX_HEADER, `cmdId`. */
export const GfxCommand = {
  wireToSurface1: 0x0001,
  wireToSurface2: 0x0002,
  deleteEncodingContext: 0x0003,
  solidFill: 0x0004,
  surfaceToSurface: 0x0005,
  surfaceToCache: 0x0006,
  cacheToSurface: 0x0007,
  evictCacheEntry: 0x0008,
  createSurface: 0x0009,
  deleteSurface: 0x000a,
  startFrame: 0x000b,
  endFrame: 0x000c,
  frameAcknowledge: 0x000d,
  resetGraphics: 0x000e,
  mapSurfaceToOutput: 0x000f,
  cacheImportOffer: 0x0010,
  cacheImportReply: 0x0011,
  capsAdvertise: 0x0012,
  capsConfirm: 0x0013,
  mapSurfaceToWindow: 0x0015,
  qoeFrameAcknowledge: 0x0016,
  mapSurfaceToScaledOutput: 0x0017,
  mapSurfaceToScaledWindow: 0x0018,
} as const;

/** [MS-RDPEGFX] 2.2.2.1 and 2.2.2.2, `codecId`. */
export const GfxCodecId = {
  uncompressed: 0x0000,
  caVideo: 0x0003,
  clearCodec: 0x0008,
  progressive: 0x0009,
  planar: 0x000a,
  avc420: 0x000b,
  alpha: 0x000c,
  progressiveV2: 0x000d,
  avc444: 0x000e,
  avc444v2: 0x000f,
} as const;

/** [MS-RDPEGFX] 2.2.1.4 RDPGFX_PIXELFORMAT. */
export const GfxPixelFormat = { xrgb8888: 0x20, argb8888: 0x21 } as const;

/** [MS-RDPEGFX] 2.2.3, `version`. */
export const GfxVersion = {
  v8: 0x0008_0004,
  v81: 0x0008_0105,
  v10: 0x000a_0002,
  v101: 0x000a_0100,
  v102: 0x000a_0200,
  v103: 0x000a_0301,
  v104: 0x000a_0400,
  v105: 0x000a_0502,
  v106: 0x000a_0600,
  v107: 0x000a_0701,
} as const;

/** [MS-RDPEGFX] 2.2.3, `flags`. */
export const GfxCapsFlags = {
  thinClient: 0x01,
  smallCache: 0x02,
  /** Version 8.1 only: AVC has to be asked for. */
  avc420Enabled: 0x10,
  /** Version 10 and later: AVC has to be refused. */
  avcDisabled: 0x20,
  avcThinClient: 0x40,
  scaledMapDisable: 0x80,
} as const;

/** [MS-RDPEGFX] 2.2.2.13 RDPGFX_FRAME_ACKNOWLEDGE_PDU, `queueDepth`: values that are no depth. */
export const QueueDepth = { unavailable: 0x0000_0000, suspendAcknowledge: 0xffff_ffff } as const;

/** Most rectangles or points in one command, capabilities in one advertisement, monitors in one reset, entries in one offer. */
export const GfxLimits = { rects: 65_535, capsSets: 64, monitors: 16, cacheEntries: 5_461 } as const;

/**
 * Most commands that one RDP_SEGMENTED_DATA may hold, and most of them that are more than pixels to be drawn some time: the end of a frame is
 * answered, a reset tells everybody of a new desktop. Compressed, a million of them are two kilobytes on the wire; servers put a frame into a message.
 */
export const GfxMessageLimits = { commands: 65_536, heard: 4_096 } as const;

/** Bytes of an RDPGFX_HEADER ([MS-RDPEGFX] 2.2.1.5). */
export const GFX_HEADER_SIZE = 8;

/** [MS-RDPEGFX] 2.2.1.2 RDPGFX_RECT16: right and bottom are exclusive. */
export interface GfxRect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** [MS-RDPEGFX] 2.2.1.1 RDPGFX_POINT16. */
export interface GfxPoint {
  readonly x: number;
  readonly y: number;
}

export interface GfxCapsSet {
  readonly version: number;
  readonly flags: number;
}

/** [MS-RDPBCGR] 2.2.1.3.6.1 TS_MONITOR_DEF: right and bottom are inclusive here. */
export interface GfxMonitor {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly flags: number;
}

/** A window of RemoteApp, and how much of a surface it shows. */
export interface SurfaceWindow {
  readonly surfaceId: number;
  readonly windowId: bigint;
  readonly mappedWidth: number;
  readonly mappedHeight: number;
}

/** The messages of [MS-RDPEGFX] 2.2.2. `bitmapData` is a view. */
export type GfxPdu =
  | {
      readonly kind: 'wire-to-surface-1';
      readonly surfaceId: number;
      readonly codecId: number;
      readonly pixelFormat: number;
      readonly destRect: GfxRect;
      readonly bitmapData: Uint8Array;
    }
  | {
      readonly kind: 'wire-to-surface-2';
      readonly surfaceId: number;
      readonly codecId: number;
      readonly codecContextId: number;
      readonly pixelFormat: number;
      readonly bitmapData: Uint8Array;
    }
  | { readonly kind: 'delete-encoding-context'; readonly surfaceId: number; readonly codecContextId: number }
  | {
      readonly kind: 'solid-fill';
      readonly surfaceId: number;
      /** `0xXXRRGGBB` as on the wire read little-endian. */
      readonly fillPixel: number;
      readonly fillRects: readonly GfxRect[];
    }
  | {
      readonly kind: 'surface-to-surface';
      readonly surfaceIdSrc: number;
      readonly surfaceIdDest: number;
      readonly rectSrc: GfxRect;
      readonly destPoints: readonly GfxPoint[];
    }
  | {
      readonly kind: 'surface-to-cache';
      readonly surfaceId: number;
      readonly cacheKey: bigint;
      readonly cacheSlot: number;
      readonly rectSrc: GfxRect;
    }
  | {
      readonly kind: 'cache-to-surface';
      readonly cacheSlot: number;
      readonly surfaceId: number;
      readonly destPoints: readonly GfxPoint[];
    }
  | { readonly kind: 'evict-cache-entry'; readonly cacheSlot: number }
  | {
      readonly kind: 'create-surface';
      readonly surfaceId: number;
      readonly width: number;
      readonly height: number;
      readonly pixelFormat: number;
    }
  | { readonly kind: 'delete-surface'; readonly surfaceId: number }
  | { readonly kind: 'start-frame'; readonly timestamp: number; readonly frameId: number }
  | { readonly kind: 'end-frame'; readonly frameId: number }
  | {
      readonly kind: 'frame-acknowledge';
      readonly queueDepth: number;
      readonly frameId: number;
      readonly totalFramesDecoded: number;
    }
  | {
      readonly kind: 'reset-graphics';
      readonly width: number;
      readonly height: number;
      readonly monitors: readonly GfxMonitor[];
    }
  | {
      readonly kind: 'map-surface-to-output';
      readonly surfaceId: number;
      readonly outputOriginX: number;
      readonly outputOriginY: number;
    }
  | {
      readonly kind: 'map-surface-to-scaled-output';
      readonly surfaceId: number;
      readonly outputOriginX: number;
      readonly outputOriginY: number;
      readonly targetWidth: number;
      readonly targetHeight: number;
    }
  | {
      readonly kind: 'map-surface-to-window';
      readonly surfaceId: number;
      readonly windowId: bigint;
      readonly mappedWidth: number;
      readonly mappedHeight: number;
    }
  | {
      readonly kind: 'map-surface-to-scaled-window';
      readonly surfaceId: number;
      readonly windowId: bigint;
      readonly mappedWidth: number;
      readonly mappedHeight: number;
      readonly targetWidth: number;
      readonly targetHeight: number;
    }
  | {
      readonly kind: 'cache-import-offer';
      readonly entries: readonly { readonly cacheKey: bigint; readonly bitmapLength: number }[];
    }
  | { readonly kind: 'cache-import-reply'; readonly cacheSlots: readonly number[] }
  | { readonly kind: 'caps-advertise'; readonly capsSets: readonly GfxCapsSet[] }
  | { readonly kind: 'caps-confirm'; readonly capsSet: GfxCapsSet }
  | {
      readonly kind: 'qoe-frame-acknowledge';
      readonly frameId: number;
      readonly timestamp: number;
      readonly timeDiffSE: number;
      readonly timeDiffEDR: number;
    }
  | UnknownGfxPdu;

/** A command that is not known here; it is passed over. */
export interface UnknownGfxPdu {
  readonly kind: 'unknown';
  readonly cmdId: number;
}
