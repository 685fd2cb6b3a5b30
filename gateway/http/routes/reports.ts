import { Readable } from 'node:stream';
import { csvLine } from '../../audit/csv.ts';
import { GatewayError } from '../../errors.ts';
import { type Report, type ReportFilter, type ReportKind, reportKinds } from '../../reports/reports.ts';
import { moment } from '../access-schemas.ts';
import { type Route, route } from '../route.ts';
import { array, flag, nullable, object, text, time } from '../schemas.ts';
import type { Services } from '../services.ts';

const part = { type: 'string', minLength: 1, maxLength: 128 };
const summaries: Readonly<Record<ReportKind, string>> = {
  access: 'Who could reach what, as it was entitled then',
  sessions: 'Who connected to what',
  recordings: 'What was recorded, and what became of it',
  reviews: 'What was reviewed, and what waits for it',
};
const ids: Readonly<Record<ReportKind, string>> = {
  access: 'reportAccess',
  sessions: 'reportSessions',
  recordings: 'reportRecordings',
  reviews: 'reportReviews',
};
const query = {
  from: { ...moment, description: 'of what was so, or happened, from this moment on' },
  to: { ...moment, description: 'and before this one' },
  person: { ...part, description: 'part of the name' },
  target: { ...part, description: 'part of the name' },
  format: { enum: ['json', 'csv'], default: 'json' },
};
const cell = { type: ['string', 'number', 'boolean', 'null'] };
const response = object({
  kind: { enum: [...reportKinds] },
  from: time,
  to: time,
  knownFrom: { ...nullable(time), description: 'nothing is known of who could reach what before' },
  madeAt: time,
  madeBy: text,
  columns: array(text),
  rows: array({ type: 'object', additionalProperties: cell }),
  cut: { ...flag, description: 'whether there was more than a report holds' },
});

/** Reports for the auditor. */
export function reportRoutes({ reports, audit }: Services): Route[] {
  return reportKinds.map((kind) =>
    route<undefined, ReportFilter & { format: 'json' | 'csv' }>({
      method: 'get',
      path: `/api/reports/${kind}`,
      id: ids[kind],
      tag: 'reports',
      summary: summaries[kind],
      access: 'audit.view',
      query: object(query, ['person', 'target', 'format']),
      status: 200,
      response,
      errors: [],
      async handle({ query: { format, ...filter }, actor, address, context }) {
        const [from, to] = [Date.parse(filter.from), Date.parse(filter.to)];
        if (!(from < to)) throw new GatewayError('bad_request', 'query.from must be before query.to');
        const report = await reports.make(kind, filter);
        const details = { ...filter, format, rows: report.rows.length };
        if (context.method === 'GET')
          await audit.record({ action: 'report.made', actor, address, subject: kind, details });
        if (format === 'json') return { ...report, madeAt: new Date().toISOString(), madeBy: actor.username };
        const name = `oriel-${kind}-${filter.from.slice(0, 10)}-${filter.to.slice(0, 10)}.csv`;
        context.set('Content-Disposition', `attachment; filename="${name}"`);
        context.type = 'text/csv; charset=utf-8';
        return Readable.from(csvOf(report));
      },
    }),
  );
}

function* csvOf({ columns, rows }: Report): Generator<string> {
  yield csvLine(columns);
  for (const row of rows) yield csvLine(columns.map((column) => row[column]));
}
