import { ENCODED_STREAM, encoderArguments, type Ffmpeg, pipeOrThrow } from './encoding/ffmpeg.ts';
import type { Manifest, ManifestSegment } from './manifest.ts';
import { type FragmentScan, scanFragments } from './mp4/fragmented-mp4.ts';
import { Fragmenter } from './mp4/fragments.ts';
import { RecorderError } from './recording.ts';
import { type ByteSource, piecesOf, readablePart } from './storage/byte-source.ts';
import type { RecordingFolder } from './storage/recording-folder.ts';

/** A segment of which something can be played. */
export interface Segment {
  readonly entry: ManifestSegment;
  readonly scan: FragmentScan;
  /** It is the copy on a larger canvas. */
  readonly encodedAgain: boolean;
  /** Not kept open: a long session has more segments than a process may have files. */
  open(): Promise<ByteSource>;
}

/** What is left of the segments in a folder, whatever became of their writers; says in the manifest what is not. */
export async function findSegments(folder: RecordingFolder, manifest: Manifest): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (const entry of manifest.segments) {
    const damaged = (how: string): void => {
      entry.problem ??= how;
    };
    const scan = await scanSegment(folder, entry.file, damaged).catch((cause: Error) => {
      damaged(`cannot be read: ${cause.message}`);
      return undefined;
    });
    if (scan === undefined) {
      entry.problem ??= 'no frame of it reached the disk';
      entry.frames = 0;
      continue;
    }
    entry.frames = scan.frames.length;
    entry.bytes = scan.playableBytes;
    entry.durationMs = scan.lastFrameMs;
    segments.push({ entry, scan, encodedAgain: false, open: () => openSegment(folder, entry.file) });
  }
  return segments;
}

/** All segments of the size of the largest: those that are not are encoded again, centred. */
export async function putOnOneCanvas(
  folder: RecordingFolder,
  segments: readonly Segment[],
  ffmpeg: Ffmpeg,
): Promise<{ segments: Segment[]; width: number; height: number }> {
  const width = Math.max(...segments.map(({ entry }) => entry.width));
  const height = Math.max(...segments.map(({ entry }) => entry.height));
  const reference = segments.findLast(({ entry }) => entry.width === width && entry.height === height);
  const encode = (segment: Segment) => encodeOnCanvas(folder, segment, width, height, ffmpeg);
  let fitting: Segment[] = [];
  for (const segment of segments) {
    const fits = reference !== undefined && sameConfiguration(segment, reference);
    fitting.push(fits ? segment : await encode(segment));
  }
  const joins = () => fitting.every((segment) => sameConfiguration(segment, fitting[0] as Segment));
  if (!joins()) {
    // Begun by an older version, or with another ffmpeg: what those encoded does not join with what is encoded now.
    const all: Segment[] = [];
    for (const segment of fitting) all.push(segment.encodedAgain ? segment : await encode(segment));
    fitting = all;
  }
  if (!joins()) throw new RecorderError('recording_failed', 'the segments do not join');
  return { segments: fitting, width, height };
}

/** Name of a segment's copy on a larger canvas. */
export function canvasFile(file: string): string {
  return file.replace('.mp4', '.canvas.mp4');
}

async function encodeOnCanvas(
  folder: RecordingFolder,
  { entry, scan, open }: Segment,
  width: number,
  height: number,
  ffmpeg: Ffmpeg,
): Promise<Segment> {
  const file = canvasFile(entry.file);
  const left = ((width - entry.width) >> 1) & ~1;
  const top = ((height - entry.height) >> 1) & ~1;
  const source = await open();
  const writer = await folder.createLog(file);
  const fragmenter = new Fragmenter(width, height);
  try {
    await pipeOrThrow(
      ffmpeg,
      [
        ...['-i', 'pipe:0', ...ffmpeg.passthrough],
        ...['-vf', `pad=${width}:${height}:${left}:${top}`],
        // Finer than the original: encoding twice must not cost legibility twice.
        ...encoderArguments({ width, height, qp: entry.qp - CANVAS_QP_STEP }),
        ...ENCODED_STREAM,
        'pipe:1',
      ],
      {
        input: piecesOf(source, 0, scan.playableBytes),
        async output(bytes) {
          for (const piece of fragmenter.push(bytes)) await writer.append(piece);
        },
      },
      'a segment cannot be put on the larger canvas',
    );
    await writer.end();
  } finally {
    await writer.abandon();
    await source.close();
  }
  const again = await scanSegment(folder, file);
  if (again === undefined) throw new RecorderError('recording_failed', `segment ${file} is empty after letterboxing`);
  return { entry, scan: again, encodedAgain: true, open: () => openSegment(folder, file) };
}

async function scanSegment(
  folder: RecordingFolder,
  file: string,
  damaged: (how: string) => void = () => {},
): Promise<FragmentScan | undefined> {
  const source = await folder.openLog(file);
  if (source === undefined) return undefined;
  try {
    // What a power cut, or somebody, left of a piece in its middle must not cost what is before.
    const part = await readablePart(source);
    if (part.size < source.size) damaged(`cannot be read from byte ${part.size} of ${source.size} on`);
    return await scanFragments(part);
  } finally {
    await source.close();
  }
}

async function openSegment(folder: RecordingFolder, file: string): Promise<ByteSource> {
  const source = await folder.openLog(file);
  if (source === undefined) throw new RecorderError('recording_failed', `segment ${file} is gone`);
  return source;
}

function sameConfiguration(a: Segment, b: Segment): boolean {
  return Buffer.from(a.scan.configuration).equals(b.scan.configuration);
}

const CANVAS_QP_STEP = 3;
