import type { Generated } from 'kysely';

/** The tables of keeping and finding recordings. */
export interface RetentionSchema {
  legal_holds: LegalHoldsTable;
  retention_rules: RetentionRulesTable;
  event_text: EventTextTable;
  typed_words: TypedWordsTable;
  event_lines: EventLinesTable;
  indexed_recordings: IndexedRecordingsTable;
}

/** Recordings that nothing deletes. Names are copied in, as in `sessions`. */
export interface LegalHoldsTable {
  session_id: string;
  placed_at: number;
  placed_by_id: string;
  placed_by: string;
  reason: string;
}

/** Targets with a rule of their own; the default is in `settings`. Null: no limit. */
export interface RetentionRulesTable {
  target_id: string;
  max_age_days: number | null;
  max_bytes: number | null;
}

/** Full-text index: one row for each recording, numbered as in `indexed_recordings`. */
export interface EventTextTable {
  rowid: number;
  text: string;
}

/** What the events of a recording say, each at its moment. */
export interface EventLinesTable {
  session_id: string;
  /** Milliseconds of the video. */
  at: number;
  text: string;
}

/** Words that were typed, as keyed hashes: they can be found by who knows them, and not read. */
export interface TypedWordsTable {
  word: Uint8Array;
  session_id: string;
  at: number;
}

/** Recordings whose events are in the index. */
export interface IndexedRecordingsTable {
  id: Generated<number>;
  session_id: string;
  /** Of what the index takes from an event. */
  version: number;
}
