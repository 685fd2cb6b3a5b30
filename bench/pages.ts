import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchBrowser, Person } from '../test/e2e/browser.ts';
import { ADMIN_PASSWORD, startGateway, type TestGateway } from '../test/e2e/gateway.ts';
import type { BenchCommand, BenchOptions } from './cli.ts';
import { cpuSecondsOf } from './live/processes.ts';
import { AUDIT_ROWS, fillStore, REQUESTS, SESSIONS } from './pages/fill.ts';

/** A page, and what of it is there when whoever opened it can begin. */
type Page = readonly [path: string, shown: string];

interface PageRow {
  readonly page: string;
  /** Milliseconds from the navigation until its content is shown. */
  readonly medianMs: number;
  readonly worstMs: number;
  /** Milliseconds of processor time for one visit. */
  readonly gatewayCpuMs: number;
  readonly browserCpuMs: number;
}

export const command: BenchCommand = {
  usage: 'pages [options]',
  about:
    'From the navigation until its content is shown, in Chromium, of each page; the store has 10,000 requests, 100,000 rows of audit log and 5,000 sessions.',
  options: {
    visits: { type: 'string', value: 'N', meaning: 'to each page', fallback: '5' },
    only: { type: 'string', value: 'PATH', meaning: 'this page alone' },
  },
  run,
};

async function run(options: BenchOptions): Promise<undefined> {
  const visits = options.number('visits', 1, 1000);
  const only = options.text('only');
  const folder = await mkdtemp(join(tmpdir(), 'oriel-bench-'));
  const env = { ORIEL_DATA: join(folder, 'data'), ORIEL_LOG_LEVEL: 'warn', ORIEL_DEMO: 'on' };
  try {
    const empty = await startGateway(env);
    const users = await empty.admin.must<{ id: string; username: string }[]>('GET', '/api/users');
    await empty.stop();
    const admin = users.find(({ username }) => username === 'admin') ?? { id: '', username: '' };
    const ids = await fillStore(join(env.ORIEL_DATA, 'oriel.sqlite'), admin);
    process.stdout.write(`${REQUESTS} requests, ${AUDIT_ROWS} rows of audit log, ${SESSIONS} sessions\n`);
    const gateway = await startGateway(env);
    try {
      await visitAll(
        gateway,
        pagesOf(ids).filter(([path]) => only === undefined || path === only),
        visits,
      );
    } finally {
      await gateway.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const row = (kind: string): string => `[data-testid=${kind}-row]`;
const heading = 'main h1';

function pagesOf({ request, recording }: { readonly request: string; readonly recording: string }): Page[] {
  return [
    ['/', '[data-testid=target-card]'],
    ['/requests', row('request')],
    ['/requests?whose=all', row('request')],
    ['/requests?whose=all&state=pending', row('request')],
    ['/requests?whose=all&search=chg4243', row('request')],
    ['/requests?whose=all&search=nowhere', '[data-testid=empty]'],
    ['/requests/new', '[data-testid=picker] li, [data-testid=picker] label'],
    [`/requests/${request}`, '[data-testid=history]'],
    ['/approvals', row('request')],
    ['/reviews', row('request')],
    ['/sessions', '[data-testid=empty]'],
    ['/sessions/alerts', '[data-testid=empty]'],
    ['/recordings', row('recording')],
    [`/recordings/${recording}`, heading],
    ['/notifications', '[data-testid=notification]'],
    ['/account', '[data-testid=sign-in-row]'],
    ['/admin/targets', '[data-testid=target]'],
    ['/admin/users', row('user')],
    ['/admin/groups', row('group')],
    ['/admin/policies', row('policy')],
    ['/admin/entitlements', row('entitlement')],
    ['/admin/audit', '[data-testid=audit] tbody tr'],
    ['/admin/storage', '[data-testid=storage]'],
    ['/admin/settings', 'main form, main .setting'],
    ['/admin/settings/sign-in', 'main form'],
    ['/admin/settings/notifications', 'main form'],
  ];
}

async function visitAll(gateway: TestGateway, pages: readonly Page[], visits: number): Promise<void> {
  const browser = await launchBrowser();
  try {
    const person = await Person.open(browser, gateway.url);
    await person.signIn('admin', ADMIN_PASSWORD);
    const cdp = await person.page.context().newCDPSession(person.page);
    await cdp.send('Performance.enable');
    for (const [path, shown] of pages) {
      const times: number[] = [];
      const gatewayBefore = cpuSecondsOf(gateway.pid);
      let browserCpuMs = 0;
      for (let i = 0; i < visits; i++) {
        await person.go(path);
        const ms = await person.page.waitForFunction(
          (selector) => {
            const { document, performance } = globalThis as unknown as PageGlobals;
            return document.querySelector(selector) === null ? false : performance.now();
          },
          shown,
          { polling: 'raf' },
        );
        times.push((await ms.jsonValue()) as number);
        // Of this document alone: it begins anew with each.
        const { metrics } = await cdp.send('Performance.getMetrics');
        browserCpuMs += 1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0);
      }
      print({
        page: path,
        medianMs: Math.round(times.sort((a, b) => a - b)[visits >> 1] ?? 0),
        worstMs: Math.round(times.at(-1) ?? 0),
        gatewayCpuMs: Math.round(((cpuSecondsOf(gateway.pid) - gatewayBefore) * 1000) / visits),
        browserCpuMs: Math.round(browserCpuMs / visits),
      });
    }
    // The recordings are rows without files: their pictures are not found.
    const faults = person.complaints.filter((complaint) => !complaint.includes('status of 404'));
    if (faults.length > 0) throw new Error(faults.join('\n'));
  } finally {
    await browser.close();
  }
}

function print({ page, medianMs, worstMs, gatewayCpuMs, browserCpuMs }: PageRow): void {
  const figures = [medianMs, worstMs, gatewayCpuMs, browserCpuMs].join(' | ');
  process.stdout.write(`| ${page} | ${figures} |\n`);
}

/** What the bench uses of a page; it is compiled without the DOM's types. */
interface PageGlobals {
  readonly document: { querySelector(selector: string): unknown };
  readonly performance: { now(): number };
}
