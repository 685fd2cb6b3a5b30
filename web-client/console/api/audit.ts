import { request } from './request.ts';
import type { AuditEntry } from './types.ts';

/** What the audit log is looked through for; what is absent does not matter. */
export interface AuditFilter {
  readonly action?: string;
  readonly person?: string;
  readonly subject?: string;
  readonly sessionId?: string;
  readonly outcome?: 'done' | 'refused';
  readonly search?: string;
  readonly from?: string;
  readonly to?: string;
}

export interface TrailCheck {
  readonly at: string;
  readonly by: string;
  readonly text: string;
  readonly report: {
    readonly verdict: 'whole' | 'altered' | 'cut-short' | 'not-checkable';
    readonly rows: number;
    readonly signedUpTo: number | null;
  };
}

export interface TrailIntegrity {
  readonly rows: number;
  readonly head: { readonly number: number; readonly hash: string; readonly at: string; readonly key: string } | null;
  readonly archives: readonly {
    readonly from: number;
    readonly to: number;
    readonly at: string;
    readonly file: string;
    readonly digest: string;
    /** Null: the file was moved elsewhere. */
    readonly bytes: number | null;
  }[];
}

export interface ReceiverFields {
  readonly name: string;
  readonly enabled: boolean;
  readonly format: 'rfc5424' | 'cef';
  readonly transport: 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
  readonly authorities: string;
  readonly clientCertificate: string;
  readonly confirmation: 'close' | 'none';
}

export interface Receiver extends ReceiverFields {
  readonly id: string;
  readonly hasClientKey: boolean;
  readonly cursor: number;
  readonly behind: number;
  readonly behindSince: string | null;
  readonly sentAt: string | null;
  readonly failedAt: string | null;
  readonly lastError: string;
}

export const reportKinds = ['access', 'sessions', 'recordings', 'reviews'] as const;
export type ReportKind = (typeof reportKinds)[number];

export interface ReportFilter {
  readonly from: string;
  readonly to: string;
  readonly person?: string;
  readonly target?: string;
}

export interface Report {
  readonly kind: ReportKind;
  readonly from: string;
  readonly to: string;
  readonly knownFrom: string | null;
  readonly madeAt: string;
  readonly madeBy: string;
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, string | number | boolean | null>>[];
  readonly cut: boolean;
}

/** The audit trail: read, checked, forwarded, reported on. */
export const trail = {
  /** The newest first; before the entry with this id. */
  list: (filter: AuditFilter, limit: number, before?: number, signal?: AbortSignal) =>
    request<readonly AuditEntry[]>('GET', `/audit${queryOf({ ...filter, limit, before })}`, undefined, signal),
  exportUrl: (filter: AuditFilter, format: 'jsonl' | 'csv') => `/api/audit/export${queryOf({ ...filter, format })}`,
  integrity: (signal?: AbortSignal) => request<TrailIntegrity>('GET', '/audit/integrity', undefined, signal),
  verify: () => request<TrailCheck>('POST', '/audit/verification'),
  archiveUrl: (from: number) => `/api/audit/archives/${from}`,
  settings: (signal?: AbortSignal) =>
    request<{ readonly keepDays: number | null }>('GET', '/settings/audit', undefined, signal),
  changeSettings: (keepDays: number | null) => request<object>('PATCH', '/settings/audit', { keepDays }),
  receivers: (signal?: AbortSignal) => request<readonly Receiver[]>('GET', '/audit/receivers', undefined, signal),
  addReceiver: (fields: ReceiverFields & { readonly clientKey?: string; readonly everything: boolean }) =>
    request<Receiver>('POST', '/audit/receivers', fields),
  changeReceiver: (id: string, fields: Partial<ReceiverFields> & { readonly clientKey?: string | null }) =>
    request<Receiver>('PATCH', `/audit/receivers/${encodeURIComponent(id)}`, fields),
  removeReceiver: (id: string) => request<void>('DELETE', `/audit/receivers/${encodeURIComponent(id)}`),
  testReceiver: (id: string) => request<void>('POST', `/audit/receivers/${encodeURIComponent(id)}/test`),
  rewindReceiver: (id: string, number: number) =>
    request<Receiver>('POST', `/audit/receivers/${encodeURIComponent(id)}/rewind`, { number }),
  report: (kind: ReportKind, filter: ReportFilter, signal?: AbortSignal) =>
    request<Report>('GET', `/reports/${kind}${queryOf(filter)}`, undefined, signal),
  reportUrl: (kind: ReportKind, filter: ReportFilter, format: 'json' | 'csv') =>
    `/api/reports/${kind}${queryOf({ ...filter, format })}`,
};

function queryOf(fields: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  return query.size === 0 ? '' : `?${query}`;
}
