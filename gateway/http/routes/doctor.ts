import { GatewayError } from '../../errors.ts';
import { diagnoses } from '../../rdp/doctor/diagnoses.ts';
import { type DoctorOptions, diagnose } from '../../rdp/doctor/doctor.ts';
import { diagnosesOf, type Report, stepNames } from '../../rdp/doctor/report.ts';
import { legacySecurityNow, type TargetSecurity } from '../../targets/targets.ts';
import { type JsonSchema, type Route, route } from '../route.ts';
import {
  accountName,
  accountPassword,
  array,
  count,
  domain,
  host,
  id,
  object,
  port,
  security,
  text,
  time,
} from '../schemas.ts';
import type { Services } from '../services.ts';

interface SavedTest {
  readonly accountId?: string;
  readonly until?: 'logon' | 'desktop';
}

interface UnsavedTest extends Partial<TargetSecurity> {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly domain?: string;
  readonly until?: 'logon' | 'desktop';
}

/** Tests at one time: each holds a few connections, and nobody needs more. */
const MAX_TESTS = 4;

/** The connection doctor, for administrators. */
export function doctorRoutes({ targets, credentials, audit, graphics, settings }: Services): Route[] {
  let running = 0;
  const examine = async (options: DoctorOptions): Promise<Report> => {
    if (running >= MAX_TESTS) throw new GatewayError('too_many_requests', `${MAX_TESTS} tests are running already`);
    running++;
    try {
      return await diagnose({ ...options, graphics, hardwareId: await settings.hardwareId() });
    } finally {
      running--;
    }
  };
  const outcome = (report: Report) => ({
    verdict: report.verdict,
    found: diagnosesOf(report)
      .filter(({ severity }) => severity !== 'info')
      .map(({ code }) => code)
      .join(' '),
  });
  return [
    route<SavedTest>({
      method: 'post',
      path: '/api/targets/:id/test',
      id: 'testTarget',
      tag: 'targets',
      summary: 'Test the connection to a target, step by step, with one of its accounts or without',
      access: 'target.manage',
      body: object({ accountId: id, until }, ['accountId', 'until']),
      status: 200,
      response: reportSchema,
      errors: ['too_many_requests', 'nothing_stored', 'provider_denied', 'provider_unavailable', 'provider_timeout'],
      async handle({ parameter, body, actor, address }) {
        const target = await targets.get(parameter('id'));
        const { accountId, until } = body;
        const account = accountId === undefined ? undefined : await targets.account(target.id, accountId);
        const found =
          account &&
          (await credentials.read(
            { user: actor, address, accountId: account.id, purpose: 'test', requestId: null, masterPassword: false },
            () => Promise.reject(new GatewayError('nothing_stored')),
          ));
        const report = await examine({
          ...connectionOf({ ...target, legacySecurity: legacySecurityNow(target) }),
          trust: { mode: target.certificateTrust, fingerprint: target.certificate.trusted },
          ...(found !== undefined && { credentials: { ...found, password: found.password.text() } }),
          ...(until !== undefined && { until }),
        }).finally(() => found?.password.wipe());
        await audit.record({
          action: 'target.tested',
          actor,
          address,
          subject: target.name,
          details: { targetId: target.id, accountId: accountId ?? null, ...outcome(report) },
        });
        return report;
      },
    }),
    route<UnsavedTest>({
      method: 'post',
      path: '/api/targets/test',
      id: 'testUnsavedTarget',
      tag: 'targets',
      summary: 'Test the connection to a target that is not saved; the password is used and not kept',
      access: 'target.manage',
      body: object(
        {
          host,
          port: { ...port, default: 3389 },
          ...security,
          username: accountName,
          password: accountPassword,
          domain,
          until,
        },
        ['port', ...Object.keys(security), 'username', 'password', 'domain', 'until'],
      ),
      status: 200,
      response: reportSchema,
      errors: ['too_many_requests'],
      async handle({ body, actor, address }) {
        const { username, password = '', domain = '', until, certificateTrust = 'first_use' } = body;
        const report = await examine({
          ...connectionOf(body),
          // Nothing is pinned before the target is: the first certificate is what the test shows.
          trust: { mode: certificateTrust === 'system' ? 'system' : 'first_use', fingerprint: null },
          ...(username !== undefined && { credentials: { username, password, domain } }),
          ...(until !== undefined && { until }),
        });
        await audit.record({
          action: 'target.tested',
          actor,
          address,
          subject: `${body.host}:${body.port}`,
          details: { account: username ?? null, ...outcome(report) },
        });
        return report;
      },
    }),
  ];
}

function connectionOf(
  target: Partial<TargetSecurity> & { readonly host: string; readonly port: number },
): DoctorOptions {
  const { host, port, nla, minimumTls, restrictedAdmin, legacySecurity, oldestCredSsp } = target;
  return {
    host,
    port,
    ...(nla !== undefined && { nla }),
    ...(minimumTls !== undefined && { minimumTls }),
    ...(restrictedAdmin !== undefined && { restrictedAdmin }),
    ...(legacySecurity !== undefined && { legacySecurity }),
    ...(oldestCredSsp !== undefined && { oldestCredSsp }),
  };
}

const until: JsonSchema = {
  enum: ['logon', 'desktop'],
  description: '"logon" opens no session: it stops when NLA has accepted the account',
};

const fact: JsonSchema = {
  anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }, { type: 'array', items: { type: 'string' } }],
};

const reportSchema: JsonSchema = object({
  host: text,
  port: count,
  startedAt: time,
  durationMs: count,
  verdict: { enum: ['ok', 'warning', 'failed'] },
  steps: array(
    object({
      name: { enum: [...stepNames] },
      status: { enum: ['ok', 'warning', 'failed', 'skipped'] },
      summary: text,
      facts: { type: 'object', additionalProperties: fact },
      durationMs: count,
      diagnoses: array(
        object(
          {
            code: { enum: Object.keys(diagnoses) },
            step: { enum: [...stepNames] },
            severity: { enum: ['error', 'warning', 'info'] },
            message: text,
            cause: text,
            fix: text,
            detail: text,
          },
          ['detail'],
        ),
      ),
    }),
  ),
});
