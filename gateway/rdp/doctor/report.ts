import type { Diagnosis } from './diagnoses.ts';

/** What the doctor looks at, in this order. */
export const stepNames = [
  'dns',
  'tcp',
  'negotiation',
  'tls',
  'certificate',
  'nla',
  'logon',
  'licensing',
  'session',
  'picture',
  'round_trip',
] as const;
export type StepName = (typeof stepNames)[number];

/** `skipped`: what came before failed, or there was nothing to do it with. */
export type StepStatus = 'ok' | 'warning' | 'failed' | 'skipped';

export type Fact = string | number | boolean | readonly string[];

export interface Step {
  readonly name: StepName;
  readonly status: StepStatus;
  /** One line: what was reached, offered, negotiated or refused. */
  readonly summary: string;
  /** The same for programs. */
  readonly facts: Readonly<Record<string, Fact>>;
  readonly durationMs: number;
  readonly diagnoses: readonly Diagnosis[];
}

export interface Report {
  readonly host: string;
  readonly port: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** `failed`: no desktop; `warning`: a desktop, and something to look at. */
  readonly verdict: 'ok' | 'warning' | 'failed';
  readonly steps: readonly Step[];
}

/** All that was found, in order. */
export function diagnosesOf(report: Report): readonly Diagnosis[] {
  return report.steps.flatMap((step) => step.diagnoses);
}

/** How a step went, by what was found in it. */
export function statusOf(diagnoses: readonly Diagnosis[]): Exclude<StepStatus, 'skipped'> {
  if (diagnoses.some(({ severity }) => severity === 'error')) return 'failed';
  return diagnoses.some(({ severity }) => severity === 'warning') ? 'warning' : 'ok';
}

export function verdictOf(steps: readonly Step[]): Report['verdict'] {
  if (steps.some(({ status }) => status === 'failed')) return 'failed';
  return steps.some(({ status }) => status === 'warning') ? 'warning' : 'ok';
}

/** One step as lines for a terminal. */
export function formatStep(step: Step): string {
  const time = step.status === 'skipped' ? '' : `  (${step.durationMs} ms)`;
  const lines = [`${MARKS[step.status]} ${TITLES[step.name].padEnd(TITLE_WIDTH)} ${step.summary}${time}`];
  for (const [name, fact] of Object.entries(step.facts)) {
    const value = Array.isArray(fact) ? fact.join(', ') : String(fact);
    if (value !== '') lines.push(`    ${`${words(name)}:`.padEnd(TITLE_WIDTH)} ${value}`);
  }
  for (const found of step.diagnoses) lines.push(...formatDiagnosis(found));
  return lines.join('\n');
}

/** The last lines: what it comes to. */
export function formatVerdict(report: Report): string {
  const errors = diagnosesOf(report).filter(({ severity }) => severity === 'error');
  const seconds = (report.durationMs / 1000).toFixed(1);
  if (report.verdict === 'ok') return `All is well (${seconds} s).`;
  if (report.verdict === 'warning') return `It works; look at the warnings above (${seconds} s).`;
  return `It does not work: ${errors.map(({ message }) => message).join(' ')} (${seconds} s)`;
}

function formatDiagnosis(found: Diagnosis): string[] {
  return [
    `    ${found.severity.toUpperCase()} ${found.code}: ${found.message}${found.detail === undefined ? '' : ` [${found.detail}]`}`,
    `      Likely cause: ${found.cause}`,
    `      What to do:   ${found.fix}`,
  ];
}

const MARKS: Readonly<Record<StepStatus, string>> = {
  ok: '[ ok ]',
  warning: '[warn]',
  failed: '[FAIL]',
  skipped: '[ -- ]',
};

const TITLES: Readonly<Record<StepName, string>> = {
  dns: 'DNS',
  tcp: 'TCP',
  negotiation: 'X.224 negotiation',
  tls: 'TLS',
  certificate: 'Certificate',
  nla: 'NLA',
  logon: 'Logon',
  licensing: 'Licensing',
  session: 'Session',
  picture: 'First picture',
  round_trip: 'Round-trip time',
};

const TITLE_WIDTH = 20;

/** `camelCase` as words. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
