import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { every } from '../beat.ts';
import type { Logger } from '../log.ts';
import type { Notifier } from '../notifications/kinds.ts';
import { SettingsDocument } from '../settings/document.ts';
import type { Store } from '../store/store.ts';
import { type ArchiveStatement, signArchive, toStatement } from './archive.ts';
import type { Audit } from './audit.ts';
import { type AuditFilter, AuditSearch } from './audit-search.ts';
import { GENESIS, toTrailRow } from './chain.ts';
import { type ExportedRow, type ExportFormat, exportTrail } from './export.ts';
import { HeadKeeper, type Standing } from './head-keeper.ts';
import type { Head, TrailSigner } from './signatures.ts';
import { describeTrailReport, type TrailReport, verifyTrail } from './verify.ts';

export interface TrailSettings {
  /** How long rows stay in the database; null: always. Older ones go into archives. */
  readonly keepDays: number | null;
}

export interface TrailParts {
  readonly store: Store;
  readonly audit: Audit;
  readonly signer: TrailSigner;
  readonly notifier: Notifier;
  readonly log: Logger;
  /** The file with the signed heads. */
  readonly headsFile: string;
  readonly archiveFolder: string;
  /** The last row that every receiver has; rows after it stay. */
  forwardedUpTo(): Promise<number>;
  readonly now?: () => number;
}

/** At least as much as a report over a quarter needs. */
export const MIN_KEEP_DAYS = 30;
const ARCHIVE_EVERY_MS = 60 * 60_000;
const DAY_MS = 86_400_000;

/** The trail as a whole: signed, checked, exported, and its old rows archived. */
export class Trail {
  readonly search: AuditSearch;
  readonly heads: HeadKeeper;
  readonly #parts: TrailParts;
  readonly #settings: SettingsDocument<TrailSettings>;
  readonly #now: () => number;
  #endArchiving: (() => void) | undefined;
  #archiving: Promise<ArchiveStatement | undefined> | undefined;

  constructor(parts: TrailParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    this.search = new AuditSearch(parts.store);
    this.#settings = new SettingsDocument<TrailSettings>(parts.store, 'audit', { keepDays: null });
    const { store, signer, headsFile: file, log } = parts;
    this.heads = new HeadKeeper({ store, signer, file, log, now: this.#now });
    parts.audit.onRecorded(() => this.heads.changed());
  }

  /** Looks whether the rows are still those that were signed last, says so if not, and goes on. */
  async start(): Promise<void> {
    const { audit, store } = this.#parts;
    await mkdir(this.#parts.archiveFolder, { recursive: true, mode: 0o700 });
    const begun = await store.selectFrom('audit').select('id').where('action', '=', 'trail.started').limit(1).execute();
    const standing = await this.heads.standing();
    // What was there before is chained as it was found: the chain says nothing about the time before this row.
    if (begun.length === 0 && (await this.heads.latest()) === undefined) {
      await audit.record({ action: 'trail.started', details: { rowsFromBefore: standing.last } });
    }
    if (standing.broken !== undefined) await this.#sayBroken(standing.broken, standing);
    await this.heads.sign();
    await this.#removeDrafts();
    this.#endArchiving = every(ARCHIVE_EVERY_MS, () => this.archiveQuietly());
    this.archiveQuietly();
  }

  /** Signs what was written last. */
  async stop(): Promise<void> {
    this.#endArchiving?.();
    await this.#archiving?.catch(() => undefined);
    await this.heads.stop();
  }

  settings(): Promise<TrailSettings> {
    return this.#settings.read();
  }

  async change(change: Partial<TrailSettings>): Promise<TrailSettings> {
    const changed = await this.#settings.change(change);
    this.archiveQuietly();
    return changed;
  }

  /** Holds every row against the chain, the heads (those of the file, too) and the archives' statements. */
  async verify(): Promise<{ readonly text: string; readonly report: TrailReport }> {
    await this.#archiving?.catch(() => undefined);
    // Heads before rows: none of them then names a row that is written only now.
    const heads = [...(await this.heads.fileHeads()), ...(await this.heads.list())];
    const last = await this.search.last();
    const report = await verifyTrail({
      rows: this.#chained(last?.id ?? 0),
      heads,
      archives: await this.archives(),
      keys: await this.#parts.signer.trustedKeys(),
    });
    return { text: describeTrailReport(report), report };
  }

  /** The text of an export, in pieces, as far as the trail has come now. */
  async export(format: ExportFormat, filter: AuditFilter, by: string): Promise<AsyncGenerator<string>> {
    const { signer } = this.#parts;
    const head = await this.heads.sign();
    const rows = this.#exported(filter, head?.number ?? 0);
    return exportTrail({ format, rows, by, filter: { ...filter }, head, signer, now: this.#now });
  }

  /** The rows that follow this one, the oldest first. */
  async after(number: number, limit: number): Promise<ExportedRow[]> {
    const rows = await this.search.after(number, limit);
    let previous = rows[0] === undefined ? '' : await this.#previousOf(rows[0].id);
    return rows.map((row) => {
      const exported = { ...toTrailRow(row), previous, hash: row.hash };
      previous = row.hash;
      return exported;
    });
  }

  async archives(): Promise<ArchiveStatement[]> {
    const rows = await this.#parts.store.selectFrom('audit_archives').selectAll().orderBy('from_number').execute();
    return rows.map(toStatement);
  }

  /** Where an archive's file is, unless somebody moved it. */
  archivePath(file: string): string {
    return join(this.#parts.archiveFolder, file);
  }

  archiveQuietly(): void {
    this.archive().catch((error: unknown) => this.#parts.log.error({ err: error }, 'old rows could not be archived'));
  }

  /** Takes the rows that are older than the settings say into a file, as one closed range. */
  archive(): Promise<ArchiveStatement | undefined> {
    this.#archiving ??= this.#archive().finally(() => {
      this.#archiving = undefined;
    });
    return this.#archiving;
  }

  async #archive(): Promise<ArchiveStatement | undefined> {
    const { store, audit, signer, archiveFolder, forwardedUpTo } = this.#parts;
    const { keepDays } = await this.#settings.read();
    if (keepDays === null) return undefined;
    const before = this.#now() - keepDays * DAY_MS;
    const young = await store
      .selectFrom('audit')
      .select('id')
      .where('at', '>=', before)
      .orderBy('id')
      .limit(1)
      .execute();
    const newest = (await this.search.last())?.id ?? 0;
    // Never the last one: the next row follows it.
    const to = Math.min((young[0]?.id ?? newest) - 1, newest - 1, await forwardedUpTo());
    const [first] = await store.selectFrom('audit').select('id').orderBy('id').limit(1).execute();
    const last = await this.search.hashOf(to);
    if (first === undefined || last === undefined || to < first.id) return undefined;
    const head = await this.heads.sign();
    const file = `audit-${first.id}-${to}.jsonl`;
    const rows = this.#exported({}, to);
    const text = exportTrail({ format: 'jsonl', rows, by: '', filter: {}, head, signer, now: this.#now });
    const digest = await writeWhole(join(archiveFolder, file), text);
    const previous = await this.#previousOf(first.id);
    const at = new Date(this.#now()).toISOString();
    const statement = signArchive(signer, { from: first.id, to, previous, last, file, digest, at });
    await store.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('audit_archives')
        .values({
          from_number: statement.from,
          to_number: to,
          previous_hash: previous,
          last_hash: last,
          file,
          digest,
          at,
          key_id: statement.key,
          signature: statement.signature,
        })
        .execute();
      await transaction.deleteFrom('audit').where('id', '<=', to).execute();
      const details = { from: first.id, to, keepDays, digest };
      await audit.record({ action: 'trail.archived', subject: file, details }, transaction);
    });
    return statement;
  }

  async *#chained(last: number) {
    for await (const row of this.search.rows({}, last)) yield { ...toTrailRow(row), hash: row.hash };
  }

  async *#exported(filter: AuditFilter, last: number): AsyncGenerator<ExportedRow> {
    let before: { readonly number: number; readonly hash: string } | undefined;
    for await (const row of this.search.rows(filter, last)) {
      const previous = before?.number === row.id - 1 ? before.hash : await this.#previousOf(row.id);
      before = { number: row.id, hash: row.hash };
      yield { ...toTrailRow(row), previous, hash: row.hash };
    }
  }

  async #previousOf(number: number): Promise<string> {
    const { store } = this.#parts;
    const row = await store
      .selectFrom('audit')
      .select('hash')
      .where('id', '<', number)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (row !== undefined) return row.hash;
    const archive = await store
      .selectFrom('audit_archives')
      .select('last_hash')
      .orderBy('to_number', 'desc')
      .limit(1)
      .executeTakeFirst();
    return archive?.last_hash ?? GENESIS;
  }

  async #sayBroken(head: Head, { last }: Standing): Promise<void> {
    const { audit, notifier, log } = this.#parts;
    const facts = { signedRow: head.number, signedAt: head.at, lastRow: last };
    log.error(facts, 'the audit trail is not the one that was signed last');
    await audit.record({ action: 'trail.broken', details: facts });
    await notifier.publish({
      kind: 'trail.broken',
      title: 'The audit trail is not the one that was signed last',
      text:
        head.number > last
          ? `Row ${head.number} was signed at ${head.at}, and at this start the trail ended with row ${last}. A restored backup explains it; nothing else does.`
          : `Row ${head.number} is not the one that was signed at ${head.at}. A restored backup may explain it.`,
      path: '/admin/audit/integrity',
      audience: {},
      facts,
    });
  }

  /** What a crash left half written. */
  async #removeDrafts(): Promise<void> {
    const { archiveFolder } = this.#parts;
    for (const name of await readdir(archiveFolder)) {
      if (name.endsWith('.part')) await rm(join(archiveFolder, name), { force: true });
    }
  }
}

/** Returns the SHA-256 of what was written, hex. The file is there whole, on the disk, or not at all. */
async function writeWhole(path: string, text: AsyncIterable<string>): Promise<string> {
  const digest = createHash('sha256');
  const draft = `${path}.part`;
  const file = await open(draft, 'w', 0o600);
  try {
    for await (const piece of text) {
      digest.update(piece);
      await file.appendFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  return digest.digest('hex');
}
