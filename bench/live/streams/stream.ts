import type { GraphicsUpdate } from '#protocol/graphics/update.ts';

/**
 * What a server draws, encoded once and replayed to any number of clients: the graphics updates as a client's session
 * hands them over (the graphics pipeline's messages decompressed), with their times. The first frame draws the whole desktop;
 * the others repeat for as long as somebody watches.
 */
export interface Stream {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** How long the frames after the first take before they begin again. */
  readonly loopMs: number;
  /** Frames after the first are not sent by the clock but as answers, one to each key. */
  readonly onKeys: boolean;
  readonly frames: readonly StreamFrame[];
}

export interface StreamFrame {
  /** Milliseconds since the beginning of the loop. */
  readonly at: number;
  readonly updates: readonly GraphicsUpdate[];
}

/** A line of JSON, then the updates' data one after another. */
export function encodeStream({ frames, ...facts }: Stream): Uint8Array {
  const header = {
    version: FORMAT_VERSION,
    ...facts,
    frames: frames.map(({ at, updates }) => ({ at, updates: updates.map(({ code, data }) => [code, data.length]) })),
  };
  const parts = frames.flatMap(({ updates }) => updates.map(({ data }) => data));
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...parts]);
}

/** @throws Error where the file is none, or one of another version */
export function decodeStream(file: Uint8Array): Stream {
  const end = file.indexOf(LINE_FEED);
  const header = JSON.parse(new TextDecoder().decode(file.subarray(0, Math.max(0, end)))) as StreamHeader;
  if (header.version !== FORMAT_VERSION) throw new Error(`a stream of version ${header.version}`);
  let at = end + 1;
  const frames = header.frames.map((frame) => ({
    at: frame.at,
    updates: frame.updates.map(([code, length]) => {
      const data = file.subarray(at, at + length);
      at += length;
      return { code, data };
    }),
  }));
  if (at !== file.length) throw new Error(`a stream of ${at} bytes in a file of ${file.length}`);
  const { name, width, height, loopMs, onKeys } = header;
  return { name, width, height, loopMs, onKeys, frames };
}

/** Index of the frame that comes after one. A stream of one picture has nothing to repeat. */
export function nextFrame(stream: Stream, index: number): number {
  return index + 1 < stream.frames.length ? index + 1 : Math.min(1, stream.frames.length - 1);
}

const LINE_FEED = 0x0a;

/** Of the files that streams are kept in, captures among them. */
const FORMAT_VERSION = 1;

interface StreamHeader extends Omit<Stream, 'frames'> {
  readonly version: number;
  readonly frames: readonly { readonly at: number; readonly updates: readonly (readonly [number, number])[] }[];
}
