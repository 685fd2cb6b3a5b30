import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { runCommand } from '../lab/processes.ts';

/** What ffprobe says of a video file. */
export interface VideoFacts {
  readonly codec: string;
  readonly profile: string;
  readonly pixelFormat: string;
  readonly width: number;
  readonly height: number;
  /** Of the container, seconds. */
  readonly seconds: number;
  readonly streams: number;
}

export function probeVideo(file: string): VideoFacts {
  const json = JSON.parse(
    runCommand(['ffprobe', '-v', 'error', '-of', 'json', '-show_format', '-show_streams', file]).toString(),
  ) as { format: { duration: string }; streams: Record<string, string | number>[] };
  const video = json.streams.find((stream) => stream.codec_type === 'video') ?? {};
  return {
    codec: String(video.codec_name),
    profile: String(video.profile),
    pixelFormat: String(video.pix_fmt),
    width: Number(video.width),
    height: Number(video.height),
    seconds: Number(json.format.duration),
    streams: json.streams.length,
  };
}

/** Decodes the whole file and returns what the decoder complained about: nothing, for a file that any player plays. */
export function decodingErrors(file: string): string {
  // With the file's own times: at a frame rate that ffmpeg guesses, frames that come close together would be complained of.
  const command = 'ffmpeg -nostdin -v error -i "$0" -fps_mode passthrough -enc_time_base -1 -f null - 2>&1';
  return runCommand(['sh', '-c', command, file]).toString();
}

/** The last picture of a video, as PNG. */
export function lastFrame(file: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'oriel-frame-'));
  try {
    const picture = join(folder, 'last.png');
    runCommand([
      'ffmpeg',
      '-nostdin',
      '-v',
      'error',
      '-y',
      '-i',
      file,
      '-fps_mode',
      'passthrough',
      '-update',
      '1',
      picture,
    ]);
    return readFileSync(picture);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Reads the text of a picture, as tesseract does. */
export async function readText(picture: Buffer): Promise<string> {
  // tesseract is made for scans at 300 dpi; screen text is about 100.
  const enlarged = await sharp(picture).greyscale().resize({ width: 3072, kernel: 'cubic' }).png().toBuffer();
  return runCommand(['tesseract', '-', '-', '--psm', '6'], { input: enlarged }).toString();
}

/**
 * Whether `words` stand somewhere in what tesseract read. It takes an l for an i even in a lossless picture now and then: one character
 * of twenty may be wrong, so words of fewer than twenty characters are read exactly or not at all.
 */
export function isLegible(words: string, text: string): boolean {
  return misreadCharacters(words, text) <= Math.floor(words.length / 20);
}

/** Fewest characters to change, to add or to leave out that make `words` of a part of `text`. */
function misreadCharacters(words: string, text: string): number {
  // Edit distances of the words so far to what ends at each place of the text, from wherever it begins.
  let distances = Array.from({ length: text.length + 1 }, () => 0);
  for (const [index, wanted] of [...words].entries()) {
    const next = [index + 1];
    for (let at = 1; at <= text.length; at++) {
      const replaced = (distances[at - 1] ?? 0) + (text[at - 1] === wanted ? 0 : 1);
      next.push(Math.min(replaced, (distances[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1));
    }
    distances = next;
  }
  return Math.min(...distances);
}
