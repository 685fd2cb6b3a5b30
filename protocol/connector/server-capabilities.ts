/** What our server says of itself in Demand Active, and what it makes of the client's Confirm Active. */
import { DecodeError, UnsupportedError } from '../core/errors.ts';
import { encodeUtf8 } from '../core/text.ts';
import {
  type CapabilitySet,
  CodecGuid,
  decodeCapabilitySet,
  encodeCapabilitySet,
  findCapability,
} from '../pdu/capability-sets.ts';
import { type ClientCoreData, ClientEarlyCapability, SupportedColorDepths } from '../pdu/gcc-core-data.ts';
import { SERVER_USER_ID } from '../pdu/mcs-domain.ts';
import type { ConfirmActive, DemandActive } from '../pdu/share.ts';
import {
  GeneralExtraFlags,
  LargePointerFlags,
  OrderFlags,
  SUPPORTED_INPUT,
  SurfaceCommandFlags,
} from './capability-flags.ts';
import { POINTER_CACHE_SIZE, USUAL_UPDATE_SIZE } from './client-capabilities.ts';
import type { Demanded } from './server-state.ts';
import type { ServerConfig, ServerShare } from './server-types.ts';
import type { ColorDepth } from './types.ts';

/** Without a Multifragment Update capability set an update has to fit one fast-path PDU, headers included. */
const MAX_UNFRAGMENTED_UPDATE = 0x3f00;

const SOURCE_DESCRIPTOR = encodeUtf8('RDP\0');

/** Also used at each reactivation. */
export function demandActive(shareId: number, width: number, height: number, colorDepth: ColorDepth): DemandActive {
  return {
    shareId,
    sourceDescriptor: SOURCE_DESCRIPTOR,
    capabilitySets: serverCapabilities(width, height, colorDepth).map(encodeCapabilitySet),
    sessionId: 0,
  };
}

/**
 * @param demanded what the Demand Active said
 * @throws UnsupportedError for a client without fast-path output, which none has been since RDP 5.0
 */
export function agreeShare(
  confirm: ConfirmActive,
  demanded: Pick<ServerShare, 'width' | 'height' | 'colorDepth'>,
): { readonly share: ServerShare; readonly clientCapabilities: readonly CapabilitySet[] } {
  const clientCapabilities = confirm.capabilitySets.map(decodeCapabilitySet);
  const general = findCapability(clientCapabilities, 'general');
  if (general === undefined) {
    throw new DecodeError('invalid_value', 'TS_CONFIRM_ACTIVE_PDU', 'capabilitySets', 0, 'no general capability set');
  }
  if (!(general.extraFlags & GeneralExtraFlags.fastPathOutput)) {
    throw new UnsupportedError('slow-path output', 'the client does not take fast-path updates');
  }
  const multifragment = findCapability(clientCapabilities, 'multifragmentUpdate');
  const { width, height, colorDepth } = demanded;
  const maxUpdateSize = Math.max(multifragment?.maxRequestSize ?? 0, MAX_UNFRAGMENTED_UPDATE);
  return { share: { shareId: confirm.shareId, width, height, colorDepth, maxUpdateSize }, clientCapabilities };
}

/** The desktop that a client asks for with its core data ([MS-RDPBCGR] 2.2.1.3.2), as far as the configuration lets it. */
export function requestedDesktop(core: ClientCoreData, fit: ServerConfig['fit']): Demanded {
  const asked = { width: desktopSize(core.desktopWidth), height: desktopSize(core.desktopHeight) };
  return { ...(fit?.(asked.width, asked.height) ?? asked), colorDepth: requestedColorDepth(core) };
}

/** 200 to 8192 pixels; a client that asks for more or less gets the nearest. */
function desktopSize(pixels: number): number {
  return Math.min(Math.max(pixels, 200), 8192);
}

function requestedColorDepth(core: ClientCoreData): ColorDepth {
  const { earlyCapabilityFlags = 0, supportedColorDepths = 0, highColorDepth, postBeta2ColorDepth } = core;
  const wants32 = (earlyCapabilityFlags & ClientEarlyCapability.want32BppSession) !== 0;
  if (wants32 && (supportedColorDepths & SupportedColorDepths.bpp32) !== 0) return 32;
  if (highColorDepth === 15 || highColorDepth === 16 || highColorDepth === 24) return highColorDepth;
  switch (postBeta2ColorDepth) {
    case RNS_UD_COLOR_16BPP_555:
      return 15;
    case RNS_UD_COLOR_24BPP:
      return 24;
    default:
      // Clients that ask for palettes only get the shallowest depth that has none.
      return 16;
  }
}

const RNS_UD_COLOR_16BPP_555 = 0xca02;
const RNS_UD_COLOR_24BPP = 0xca04;

/** [MS-RDPBCGR] 2.2.7.2.10.1.1: a server leaves the ids 0 and says nothing more of RemoteFX than four reserved bytes. */
const SERVER_CODECS = [CodecGuid.nsCodec, CodecGuid.remoteFx].map((guid) => ({
  guid,
  id: 0,
  properties: new Uint8Array(4),
}));

function serverCapabilities(width: number, height: number, colorDepth: ColorDepth): CapabilitySet[] {
  const cmdFlags =
    SurfaceCommandFlags.setSurfaceBits | SurfaceCommandFlags.frameMarker | SurfaceCommandFlags.streamSurfaceBits;
  return [
    { kind: 'share', nodeId: SERVER_USER_ID },
    {
      kind: 'general',
      osMajorType: 1,
      osMinorType: 3,
      protocolVersion: 0x0200,
      generalCompressionTypes: 0,
      extraFlags:
        GeneralExtraFlags.fastPathOutput |
        GeneralExtraFlags.longCredentials |
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
      preferredBitsPerPixel: colorDepth,
      receive1BitPerPixel: 1,
      receive4BitsPerPixel: 1,
      receive8BitsPerPixel: 1,
      desktopWidth: width,
      desktopHeight: height,
      desktopResizeFlag: 1,
      bitmapCompressionFlag: 1,
      highColorFlags: 0,
      // Not DRAW_ALLOW_DYNAMIC_COLOR_FIDELITY (0x02): no colours are reduced here, and FreeRDP takes pictures with an alpha plane for
      // others once it is said.
      drawingFlags: 0x04 | 0x08,
      multipleRectangleSupport: 1,
    },
    {
      kind: 'order',
      desktopSaveXGranularity: 1,
      desktopSaveYGranularity: 20,
      maximumOrderLevel: 1,
      numberFonts: 0,
      orderFlags: OrderFlags.negotiateOrderSupport | OrderFlags.zeroBoundsDeltasSupport,
      orderSupport: new Uint8Array(32),
      textFlags: 0,
      orderSupportExFlags: 0,
      desktopSaveSize: 0,
      textAnsiCodePage: 0,
    },
    {
      kind: 'pointer',
      colorPointerFlag: 1,
      colorPointerCacheSize: POINTER_CACHE_SIZE,
      pointerCacheSize: POINTER_CACHE_SIZE,
    },
    {
      kind: 'input',
      inputFlags: SUPPORTED_INPUT,
      keyboardLayout: 0,
      keyboardType: 0,
      keyboardSubType: 0,
      keyboardFunctionKey: 0,
      imeFileName: '',
    },
    { kind: 'virtualChannel', flags: 0, vcChunkSize: 1600 },
    { kind: 'font', fontSupportFlags: 1 },
    { kind: 'multifragmentUpdate', maxRequestSize: USUAL_UPDATE_SIZE },
    { kind: 'largePointer', largePointerSupportFlags: LargePointerFlags.size96 | LargePointerFlags.size384 },
    { kind: 'surfaceCommands', cmdFlags },
    // Which codecs a server has; it is the client that gives them numbers.
    { kind: 'bitmapCodecs', codecs: SERVER_CODECS },
    { kind: 'frameAcknowledge', maxUnacknowledgedFrameCount: 0 },
  ];
}
