import { ReadCursor, WriteCursor } from '../core/cursor.ts';
import { DecodeError, UsageError } from '../core/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../core/text.ts';
import { TunnelLimits } from './limits.ts';

/** A cursor over one whole message, once its size is known to be allowed. */
export function openMessage(bytes: Uint8Array, context: string, limit: number): ReadCursor {
  if (bytes.length > limit) {
    throw new DecodeError('limit_exceeded', context, 'size', 0, `${bytes.length} bytes, at most ${limit}`);
  }
  return new ReadCursor(bytes, context);
}

export function readPhase(cursor: ReadCursor): string {
  if (cursor.remaining > TunnelLimits.phaseBytes) throw cursor.error('limit_exceeded', 'phase');
  return decodeUtf8(cursor.rest());
}

/** A message whose whole body is one JSON object. */
export function writeJson(type: number, body: Record<string, string | number>): Uint8Array<ArrayBuffer> {
  const text = encodeUtf8(JSON.stringify(body));
  if (text.length > TunnelLimits.jsonBytes) throw new UsageError(`JSON body of ${text.length} bytes`);
  const cursor = new WriteCursor(1 + text.length); // type, JSON
  cursor.u8(type);
  cursor.bytes(text);
  return cursor.finish();
}

/** Reads the rest of a message as one JSON object. Its values are whatever the peer put there. */
export function readJson(cursor: ReadCursor): Readonly<Record<string, unknown>> {
  if (cursor.remaining > TunnelLimits.jsonBytes) throw cursor.error('limit_exceeded', 'JSON body');
  const at = cursor.position;
  let body: unknown;
  try {
    body = JSON.parse(decodeUtf8(cursor.rest()));
  } catch (cause) {
    throw new DecodeError('invalid_value', cursor.context, 'JSON body', at, 'not JSON', { cause });
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new DecodeError('invalid_value', cursor.context, 'JSON body', at, 'not an object');
  }
  return body as Readonly<Record<string, unknown>>;
}

/** A text of a JSON body, within its limit. */
export function textField(cursor: ReadCursor, body: Readonly<Record<string, unknown>>, field: string): string {
  const value = Object.hasOwn(body, field) ? body[field] : undefined;
  if (typeof value !== 'string') throw cursor.error('invalid_value', field, 'not a text');
  if (value.length > TunnelLimits.textLength) throw cursor.error('limit_exceeded', field);
  return value;
}
