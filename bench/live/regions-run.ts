import { Compositor } from '#protocol/graphics/compositor.ts';
import { createSurfaceCodecs } from '#protocol/graphics/surface-codecs.ts';
import { UpdateCode } from '#protocol/graphics/update.ts';
import { decodeGatewayMessage } from '#protocol/tunnel/messages.ts';
import { RegionsViewer } from '../../gateway/pixels/regions-viewer.ts';
import { psnr } from './psnr.ts';
import { round } from './rows.ts';
import { nextFrame, type Stream } from './streams/stream.ts';
import { Pasteboard } from './viewers/pasteboard.ts';
import type { Picture } from './viewers/viewer.ts';

/** What one viewer in Regions mode was sent, without a gateway or a network between. KB are 1000 bytes. */
export interface RegionsRow {
  readonly scenario: string;
  readonly size: string;
  readonly server: string;
  readonly kbPerMin: number;
  readonly picturesPerMin: number;
  /** Of what the viewer shows each second, while it moves, against what it was cut from: the mean of their noise. */
  readonly psnr: number | null;
  /** Three seconds after the last change. */
  readonly settledPsnr: number | null;
  /** User and system time of cutting and encoding, without decoding the server's stream. */
  readonly cpuSecondsPerMin: number;
}

/** Before it counts: the first picture, and its sharpening. */
const WARM_UP_MS = 5000;
const SETTLING_MS = 3000;
/** From a picture's last byte to its acknowledgement: half a frame of a screen, and a local network. */
const ACKNOWLEDGED_AFTER_MS = 12;
const STEP_MS = 2;
/** Who types, types five letters a second. */
const KEY_MS = 200;

/** Plays a stream to a viewer by a clock of its own: the same bytes on every machine, however fast it is. */
export async function runRegions(stream: Stream, seconds: number): Promise<Omit<RegionsRow, 'scenario' | 'server'>> {
  const { width, height, frames } = stream;
  const compositor = new Compositor(createSurfaceCodecs());
  const size = Uint8Array.of(width & 0xff, width >>> 8, height & 0xff, height >>> 8);
  compositor.apply({ code: UpdateCode.desktopReset, data: size });
  let now = 1;
  let counting = false;
  let bytes = 0;
  let pictures = 0;
  const acknowledgements: { readonly seq: number; readonly at: number }[] = [];
  const board = new Pasteboard();
  const take = (message: Uint8Array) => {
    if (counting) bytes += message.length;
    const decoded = decodeGatewayMessage(message);
    if (decoded.type === 'desktop-size') board.resize(decoded.width, decoded.height);
    if (decoded.type !== 'regions') return;
    if (counting) pictures++;
    acknowledgements.push({ seq: decoded.seq, at: now + ACKNOWLEDGED_AFTER_MS });
    for (const region of decoded.regions) {
      const { x, y, width, height } = region;
      if (region.encoding === 'copy') board.copy({ x: region.fromX, y: region.fromY, width, height }, x, y);
      else board.paste(x, y, { encoding: region.encoding, bytes: region.bytes, width, height });
    }
  };
  const viewer = new RegionsViewer({ send: take }, () => now);
  viewer.resized(width, height, now);
  const cpu = { user: 0, system: 0 };
  const shownPicture = async () => (await board.picture()) as Picture;
  const truth = (): Picture => ({ width, height, pixels: new Uint8Array(compositor.pixels) });

  let index = -1;
  let due = 1;
  let roundAt = 1;
  const runUntil = async (end: number, moving: boolean, sampled?: () => Promise<void>): Promise<void> => {
    let sampleAt = now + 1000;
    for (; now < end; now += STEP_MS) {
      while (moving && due <= now) play();
      while ((acknowledgements[0]?.at ?? Number.POSITIVE_INFINITY) <= now) {
        viewer.acknowledge(acknowledgements.shift()!.seq, now);
      }
      const dueAt = viewer.dueAt();
      if (dueAt === undefined || dueAt > now) continue;
      const before = process.cpuUsage();
      await viewer.flush(compositor, compositor.pointer, now, 0);
      const spent = process.cpuUsage(before);
      if (counting) {
        cpu.user += spent.user;
        cpu.system += spent.system;
      }
      if (sampled === undefined || now < sampleAt) continue;
      sampleAt += 1000;
      await sampled();
    }
  };
  const play = (): void => {
    index = index < 0 ? 0 : nextFrame(stream, index);
    for (const update of frames[index]?.updates ?? []) compositor.apply(update);
    viewer.damaged(compositor.takeDamage(), now);
    const next = nextFrame(stream, index);
    if (next <= index) roundAt += stream.loopMs;
    due = stream.onKeys ? due + KEY_MS : roundAt + (frames[next]?.at ?? 0);
    // A stream of one picture has nothing to repeat.
    if (frames.length < 2) due = Number.POSITIVE_INFINITY;
  };

  await runUntil(WARM_UP_MS, true);
  counting = true;
  const noise: number[] = [];
  await runUntil(now + seconds * 1000, true, async () => {
    const value = psnr(await shownPicture(), truth());
    if (value !== null) noise.push(10 ** (-value / 10));
  });
  counting = false;
  await runUntil(now + SETTLING_MS, false);
  const settled = psnr(await shownPicture(), truth());
  const mean = noise.length === 0 ? null : -10 * Math.log10(noise.reduce((sum, one) => sum + one, 0) / noise.length);
  const minutes = seconds / 60;
  return {
    size: `${width}x${height}`,
    kbPerMin: round(bytes / 1000 / minutes, 1),
    picturesPerMin: round(pictures / minutes, 1),
    psnr: mean === null ? null : round(mean, 2),
    settledPsnr: settled === null ? null : round(settled, 2),
    cpuSecondsPerMin: round((cpu.user + cpu.system) / 1e6 / minutes, 2),
  };
}
