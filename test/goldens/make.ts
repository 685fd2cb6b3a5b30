/**
 * Makes the goldens anew: `node test/goldens/make.ts own` from our own encoders, `node test/goldens/make.ts servers`
 * from the lab's servers, as root. Each is held against the truth before it is written.
 */

import { officePicture } from '../../bench/codecs/pictures.ts';
import { encodeGfxPdu } from '../../protocol/channels/rdpgfx/encode-pdu.ts';
import { encodeInterleavedRle } from '../../protocol/codecs/interleaved-rle-encoder.ts';
import { encodeNsCodec } from '../../protocol/codecs/nscodec-encoder.ts';
import type { PixelSource } from '../../protocol/codecs/pixel-target.ts';
import { encodePlanar } from '../../protocol/codecs/planar-encoder.ts';
import { offerGraphics } from '../../protocol/connector/graphics-offer.ts';
import { concatBytes } from '../../protocol/core/bytes.ts';
import { WriteCursor } from '../../protocol/core/cursor.ts';
import { GfxPainter } from '../../protocol/graphics/gfx-painter.ts';
import { SurfaceCodecId } from '../../protocol/graphics/surface-codecs.ts';
import { type GraphicsUpdate, UpdateCode } from '../../protocol/graphics/update.ts';
import { type BitmapRectangle, encodeBitmapUpdate, sizeOfBitmapUpdate } from '../../protocol/pdu/bitmap-update.ts';
import { encodeSurfaceCommand, SurfaceCommandType, sizeOfSurfaceCommand } from '../../protocol/pdu/surface-command.ts';
import { connectTo, drawsPicture, drawsWhatXShows, type Nearness } from '../lab/client.ts';
import { startShadow } from '../lab/shadow.ts';
import { startWeston } from '../lab/weston.ts';
import { startXrdp } from '../lab/xrdp.ts';
import { writeGolden } from './files.ts';

const WIDTH = 320;
const HEIGHT = 240;

const [what] = process.argv.slice(2);
if (what === 'own') await makeOwn();
else if (what === 'servers') await captureServers();
else throw new Error('say own or servers');
process.exit(0);

function desktopReset(width: number, height: number): GraphicsUpdate {
  return { code: UpdateCode.desktopReset, data: Uint8Array.of(width & 0xff, width >> 8, height & 0xff, height >> 8) };
}

async function makeOwn(): Promise<void> {
  const source = officePicture(WIDTH, HEIGHT);
  const whole = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
  for (const codec of ['uncompressed', 'planar', 'clearcodec', 'remotefx', 'progressive'] as const) {
    const painter = new GfxPainter(WIDTH, HEIGHT);
    const part = { x: 37, y: 50, width: 130, height: 71 };
    const pdus = [
      ...painter.open(),
      ...painter.frame(source, [whole], codec),
      ...painter.frame(officePicture(WIDTH, HEIGHT), [part], codec),
    ];
    const data = concatBytes(...pdus.map(encodeGfxPdu));
    await writeGolden(`own-gfx-${codec}`, [desktopReset(640, 480), { code: UpdateCode.graphicsPipeline, data }]);
  }
  for (const [name, data] of [
    ['own-nscodec', encodeNsCodec(source, 'bottom-up', { colorLossLevel: 1, subsampled: false })],
    ['own-nscodec-subsampled', encodeNsCodec(source, 'bottom-up', { colorLossLevel: 3, subsampled: true })],
  ] as const) {
    const place = { type: SurfaceCommandType.setSurfaceBits, destLeft: 0, destTop: 0, width: WIDTH, height: HEIGHT };
    const command = { kind: 'bits', ...place, bitsPerPixel: 32, codecId: SurfaceCodecId.nsCodec, data } as const;
    const cursor = new WriteCursor(sizeOfSurfaceCommand(command));
    encodeSurfaceCommand(command, cursor);
    const update = { code: UpdateCode.surfaceCommands, data: cursor.finish() };
    await writeGolden(name, [desktopReset(WIDTH, HEIGHT), update]);
  }
  // Bitmaps of 64 by 60 pixels, since one is at most 64 KB.
  for (const [name, bitsPerPixel, encode] of [
    ['own-planar', 32, encodePlanar],
    ['own-rle-16', 16, (tile: PixelSource) => encodeInterleavedRle(tile, 16)],
    ['own-rle-24', 24, (tile: PixelSource) => encodeInterleavedRle(tile, 24)],
  ] as const) {
    const rectangles: BitmapRectangle[] = [];
    for (let y = 0; y < HEIGHT; y += 60) {
      for (let x = 0; x < WIDTH; x += 64) {
        const data = encode({ ...source, x, y, width: 64, height: 60 });
        if (data === undefined) throw new Error(`${name} does not compress`);
        const place = { destLeft: x, destTop: y, destRight: x + 63, destBottom: y + 59, width: 64, height: 60 };
        rectangles.push({ ...place, bitsPerPixel, compressed: true, data });
      }
    }
    const update = { rectangles };
    const cursor = new WriteCursor(sizeOfBitmapUpdate(update));
    encodeBitmapUpdate(update, cursor);
    await writeGolden(name, [desktopReset(WIDTH, HEIGHT), { code: UpdateCode.bitmap, data: cursor.finish() }]);
  }
}

async function captureServers(): Promise<void> {
  const exact: Nearness = { tolerance: 0 };
  const lossy: Nearness = { psnr: 35 };
  const nla = 'never';
  const shadow = await startShadow({ security: 'tls', width: WIDTH, height: HEIGHT });
  for (const [name, options, nearness] of [
    ['shadow-planar', {}, exact],
    ['shadow-rle-16', { colorDepth: 16 }, { tolerance: 8 }],
    ['shadow-remotefx', offerGraphics(['remotefx']), lossy],
  ] as const) {
    const updates: GraphicsUpdate[] = [];
    const client = connectTo(shadow, { nla, ...options }, (update) => updates.push(update));
    await drawsWhatXShows(client, await shadow.desktop(), nearness);
    await writeGolden(name, updates);
    client.connection.close();
  }
  await shadow.stop();

  const weston = await startWeston(WIDTH, HEIGHT);
  for (const [name, options, nearness] of [
    ['weston-nscodec', offerGraphics(['nscodec']), lossy],
    ['weston-remotefx', offerGraphics(['remotefx']), lossy],
  ] as const) {
    const updates: GraphicsUpdate[] = [];
    const client = connectTo(weston, { nla, ...options }, (update) => updates.push(update));
    await drawsPicture(client, () => weston.picture, { ...nearness, area: weston.belowPointer });
    await writeGolden(name, updates);
    client.connection.close();
  }
  await weston.stop();

  for (const [name, options, nearness] of [
    ['xrdp-planar', {}, exact],
    ['xrdp-rle-24', { colorDepth: 24 }, exact],
    ['xrdp-rle-15', { colorDepth: 15 }, { tolerance: 8 }],
    ['xrdp-remotefx', offerGraphics(['remotefx']), lossy],
  ] as const) {
    const xrdp = await startXrdp();
    const updates: GraphicsUpdate[] = [];
    const size = { width: 640, height: 480 };
    const client = connectTo(xrdp, { nla, ...size, ...options }, (update) => updates.push(update));
    await drawsWhatXShows(client, await xrdp.desktop(), nearness);
    await writeGolden(name, updates);
    client.connection.close();
    await xrdp.stop();
  }
}
