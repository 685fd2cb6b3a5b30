import { outcomeOf } from '../audit-search.ts';
import type { ExportedRow } from '../export.ts';
import { jsonRow } from '../export.ts';
import { type Head, headLine } from '../signatures.ts';
import { cefEvent } from './cef.ts';

export const syslogFormats = ['rfc5424', 'cef'] as const;
export type SyslogFormat = (typeof syslogFormats)[number];

/** Who sends. */
export interface Sender {
  readonly hostname: string;
  readonly version: string;
}

/**
 * The structured data's id. 32473 is the enterprise number that RFC 5612 sets aside for documentation: Oriel has none of
 * its own.
 */
export const SD_ID = 'oriel@32473';

/** RFC 5424 6.2.1: facility 13 is "log audit"; severity 4 is "warning", 5 "notice". */
const FACILITY = 13;
const WARNING = 4;
const NOTICE = 5;
/** RFC 5424 6.1: what every receiver should take. Our own header and structured data fit into the rest. */
const MAX_MESSAGE_BYTES = 8192;

/**
 * One row of the trail as a message of RFC 5424.
 *
 * The structured data has what one filters by, with the row's number, by which a receiver knows what it has already. The
 * text is the row as an export writes it, so that it can be checked, or a CEF event.
 *
 * @param resent whether it may have arrived before
 */
export function rowMessage(row: ExportedRow, format: SyslogFormat, sender: Sender, resent: boolean): Uint8Array {
  const outcome = outcomeOf(row.action);
  const parameters = {
    number: String(row.number),
    actor: row.actor,
    subject: row.subject,
    address: row.address,
    session: row.sessionId ?? '',
    outcome,
    hash: row.hash,
    ...(resent ? { resent: 'yes' } : {}),
  };
  const header = headerOf(outcome === 'refused' ? WARNING : NOTICE, new Date(row.at), sender, row.action, parameters);
  const textOf = (some: ExportedRow) =>
    format === 'cef' ? cefEvent(some, sender.version) : ascii(jsonRow(some).trimEnd());
  const message = Buffer.from(`${header} ${textOf(row)}`);
  if (message.length <= MAX_MESSAGE_BYTES) return message;
  // Whoever needs the details finds them by the number.
  return Buffer.from(`${header} ${textOf({ ...row, details: '{"cut":true}' })}`);
}

/** A signed head: who has it finds out that the end of the trail was cut off. */
export function headMessage(head: Head, format: SyslogFormat, sender: Sender): Uint8Array {
  return plainMessage('trail.head', new Date(head.at), headLine(head), format, sender);
}

/** Shows that a receiver is reached. */
export function testMessage(by: string, at: Date, format: SyslogFormat, sender: Sender): Uint8Array {
  return plainMessage('trail.test', at, `${by} tries whether the audit trail arrives`, format, sender);
}

/** RFC 6587 3.4.1 and RFC 5425 4.3: octet counting. */
export function frame(message: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
}

function plainMessage(id: string, at: Date, text: string, format: SyslogFormat, sender: Sender): Uint8Array {
  const row = { number: 0, at: at.getTime(), actorId: null, actor: '', address: '', subject: '', sessionId: null };
  const event = { ...row, action: id, details: text, previous: '', hash: '' };
  const body = format === 'cef' ? cefEvent(event, sender.version) : ascii(text);
  return Buffer.from(`${headerOf(NOTICE, at, sender, id, {})} ${body}`);
}

/** RFC 5424 6: the header and the structured data. */
function headerOf(
  severity: number,
  at: Date,
  { hostname }: Sender,
  id: string,
  parameters: Readonly<Record<string, string>>,
): string {
  const data = Object.entries(parameters)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => ` ${name}="${parameterValue(value)}"`)
    .join('');
  const structured = data === '' ? '-' : `[${SD_ID}${data}]`;
  const host = printable(hostname, 255);
  return `<${FACILITY * 8 + severity}>1 ${at.toISOString()} ${host} oriel - ${printable(id, 32)} ${structured}`;
}

/** RFC 5424 6.3.3; and no line ends, which some receivers take for the end of the message. */
function parameterValue(value: string): string {
  return value.replaceAll(/\p{Cc}/gu, ' ').replaceAll(/["\\\]]/g, '\\$&');
}

/** RFC 5424 6: PRINTUSASCII. */
function printable(text: string, length: number): string {
  return text.replaceAll(/[^\u0021-\u007e]/g, '_').slice(0, length) || '-';
}

/** JSON in ASCII says the same, and needs no byte order mark (RFC 5424 6.4). */
function ascii(text: string): string {
  return text.replaceAll(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
