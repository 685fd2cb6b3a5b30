/** What our client says of itself in Confirm Active, and what it makes of the server's Demand Active. */
import { WriteCursor } from '../core/cursor.ts';
import { DecodeError } from '../core/errors.ts';
import { encodeUtf8 } from '../core/text.ts';
import {
  type CapabilitySet,
  decodeCapabilitySet,
  encodeCapabilitySet,
  findCapability,
} from '../pdu/capability-sets.ts';
import { type DemandActive, encodeConfirmActive, sizeOfConfirmActive } from '../pdu/share.ts';
import {
  BitmapCacheFlags,
  GeneralExtraFlags,
  InputFlags,
  LargePointerFlags,
  OrderFlags,
  SUPPORTED_INPUT,
  SurfaceCommandFlags,
} from './capability-flags.ts';
import { keyboardOf } from './client-keyboard.ts';
import type { ClientConfig, Share } from './types.ts';

/** The part of the configuration that shapes capabilities. */
export type CapabilityConfig = Pick<
  ClientConfig,
  'colorDepth' | 'keyboardLayout' | 'codecs' | 'surfaceCommands' | 'maxUnacknowledgedFrames'
>;

/** Multifragment Update: what a server needs to send a RemoteFX frame of a desktop of some 250 tiles in one update. */
export const USUAL_UPDATE_SIZE = 0x3f0000;

/** What a viewer's tunnel carries, and a RemoteFX frame of 8192 × 2048 pixels can have at most. Memory is taken as it comes. */
const MAX_UPDATE_SIZE = 64 * 1024 * 1024;

/** Pointer caches: [MS-RDPBCGR] 2.2.7.1.5 asks for at least 20; Windows' own client has 25. */
export const POINTER_CACHE_SIZE = 25;

/** No desktop is larger ([MS-RDPBCGR] 2.2.1.3.2). Bounds what a server can have us allocate. */
const MAX_DESKTOP_SIZE = 8192;

const SOURCE_DESCRIPTOR = encodeUtf8('ORIEL\0');

/** Also used at each reactivation: `ActiveStageOptions.activate` is this with the configuration bound. */
export function activateShare(
  demand: DemandActive,
  config: CapabilityConfig,
): { readonly confirmActive: Uint8Array; readonly share: Share } {
  const share = shareOf(demand);
  const capabilitySets = clientCapabilities(config, share).map(encodeCapabilitySet);
  const confirm = { shareId: demand.shareId, sourceDescriptor: SOURCE_DESCRIPTOR, capabilitySets };
  const cursor = new WriteCursor(sizeOfConfirmActive(confirm));
  encodeConfirmActive(confirm, cursor);
  return { confirmActive: cursor.finish(), share };
}

export function clientCapabilities(config: CapabilityConfig, share: Share): CapabilitySet[] {
  const { codecs = [] } = config;
  const sets: CapabilitySet[] = [
    {
      kind: 'general',
      osMajorType: 1, // Windows, since some servers treat others as lesser clients
      osMinorType: 3, // Windows NT
      protocolVersion: 0x0200,
      generalCompressionTypes: 0,
      extraFlags:
        GeneralExtraFlags.fastPathOutput |
        GeneralExtraFlags.longCredentials |
        GeneralExtraFlags.autoReconnect |
        GeneralExtraFlags.encryptedSaltedChecksum |
        GeneralExtraFlags.noBitmapCompressionHeader,
      updateCapabilityFlag: 0,
      remoteUnshareFlag: 0,
      generalCompressionLevel: 0,
      refreshRectSupport: 1,
      suppressOutputSupport: 1,
    },
    {
      kind: 'bitmap',
      preferredBitsPerPixel: share.colorDepth,
      receive1BitPerPixel: 1,
      receive4BitsPerPixel: 1,
      receive8BitsPerPixel: 1,
      desktopWidth: share.width,
      desktopHeight: share.height,
      desktopResizeFlag: 1,
      bitmapCompressionFlag: 1,
      highColorFlags: 0,
      // Planar at 32 bpp: reduced colours and subsampling are decoded, the alpha plane may be left out.
      drawingFlags: 0x02 | 0x04 | 0x08,
      multipleRectangleSupport: 1,
    },
    {
      kind: 'order',
      desktopSaveXGranularity: 1,
      desktopSaveYGranularity: 20,
      maximumOrderLevel: 1,
      numberFonts: 0,
      // The two flags that must be set; no order of `orderSupport` is, so everything comes as bitmaps.
      orderFlags: OrderFlags.negotiateOrderSupport | OrderFlags.zeroBoundsDeltasSupport | OrderFlags.colorIndexSupport,
      orderSupport: new Uint8Array(32),
      textFlags: 0,
      orderSupportExFlags: 0,
      desktopSaveSize: 0,
      textAnsiCodePage: 0,
    },
    // A bitmap cache set is mandatory. Without the orders that fill the caches, servers never use them; the flag is what RemoteFX
    // asks for ([MS-RDPRFX] 1.5).
    { kind: 'bitmapCacheRev2', cacheFlags: BitmapCacheFlags.allowCacheWaitingList, cells: BITMAP_CACHES },
    {
      kind: 'pointer',
      colorPointerFlag: 1,
      colorPointerCacheSize: POINTER_CACHE_SIZE,
      pointerCacheSize: POINTER_CACHE_SIZE,
    },
    {
      kind: 'input',
      inputFlags: SUPPORTED_INPUT,
      ...keyboardOf(config.keyboardLayout),
      imeFileName: '',
    },
    { kind: 'brush', brushSupportLevel: 0 },
    { kind: 'glyphCache', glyphCache: GLYPH_CACHES, fragCache: 0x01000100, glyphSupportLevel: 0 },
    { kind: 'offscreenCache', offscreenSupportLevel: 0, offscreenCacheSize: 0, offscreenCacheEntries: 0 },
    { kind: 'virtualChannel', flags: 0, vcChunkSize: 1600 },
    { kind: 'sound', soundFlags: 0 },
    { kind: 'share', nodeId: 0 },
    { kind: 'font', fontSupportFlags: 1 },
    { kind: 'control', controlFlags: 0, remoteDetachFlag: 0, controlInterest: 2, detachInterest: 2 },
    { kind: 'activation', helpKeyFlag: 0, helpKeyIndexFlag: 0, helpExtendedKeyFlag: 0, windowManagerKeyFlag: 0 },
    { kind: 'multifragmentUpdate', maxRequestSize: share.maxUpdateSize },
    { kind: 'largePointer', largePointerSupportFlags: LargePointerFlags.size96 | LargePointerFlags.size384 },
  ];
  if (codecs.length > 0 || config.surfaceCommands === true) {
    const cmdFlags =
      SurfaceCommandFlags.setSurfaceBits | SurfaceCommandFlags.frameMarker | SurfaceCommandFlags.streamSurfaceBits;
    sets.push({ kind: 'surfaceCommands', cmdFlags });
  }
  if (codecs.length > 0) sets.push({ kind: 'bitmapCodecs', codecs });
  if (config.maxUnacknowledgedFrames !== undefined) {
    sets.push({ kind: 'frameAcknowledge', maxUnacknowledgedFrameCount: config.maxUnacknowledgedFrames });
  }
  return sets;
}

/** The server decides size and depth; the client's wish went out with its core data. */
function shareOf(demand: DemandActive): Share {
  const serverCapabilities = demand.capabilitySets.map(decodeCapabilitySet);
  const bitmap = findCapability(serverCapabilities, 'bitmap');
  if (bitmap === undefined) {
    throw new DecodeError('invalid_value', 'TS_DEMAND_ACTIVE_PDU', 'capabilitySets', 0, 'no bitmap capability set');
  }
  const general = findCapability(serverCapabilities, 'general');
  const inputFlags = findCapability(serverCapabilities, 'input')?.inputFlags ?? 0;
  // [MS-RDPRFX] 1.5: at least as much as the server says, which sends no RemoteFX otherwise.
  const announced = findCapability(serverCapabilities, 'multifragmentUpdate')?.maxRequestSize ?? 0;
  return {
    shareId: demand.shareId,
    width: desktopSize(bitmap.desktopWidth, 'desktopWidth'),
    height: desktopSize(bitmap.desktopHeight, 'desktopHeight'),
    colorDepth: bitmap.preferredBitsPerPixel,
    fastPathInput: (inputFlags & (InputFlags.fastPathInput | InputFlags.fastPathInput2)) !== 0,
    unicodeInput: (inputFlags & InputFlags.unicode) !== 0,
    extendedButtons: (inputFlags & InputFlags.mouseX) !== 0,
    horizontalWheel: (inputFlags & InputFlags.mouseHorizontalWheel) !== 0,
    refreshRect: general?.refreshRectSupport === 1,
    suppressOutput: general?.suppressOutputSupport === 1,
    maxUpdateSize: Math.min(Math.max(announced, USUAL_UPDATE_SIZE), MAX_UPDATE_SIZE),
    serverCapabilities,
  };
}

function desktopSize(pixels: number, field: string): number {
  if (pixels === 0) throw new DecodeError('invalid_value', 'TS_BITMAP_CAPABILITYSET', field, 0, 'zero');
  if (pixels > MAX_DESKTOP_SIZE) {
    throw new DecodeError('limit_exceeded', 'TS_BITMAP_CAPABILITYSET', field, 0, `${pixels} pixels`);
  }
  return pixels;
}

const BITMAP_CACHES = [600, 600, 2048].map((entries) => ({ entries, persistent: false }));

/** Ten caches for glyphs of 4 to 256 bytes, as the specification's limits have them; the support level is none. */
const GLYPH_CACHES = [4, 4, 8, 8, 16, 32, 64, 128, 256, 256].map((maximumCellSize, i) => ({
  entries: i === 9 ? 64 : 254,
  maximumCellSize,
}));
