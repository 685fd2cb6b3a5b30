import { type RawBuilder, sql } from 'kysely';

/**
 * A column in small letters, as far as `wanted` needs it, which is in small letters itself; for SQLite and PostgreSQL alike.
 * SQLite's lower() knows no letters but those of ASCII.
 */
export function lowered(column: string, wanted: string): RawBuilder<string> {
  let text = sql<string>`lower(${sql.ref(column)})`;
  for (const letter of new Set(wanted)) {
    const capital = letter.toUpperCase();
    const isPair = letter > '\x7f' && capital !== letter && capital.toLowerCase() === letter;
    if (isPair) text = sql<string>`replace(${text}, ${capital}, ${letter})`;
  }
  return text;
}
