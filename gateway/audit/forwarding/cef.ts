import { isIPv4, isIPv6 } from 'node:net';
import { outcomeOf } from '../audit-search.ts';
import type { ExportedRow } from '../export.ts';

/** Of 10: what was refused is worth a second look. */
const SEVERITY = { done: 3, refused: 6 } as const;

/**
 * A row in the Common Event Format, version 0:
 * `CEF:0|vendor|product|version|event class|name|severity|key=value …`. Custom fields carry the subject, the session and the
 * row's hash; `externalId` is its number.
 */
export function cefEvent(row: ExportedRow, version: string): string {
  const outcome = outcomeOf(row.action);
  const name = row.action.replaceAll(/[._]/g, ' ');
  const header = ['Oriel', 'Oriel', version, row.action, name].map(headerValue).join('|');
  const fields: Readonly<Record<string, string | null>> = {
    rt: String(row.at),
    externalId: row.number === 0 ? null : String(row.number),
    suser: row.actor,
    suid: row.actorId,
    src: isIPv4(row.address) ? row.address : null,
    c6a2Label: isIPv6(row.address) ? 'Source IPv6 Address' : null,
    c6a2: isIPv6(row.address) ? row.address : null,
    outcome: outcome === 'done' ? 'success' : 'failure',
    ...labelled('cs1', 'subject', row.subject),
    ...labelled('cs2', 'sessionId', row.sessionId ?? ''),
    ...labelled('cs3', 'hash', row.hash),
    msg: row.details === '{}' ? null : row.details,
  };
  const extension = Object.entries(fields)
    .filter(([, value]) => value !== null && value !== '')
    .map(([key, value]) => `${key}=${extensionValue(value ?? '')}`)
    .join(' ');
  return `CEF:0|${header}|${SEVERITY[outcome]}|${extension}`;
}

function labelled(key: string, label: string, value: string): Record<string, string> {
  return value === '' ? {} : { [`${key}Label`]: label, [key]: value };
}

/** In the header a pipe and a backslash are escaped, and there is no second line. */
function headerValue(text: string): string {
  return text.replaceAll(/[\\|]/g, '\\$&').replaceAll(/[\r\n]+/g, ' ');
}

/** In the extension an equals sign and a backslash are escaped, and line ends are written as such. */
function extensionValue(text: string): string {
  return text.replaceAll(/[\\=]/g, '\\$&').replaceAll('\r', '\\r').replaceAll('\n', '\\n');
}
