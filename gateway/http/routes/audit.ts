import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { type AuditFilter, auditOutcomes } from '../../audit/audit-search.ts';
import { changesOf } from '../../audit/changes.ts';
import { type ExportFormat, exportFormats } from '../../audit/export.ts';
import { MIN_KEEP_DAYS, type TrailSettings } from '../../audit/trail.ts';
import { GatewayError } from '../../errors.ts';
import { moment } from '../access-schemas.ts';
import { type Route, route } from '../route.ts';
import { array, count, fingerprint, nullable, object, ref, text, time } from '../schemas.ts';
import { sendFile } from '../send-file.ts';
import type { Services } from '../services.ts';

const part = { type: 'string', minLength: 1, maxLength: 128 };
const filters = {
  action: {
    type: 'string',
    pattern: '^[a-z_]{1,32}([.][a-z_]{1,32})?$',
    description: 'such as login.failed; or how some begin, such as login',
  },
  person: { ...part, description: 'part of the name of whoever did it' },
  subject: { ...part, description: 'part of the name of what it was done to' },
  sessionId: { type: 'string', maxLength: 32 },
  outcome: { enum: [...auditOutcomes], description: 'refused: what was wanted and did not come about' },
  search: { ...part, description: 'part of any name, address or detail' },
  from: { ...moment, description: 'at this moment or later' },
  to: { ...moment, description: 'before this moment' },
};

/** The trail: looked through, exported, checked. */
export function auditRoutes(services: Services): Route[] {
  return [...readingRoutes(services), ...integrityRoutes(services), ...settingRoutes(services)];
}

function readingRoutes({ audit, trail }: Services): Route[] {
  return [
    route<undefined, AuditFilter & { limit: number; before?: number }>({
      method: 'get',
      path: '/api/audit',
      id: 'listAudit',
      tag: 'audit',
      summary: 'Who did what, the newest first',
      access: 'audit.view',
      query: object(
        {
          limit: { type: 'integer', minimum: 1, maximum: 1000, default: 200 },
          before: { type: 'integer', minimum: 1, description: 'id of the last entry seen' },
          ...filters,
        },
        ['limit', 'before', ...Object.keys(filters)],
      ),
      status: 200,
      response: array(ref('AuditEntry')),
      errors: [],
      handle: ({ query }) => trail.search.list(checked(query)),
    }),
    route<undefined, AuditFilter & { format: ExportFormat }>({
      method: 'get',
      path: '/api/audit/export',
      id: 'exportAudit',
      tag: 'audit',
      summary: 'What is looked for, the oldest first, with a signed statement at its end; docs/audit.md',
      access: 'audit.view',
      query: object({ format: { enum: [...exportFormats], default: 'jsonl' }, ...filters }, [
        'format',
        ...Object.keys(filters),
      ]),
      status: 200,
      produces: 'application/jsonl',
      errors: [],
      async handle({ query: { format, ...filter }, actor, address, context }) {
        checked(filter);
        const name = `oriel-audit-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}.${format}`;
        context.status = 200;
        context.set('Content-Disposition', `attachment; filename="${name}"`);
        const type = format === 'csv' ? 'text/csv; charset=utf-8' : 'application/jsonl';
        context.type = type;
        if (context.method === 'HEAD') return;
        await audit.record({ action: 'trail.exported', actor, address, subject: name, details: { format, ...filter } });
        context.body = Readable.from(await trail.export(format, filter, actor.username));
        context.type = type;
      },
    }),
  ];
}

const problem = object({ kind: text, number: nullable(count), text });
const report = object({
  verdict: { enum: ['whole', 'altered', 'cut-short', 'not-checkable'] },
  rows: count,
  first: nullable(count),
  last: nullable(count),
  signedUpTo: nullable(count),
  heads: count,
  archives: count,
  problems: array(problem),
  problemCount: count,
  notes: array(text),
});
const head = object({ number: count, hash: fingerprint, at: time, key: fingerprint, signature: text });
const archive = object({ from: count, to: count, at: time, file: text, digest: fingerprint, bytes: nullable(count) });

function integrityRoutes({ audit, trail }: Services): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/audit/integrity',
      id: 'getAuditIntegrity',
      tag: 'audit',
      summary: 'How far the trail is signed, and which closed ranges of it are in archives',
      access: 'audit.view',
      status: 200,
      response: object({ rows: count, head: nullable(head), archives: array(archive) }),
      errors: [],
      async handle() {
        const archives = await trail.archives();
        return {
          rows: (await trail.search.last())?.id ?? 0,
          head: (await trail.heads.latest()) ?? null,
          archives: await Promise.all(
            archives.map(async ({ from, to, at, file, digest }) => {
              const facts = await stat(trail.archivePath(file)).catch(() => undefined);
              return { from, to, at, file, digest, bytes: facts?.size ?? null };
            }),
          ),
        };
      },
    }),
    route({
      method: 'post',
      path: '/api/audit/verification',
      id: 'verifyAudit',
      tag: 'audit',
      summary: 'Holds the whole trail against its chain and its signed heads',
      access: 'audit.view',
      status: 200,
      response: object({ at: time, by: text, text, report }),
      errors: [],
      async handle({ actor, address }) {
        const { text, report } = await trail.verify();
        const { verdict, rows, problemCount } = report;
        const details = { verdict, rows, problems: problemCount };
        await audit.record({ action: 'trail.verified', actor, address, details });
        return { at: new Date().toISOString(), by: actor.username, text, report };
      },
    }),
    route({
      method: 'get',
      path: '/api/audit/archives/:from',
      id: 'getAuditArchive',
      tag: 'audit',
      summary: 'A closed range of rows that went out of the database, as JSON lines with a signed statement at its end',
      access: 'audit.view',
      status: 200,
      produces: 'application/jsonl',
      errors: ['range_not_satisfiable'],
      async handle({ parameter, actor, address, context }) {
        const found = (await trail.archives()).find(({ from }) => String(from) === parameter('from'));
        if (found === undefined) throw new GatewayError('not_found');
        const path = trail.archivePath(found.file);
        const facts = await stat(path).catch(() => undefined);
        if (facts === undefined) throw new GatewayError('not_found', 'the file was moved out of the archive folder');
        if (context.method === 'GET') {
          await audit.record({ action: 'trail.archive_downloaded', actor, address, subject: found.file });
        }
        const file = {
          size: facts.size,
          modifiedAt: facts.mtimeMs,
          stream: (start: number, end: number) => createReadStream(path, { start, end: end - 1 }),
          close: async () => {},
        };
        await sendFile(context, file, { type: 'application/jsonl', downloadName: found.file });
      },
    }),
  ];
}

function settingRoutes({ audit, trail }: Services): Route[] {
  const keepDays = {
    anyOf: [{ type: 'integer', minimum: MIN_KEEP_DAYS, maximum: 36_500 }, { type: 'null' }],
    description: 'rows that are older go into signed archives; null: none do',
  };
  return [
    route({
      method: 'get',
      path: '/api/settings/audit',
      id: 'getAuditSettings',
      tag: 'settings',
      summary: 'How long rows of the trail stay in the database',
      access: 'setting.manage',
      status: 200,
      response: object({ keepDays }),
      errors: [],
      handle: () => trail.settings(),
    }),
    route<Partial<TrailSettings>>({
      method: 'patch',
      path: '/api/settings/audit',
      id: 'changeAuditSettings',
      tag: 'settings',
      summary: 'Change how long rows of the trail stay in the database',
      access: 'setting.manage',
      body: object({ keepDays }, ['keepDays']),
      status: 200,
      response: object({ keepDays }),
      errors: [],
      async handle({ body, actor, address }) {
        const before = await trail.settings();
        const changed = await trail.change(body);
        const details = changesOf({ auditKeepDays: before.keepDays }, { auditKeepDays: changed.keepDays });
        await audit.record({ action: 'setting.changed', actor, address, subject: 'audit', details });
        return changed;
      },
    }),
  ];
}

/** The pattern lets days through that no calendar has. */
function checked<T extends AuditFilter>(filter: T): T {
  for (const name of ['from', 'to'] as const) {
    const moment = filter[name];
    if (moment !== undefined && Number.isNaN(Date.parse(moment))) {
      throw new GatewayError('bad_request', `query.${name} is no moment`);
    }
  }
  return filter;
}
