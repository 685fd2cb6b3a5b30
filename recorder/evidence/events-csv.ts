import type { RecordedEvent } from './event-log.ts';

/**
 * Events as CSV (RFC 4180) with a header line: number, time, video time in seconds, type, and the other fields as
 * JSON. A spreadsheet must not take a cell for a formula, so none begins as one does.
 */
export function eventsToCsv(events: readonly RecordedEvent[]): string {
  const rows = events.map(({ n, at, t, type, prev: _, ...fields }) => [
    String(n),
    moment(at),
    t === null ? '' : (t / 1000).toFixed(3),
    type,
    JSON.stringify(fields),
  ]);
  return [['n', 'at', 'video_seconds', 'type', 'fields'], ...rows]
    .map((row) => `${row.map(cell).join(',')}\r\n`)
    .join('');
}

/** Of a file that is not as it was signed, a time may be anything. */
function moment(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString();
}

function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
