/** What a spreadsheet would take for a formula. */
const FORMULA = /^['=+\-@\t\r\n]/;

/**
 * One line of CSV, RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe in front, and so does
 * one that begins with an apostrophe: `parseCsvLine` takes exactly that one away again.
 */
export function csvLine(values: readonly (string | number | boolean | null | undefined)[]): string {
  return `${values.map(csvField).join(',')}\r\n`;
}

function csvField(value: string | number | boolean | null | undefined): string {
  const text = value === null || value === undefined ? '' : String(value);
  const safe = typeof value === 'string' && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The values of one record without its line end; nothing where it is no CSV. */
export function parseCsvRecord(record: string): string[] | undefined {
  const values: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|$)/y;
  for (;;) {
    const match = field.exec(record);
    if (match === null) return undefined;
    const [, quoted, plain = '', separator] = match;
    const text = quoted === undefined ? plain : quoted.replaceAll('""', '"');
    values.push(/^''|^'[=+\-@\t\r\n]/.test(text) ? text.slice(1) : text);
    if (separator === '') return values;
  }
}
