import type { AuditArchiveRow } from '../store/audit-schema.ts';
import {
  checkText,
  type SignatureCheck,
  type Signed,
  signText,
  type TrailSigner,
  type TrustedKey,
} from './signatures.ts';

/** What is signed about a closed range of rows that went out of the database into a file. */
export interface ArchiveStatement extends Signed {
  readonly from: number;
  readonly to: number;
  /** What the first row follows. */
  readonly previous: string;
  /** Of the last row. */
  readonly last: string;
  readonly file: string;
  /** SHA-256 of the file, hex. */
  readonly digest: string;
  readonly at: string;
}

export function signArchive(signer: TrailSigner, statement: Omit<ArchiveStatement, keyof Signed>): ArchiveStatement {
  return { ...statement, ...signText(signer, archiveText(statement)) };
}

export function checkArchive(statement: ArchiveStatement, keys: readonly TrustedKey[]): SignatureCheck {
  return checkText(archiveText(statement), statement, keys);
}

export function toStatement(row: AuditArchiveRow): ArchiveStatement {
  const { from_number: from, to_number: to, previous_hash: previous, last_hash: last, file, digest, at } = row;
  return { from, to, previous, last, file, digest, at, key: row.key_id, signature: row.signature };
}

function archiveText({ from, to, previous, last, file, digest, at }: Omit<ArchiveStatement, keyof Signed>): string {
  return `oriel-audit-archive-1\n${JSON.stringify([from, to, previous, last, file, digest, at])}`;
}
