import { type Ffmpeg, pipeFfmpeg, QUIET } from './ffmpeg.ts';
import type { Segment } from './segments.ts';
import { piecesOf } from './storage/byte-source.ts';
import type { RecordingFolder } from './storage/recording-folder.ts';

export const THUMBNAIL_FILE = 'thumbnail.jpg';

/**
 * A picture from the middle segment, not far from its only key frame: decoding a long way for a thumbnail is not worth it.
 * `false`: there is none, which costs the library a picture and the recording nothing.
 */
export async function writeThumbnail(
  folder: RecordingFolder,
  segments: readonly Segment[],
  ffmpeg: Ffmpeg,
): Promise<boolean> {
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
    if (exit.code !== 0 || pieces.length === 0) return false;
    await folder.write(THUMBNAIL_FILE, Buffer.concat(pieces));
    return true;
  } catch {
    return false;
  } finally {
    await source.close();
  }
}

const WIDTH = 480;
const LATEST_MS = 10_000;
const TIMEOUT_MS = 5 * 60_000;
