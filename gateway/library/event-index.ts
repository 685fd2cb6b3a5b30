import { createHmac } from 'node:crypto';
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { RecordingEvent } from '../evidence/evidence.ts';
import { isDeleted } from '../retention/deleted.ts';
import type { Store } from '../store/store.ts';
import { Turns } from '../turns.ts';
import { type EventWords, MOMENTS, textsOf } from './event-text.ts';
import { MIN_WORD, typedWords, wordForm } from './typed-text.ts';

/**
 * Finds recordings by what is in their events: words of the events from their beginnings on, in any case and without
 * accents; words that were typed, whole. Of what was typed only keyed hashes are kept, so that the database does not
 * hold what the recordings are encrypted for.
 *
 * INVARIANT: all SQL that is not portable (the full-text table) is in this file.
 */
export class EventIndex {
  readonly #store: Store;
  readonly #key: Uint8Array;

  /** @param key what typed words are hashed with: 32 bytes, the same for as long as there are recordings */
  constructor(store: Store, key: Uint8Array) {
    this.#store = store;
    this.#key = key;
  }

  /** Takes a finished recording's events in, in place of what was known of it. Of one that is being deleted, nothing. */
  async add(id: string, events: readonly RecordingEvent[]): Promise<void> {
    const texts = textsOf(events);
    const typed = new Map<string, number>();
    for (const { at, text } of typedWords(events)) {
      const word = wordForm(text);
      if (word.length >= MIN_WORD && !typed.has(word)) typed.set(word, at);
    }
    await this.#store.transaction().execute(async (transaction) => {
      await remove(transaction, id);
      if (await isDeleted(transaction, id)) return;
      const { id: row } = await transaction
        .insertInto('indexed_recordings')
        .values({ session_id: id, version: VERSION })
        .returning('id')
        .executeTakeFirstOrThrow();
      const text = texts.map((line) => line.text).join('\n');
      await transaction.insertInto('event_text').values({ rowid: row, text }).execute();
      const lines = texts.map((line) => ({ session_id: id, ...line }));
      for (let i = 0; i < lines.length; i += ROWS_AT_ONCE) {
        await transaction
          .insertInto('event_lines')
          .values(lines.slice(i, i + ROWS_AT_ONCE))
          .execute();
      }
      const words = [...typed].map(([word, at]) => ({ word: this.#hash(word), session_id: id, at }));
      for (let i = 0; i < words.length; i += ROWS_AT_ONCE) {
        await transaction
          .insertInto('typed_words')
          .values(words.slice(i, i + ROWS_AT_ONCE))
          .execute();
      }
    });
  }

  /** Forgets a recording. */
  async remove(id: string): Promise<void> {
    await this.#store.transaction().execute((transaction) => remove(transaction, id));
  }

  /** Finished recordings that are not in the index, the newest first. */
  async missing(): Promise<string[]> {
    const rows = await this.#store
      .selectFrom('sessions')
      .select('id')
      .where('recording', '=', 'ready')
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('indexed_recordings')
              .select('session_id')
              .whereRef('session_id', '=', 'sessions.id')
              .where('version', '=', VERSION),
          ),
        ),
      )
      .orderBy('created_at', 'desc')
      .execute();
    return rows.map(({ id }) => id);
  }

  /** A condition on `sessions`: a word is in the events of the recording. */
  condition(word: string): RawBuilder<SqlBool> {
    const inText = sql`sessions.id in (select session_id from indexed_recordings
      where id in (select rowid from event_text where event_text match ${phrase(word)}))`;
    const form = wordForm(word);
    if (form.length < MIN_WORD) return sql<SqlBool>`${inText}`;
    return sql<SqlBool>`(${inText} or sessions.id in (
      select session_id from typed_words where word = ${this.#hash(form)}))`;
  }

  /** Where in these recordings the words are: a few moments of each, in the order of time. */
  async moments(ids: readonly string[], words: readonly string[]): Promise<ReadonlyMap<string, EventWords[]>> {
    const found = new Map<string, EventWords[]>();
    if (ids.length === 0 || words.length === 0) return found;
    const hashes = words
      .map(wordForm)
      .filter((form) => form.length >= MIN_WORD)
      .map((form) => this.#hash(form));
    const typed =
      hashes.length === 0
        ? []
        : await this.#store
            .selectFrom('typed_words')
            .select(['session_id', 'at'])
            .where('word', 'in', hashes)
            .where('session_id', 'in', [...ids])
            .execute();
    for (const { session_id: id, at } of typed) append(found, id, { at, text: TYPED });
    const patterns = words.map(patternOf);
    const turns = new Turns();
    for (const id of ids) {
      const lines = await this.#store
        .selectFrom('event_lines')
        .select(['at', 'text'])
        .where('session_id', '=', id)
        .execute();
      for (const { at, text } of lines) {
        if (turns.isOver) await turns.pass();
        if (patterns.some((pattern) => pattern.test(plain(text))))
          append(found, id, { at, text: text.slice(0, SNIPPET) });
      }
    }
    for (const list of found.values()) list.sort((a, b) => a.at - b.at).splice(MOMENTS);
    return found;
  }

  #hash(form: string): Uint8Array {
    return Uint8Array.from(createHmac('sha256', this.#key).update(form).digest().subarray(0, 16));
  }
}

/** Grows when more is taken from the events: older rows are then made anew. */
const VERSION = 1;
const ROWS_AT_ONCE = 200;
const SNIPPET = 200;
const TYPED = 'typed';

/** As the full-text index finds it: at the beginning of a word, in any case, without accents. */
function patternOf(word: string): RegExp {
  const literal = plain(word)
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
  return literal === ''
    ? NOTHING
    : new RegExp(`(?:^|[^\\p{L}\\p{N}])${literal.replaceAll(' ', '[^\\p{L}\\p{N}]+')}`, 'u');
}

function plain(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
}

const NOTHING = /(?!)/;

function append(found: Map<string, EventWords[]>, id: string, words: EventWords): void {
  const list = found.get(id);
  if (list === undefined) found.set(id, [words]);
  else list.push(words);
}

/** The beginning of a word, or of several one behind another where the word has marks in it: `srv-01`, `10.0.0.5`. */
function phrase(word: string): string {
  // For SQLite a query ends at its first zero, and would end within the quotation.
  return `"${word.replaceAll('"', '""').replaceAll('\0', ' ')}"*`;
}

async function remove(store: Store, id: string): Promise<void> {
  const row = await store
    .deleteFrom('indexed_recordings')
    .where('session_id', '=', id)
    .returning('id')
    .executeTakeFirst();
  if (row !== undefined) await store.deleteFrom('event_text').where('rowid', '=', row.id).execute();
  await store.deleteFrom('event_lines').where('session_id', '=', id).execute();
  await store.deleteFrom('typed_words').where('session_id', '=', id).execute();
}
