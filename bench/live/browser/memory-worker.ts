import { UpdateCode } from '#protocol/graphics/update.ts';
import { CanvasSurface } from '../../../web-client/viewer/canvas-surface.ts';
import { StreamPainter } from '../../../web-client/viewer/stream-painter.ts';
import { decodeStream, nextFrame, type Stream } from '../streams/stream.ts';

/** Page to worker: open a stream on a canvas, then play it for a time. Each is answered when it is done; playing with the frames drawn. */
type Request =
  | { readonly canvas: OffscreenCanvas; readonly url: string }
  | { readonly milliseconds: number; readonly canvas?: undefined };

const nothing = (): void => {};
const painter = new StreamPainter({
  ...{ size: nothing, pointer: nothing, pointerPosition: nothing, dirty: nothing, soon: nothing },
  failed(error) {
    throw error;
  },
});
let surface: CanvasSurface;
let stream: Stream;
let index = 0;
let seq = 0;

self.addEventListener('message', async ({ data }: MessageEvent<Request>) => {
  if (data.canvas === undefined) self.postMessage(await play(data.milliseconds));
  else self.postMessage(await open(data.canvas, data.url));
});

async function open(canvas: OffscreenCanvas, url: string): Promise<void> {
  surface = new CanvasSurface(canvas);
  stream = decodeStream(new Uint8Array(await (await fetch(url)).arrayBuffer()));
  const size = new Uint8Array(Uint16Array.of(stream.width, stream.height).buffer);
  draw([{ code: UpdateCode.desktopReset, data: size }, ...(stream.frames[0]?.updates ?? [])]);
}

function play(milliseconds: number): Promise<number> {
  return new Promise((resolve) => {
    const until = performance.now() + milliseconds;
    let frames = 0;
    const frame = (): void => {
      index = nextFrame(stream, index);
      draw(stream.frames[index]?.updates ?? []);
      frames++;
      if (performance.now() < until) requestAnimationFrame(frame);
      else resolve(frames);
    };
    requestAnimationFrame(frame);
  });
}

function draw(updates: Stream['frames'][number]['updates']): void {
  painter.take({ type: 'graphics', seq: seq++, updates });
  painter.paint(surface);
}
