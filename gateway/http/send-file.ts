import type { Readable } from 'node:stream';
import type { Context } from 'koa';
import { GatewayError } from '../errors.ts';

/** Bytes to answer with, wherever they are. */
export interface ServedFile {
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  /** Bytes from `start` to before `end`; closes the file when it ends, however it ends. */
  stream(start: number, end: number): Readable;
  /** Where no stream was taken. */
  close(): Promise<void>;
}

export interface FileOptions {
  readonly type: string;
  /** Offers the file for saving under this name; without, it is for showing. */
  readonly downloadName?: string | undefined;
}

/**
 * Answers GET or HEAD with a file, or with the range of it that is asked for (RFC 9110 section 14). Several ranges
 * at once are answered with the whole file, as the RFC allows. Throws `not_found` or `range_not_satisfiable`.
 */
export async function sendFile(context: Context, file: ServedFile | undefined, options: FileOptions): Promise<void> {
  if (file === undefined) throw new GatewayError('not_found');
  try {
    const range = answer(context, file, options);
    if (range === undefined) await file.close();
    else {
      context.body = file.stream(range.start, range.end);
      // Koa takes the length away when it gets a stream, and guesses a type.
      context.type = options.type;
      context.length = range.end - range.start;
    }
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Sets status and headers; what of the file is to be sent, if anything. */
function answer(
  context: Context,
  file: ServedFile,
  options: FileOptions,
): { readonly start: number; readonly end: number } | undefined {
  const etag = `"${file.size.toString(36)}-${Math.trunc(file.modifiedAt).toString(36)}"`;
  context.set('Accept-Ranges', 'bytes');
  context.set('ETag', etag);
  context.set('Last-Modified', new Date(file.modifiedAt).toUTCString());
  context.set('Cache-Control', 'private, no-cache');
  context.type = options.type;
  if (options.downloadName !== undefined) {
    context.set('Content-Disposition', `attachment; filename="${options.downloadName.replaceAll(/[^\w.-]/g, '_')}"`);
  }
  context.status = 200;
  if (context.fresh) {
    context.status = 304;
    return undefined;
  }

  const range = isRangeWanted(context, etag) ? parseRange(context.get('Range'), file.size) : undefined;
  if (range === 'unsatisfiable') {
    context.remove('Content-Type');
    context.remove('Content-Disposition');
    context.set('Content-Range', `bytes */${file.size}`);
    throw new GatewayError('range_not_satisfiable');
  }
  const { start, end } = range ?? { start: 0, end: file.size - 1 };
  if (range !== undefined) {
    context.status = 206;
    context.set('Content-Range', `bytes ${start}-${end}/${file.size}`);
  }
  context.length = end - start + 1;
  // For HEAD, Koa sends the headers as they are. An empty file has no last byte to stop at.
  if (context.method === 'HEAD') return undefined;
  if (file.size === 0) {
    context.body = Buffer.alloc(0);
    return undefined;
  }
  return { start, end: end + 1 };
}

/**
 * Reads a `Range` header against a size; both ends inclusive. `undefined`: serve the whole file.
 */
export function parseRange(header: string, size: number): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim());
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, end };
}

/** `If-Range`: a part is of use only when the rest, fetched before, is of the same file. */
function isRangeWanted(context: Context, etag: string): boolean {
  const condition = context.get('If-Range');
  return context.get('Range') !== '' && (condition === '' || condition === etag);
}
