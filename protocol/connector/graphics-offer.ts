/** Which of the ways to send pictures a client offers besides classic bitmaps, and how it says so. */
import { DRDYNVC_CHANNEL } from '../channels/dynamic-channels.ts';
import { WriteCursor } from '../core/cursor.ts';
import { SurfaceCodecId } from '../graphics/surface-codecs.ts';
import { type BitmapCodec, CodecGuid } from '../pdu/capability-sets.ts';
import { type ChannelDefinition, ChannelOptions } from '../pdu/gcc-client-data.ts';
import type { ClientConfig } from './types.ts';

/**
 * A way to send pictures. Classic bitmaps are always understood and not listed.
 *
 * - `surface`: uncompressed surface commands, with frame markers and Frame Acknowledge
 * - `nscodec`, `remotefx`: surface commands with these codecs; either brings `surface` along
 * - `rdpgfx`: the graphics pipeline over a dynamic virtual channel
 */
export type GraphicsKind = 'surface' | 'nscodec' | 'remotefx' | 'rdpgfx';

export const GRAPHICS_KINDS: readonly GraphicsKind[] = ['surface', 'nscodec', 'remotefx', 'rdpgfx'];

/**
 * What gives the best picture that each server has: exact wherever it can be. RemoteFX and NSCodec lose detail at
 * servers that would send the same exactly (xrdp 0.9, weston), and take several times the decoding; they are for
 * links too thin for that.
 */
export const DEFAULT_GRAPHICS: readonly GraphicsKind[] = ['surface', 'rdpgfx'];

/** The part of a client's configuration that a graphics offer fills in. */
export type GraphicsConfig = Pick<
  ClientConfig,
  'codecs' | 'surfaceCommands' | 'maxUnacknowledgedFrames' | 'dynamicGraphics' | 'channels'
>;

/** Turns a list of kinds into configuration; spread the result into `ClientConfig`. */
export function offerGraphics(kinds: readonly GraphicsKind[]): GraphicsConfig {
  const codecs: BitmapCodec[] = [];
  if (kinds.includes('nscodec')) codecs.push(nsCodec());
  if (kinds.includes('remotefx')) codecs.push(remoteFx());
  const surfaceCommands = codecs.length > 0 || kinds.includes('surface');
  return {
    ...(codecs.length > 0 && { codecs }),
    ...(surfaceCommands && { surfaceCommands, maxUnacknowledgedFrames: FRAMES_AHEAD }),
    ...(kinds.includes('rdpgfx') && { dynamicGraphics: true, channels: [DYNAMIC_CHANNELS] }),
  };
}

/** The static channel that carries the dynamic ones. */
export const DYNAMIC_CHANNELS: ChannelDefinition = {
  name: DRDYNVC_CHANNEL,
  options: (ChannelOptions.initialized | ChannelOptions.encryptRdp) >>> 0,
};

/** Frames that a server may have on the way: enough for a far server at 30 frames a second, and few to catch up with. */
const FRAMES_AHEAD = 4;

/** [MS-RDPNSC] 2.2.1 TS_NSCODEC_CAPABILITYSET: the least loss of colour that a server is willing to send. */
function nsCodec(): BitmapCodec {
  const allowDynamicFidelity = 1;
  const allowSubsampling = 1;
  const colorLossLevel = 1;
  return {
    guid: CodecGuid.nsCodec,
    id: SurfaceCodecId.nsCodec,
    properties: Uint8Array.of(allowDynamicFidelity, allowSubsampling, colorLossLevel),
  };
}

const CARDP_CAPS_CAPTURE_NON_CAC = 0x1;
const CBY_CAPS = 0xcbc0;
const CBY_CAPSET = 0xcbc1;
const CLY_CAPSET = 0xcfc0;
const CLW_VERSION_1_0 = 0x0100;
const CT_TILE_64X64 = 0x0040;
/** TS_RFX_ICAP `flags` without CODEC_MODE: headers need not come with every frame. */
const VIDEO_MODE = 0x00;
const CLW_COL_CONV_ICT = 0x1;
const CLW_XFORM_DWT_53_A = 0x1;
const CLW_ENTROPY_RLGR1 = 0x01;
const CLW_ENTROPY_RLGR3 = 0x04;

/** [MS-RDPRFX] 2.2.1.1 TS_RFX_CLNT_CAPS_CONTAINER with one capability set (2.2.1.1.1) of two variants (2.2.1.1.1.1.1). */
function remoteFx(): BitmapCodec {
  const icapSize = 2 + 2 + 1 + 1 + 1 + 1; // version, tileSize, flags, colConvBits, transformBits, entropyBits
  const entropies = [CLW_ENTROPY_RLGR1, CLW_ENTROPY_RLGR3];
  const capsetSize = 2 + 4 + 1 + 2 + 2 + 2 + entropies.length * icapSize; // blockType … icapLen, icapsData
  const capsSize = 2 + 4 + 2 + capsetSize; // blockType, blockLen, numCapsets, capsetsData
  const size = 4 + 4 + 4 + capsSize; // length, captureFlags, capsLength, capsData
  const cursor = new WriteCursor(size);
  cursor.u32(size);
  cursor.u32(CARDP_CAPS_CAPTURE_NON_CAC);
  cursor.u32(capsSize);
  cursor.u16(CBY_CAPS);
  cursor.u32(2 + 4 + 2); // blockLen counts TS_RFX_CAPS alone
  cursor.u16(1); // numCapsets
  cursor.u16(CBY_CAPSET);
  cursor.u32(capsetSize);
  cursor.u8(1); // codecId of [MS-RDPRFX], always 1
  cursor.u16(CLY_CAPSET);
  cursor.u16(entropies.length);
  cursor.u16(icapSize);
  for (const entropy of entropies) {
    cursor.u16(CLW_VERSION_1_0);
    cursor.u16(CT_TILE_64X64);
    cursor.u8(VIDEO_MODE);
    cursor.u8(CLW_COL_CONV_ICT);
    cursor.u8(CLW_XFORM_DWT_53_A);
    cursor.u8(entropy);
  }
  return { guid: CodecGuid.remoteFx, id: SurfaceCodecId.remoteFx, properties: cursor.finish() };
}
