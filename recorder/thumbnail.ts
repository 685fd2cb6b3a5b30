import { describeExit, type Ffmpeg, pipeFfmpeg, QUIET } from './encoding/ffmpeg.ts';
import type { Segment } from './segments.ts';
import { piecesOf } from './storage/byte-source.ts';

export const THUMBNAIL_FILE = 'thumbnail.jpg';

/**
 * The thumbnail of a recording whose recorder is gone, and with it what `ThumbnailKeeper` had kept: a picture from the middle
 * segment, not far from its only key frame, for decoding a long way is not worth it. Rejects when there is none.
 */
export async function decodeThumbnail(segments: readonly Segment[], ffmpeg: Ffmpeg): Promise<Uint8Array> {
  const { scan, open } = segments[segments.length >> 1] as Segment;
  // The first frame at or after this moment is taken, so it must not be past the last one.
  const seconds = Math.max(0, Math.min(scan.lastFrameMs - 1, LATEST_MS) / 1000);
  const source = await open();
  const pieces: Buffer[] = [];
  try {
    const exit = await pipeFfmpeg(
      ffmpeg.path,
      [
        ...QUIET,
        // One thread: more would decode pictures that nobody sees.
        ...['-threads', '1', '-i', 'pipe:0', '-ss', seconds.toFixed(3), '-frames:v', '1'],
        ...['-vf', `scale='min(${WIDTH},iw)':-2`, '-q:v', '4', '-f', 'mjpeg', 'pipe:1'],
      ],
      TIMEOUT_MS,
      {
        input: piecesOf(source, 0, scan.playableBytes),
        output: async (bytes) => void pieces.push(Buffer.from(bytes)),
      },
    );
    if (exit.code !== 0 || pieces.length === 0) throw new Error(`nothing was decoded: ${describeExit(exit)}`);
    return Buffer.concat(pieces);
  } finally {
    await source.close();
  }
}

const WIDTH = 480;
const LATEST_MS = 10_000;
const TIMEOUT_MS = 5 * 60_000;
