import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Context } from 'koa';
import { GatewayError } from '../errors.ts';

export interface FileOptions {
  readonly type: string;
  /** Offers the file for saving under this name; without, it is for showing. */
  readonly downloadName?: string | undefined;
}

/**
 * Answers GET or HEAD with a file, or with the range of it that is asked for (RFC 9110 section 14). Several ranges
 * at once are answered with the whole file, as the RFC allows. Throws `not_found` or `range_not_satisfiable`.
 */
export async function sendFile(context: Context, path: string, options: FileOptions): Promise<void> {
  const file = await stat(path).catch(() => undefined);
  if (file === undefined || !file.isFile()) throw new GatewayError('not_found');
  const etag = `"${file.size.toString(36)}-${Math.trunc(file.mtimeMs).toString(36)}"`;
  context.set('Accept-Ranges', 'bytes');
  context.set('ETag', etag);
  context.set('Last-Modified', file.mtime.toUTCString());
  context.set('Cache-Control', 'private, no-cache');
  context.type = options.type;
  if (options.downloadName !== undefined) {
    context.set('Content-Disposition', `attachment; filename="${options.downloadName.replaceAll(/[^\w.-]/g, '_')}"`);
  }
  context.status = 200;
  if (context.fresh) {
    context.status = 304;
    return;
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
  if (context.method === 'HEAD') return;
  context.body = file.size > 0 ? createReadStream(path, { start, end }) : Buffer.alloc(0);
  context.type = options.type;
  context.length = end - start + 1;
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
