import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { diagnoses, diagnosis } from './diagnoses.ts';
import { formatStep, formatVerdict, type Report, type Step, statusOf, stepNames, verdictOf } from './report.ts';
import { harmless, printable } from './wire.ts';

const step = (change: Partial<Step> = {}): Step => ({
  name: 'tcp',
  status: 'ok',
  summary: 'port 3389 takes connections',
  facts: {},
  durationMs: 7,
  diagnoses: [],
  ...change,
});

test('every diagnosis speaks in sentences, belongs to a step and has a fix', () => {
  for (const [code, { message, cause, fix, step }] of Object.entries(diagnoses)) {
    assert.match(code, /^[a-z][a-z0-9_]*$/);
    for (const words of [message, cause, fix]) assert.match(words, /^["A-Z].*[.)]$/s, `${code}: ${words}`);
    assert.ok(stepNames.includes(step), code);
  }
});

test('a step is as bad as the worst that was found in it, and a report as its worst step', () => {
  assert.equal(statusOf([]), 'ok');
  assert.equal(statusOf([diagnosis('certificate_self_signed')]), 'ok');
  assert.equal(statusOf([diagnosis('slow_link')]), 'warning');
  assert.equal(statusOf([diagnosis('slow_link'), diagnosis('not_rdp')]), 'failed');
  assert.equal(verdictOf([step(), step({ status: 'skipped' })]), 'ok');
  assert.equal(verdictOf([step({ status: 'failed' }), step({ status: 'warning' })]), 'failed');
});

test('a step as text: what, facts, what was found, why, what to do', () => {
  const found = diagnosis('connection_refused', 'ECONNREFUSED');
  const text = formatStep(
    step({ status: 'failed', facts: { addresses: ['10.0.0.7', 'fe80::1'] }, diagnoses: [found] }),
  );
  assert.deepEqual(text.split('\n').slice(0, 3), [
    '[FAIL] TCP                  port 3389 takes connections  (7 ms)',
    '    addresses:           10.0.0.7, fe80::1',
    `    ERROR connection_refused: ${found.message} [ECONNREFUSED]`,
  ]);
  assert.match(text, /Likely cause: .*\n.*What to do:/);
});

test('the last line says what it comes to', () => {
  const report: Report = { host: 'h', port: 1, startedAt: '', durationMs: 1234, verdict: 'ok', steps: [] };
  assert.equal(formatVerdict(report), 'All is well (1.2 s).');
  const failed = step({ status: 'failed', diagnoses: [diagnosis('not_rdp'), diagnosis('slow_link')] });
  const { message } = diagnoses.not_rdp;
  assert.equal(
    formatVerdict({ ...report, verdict: 'failed', steps: [failed] }),
    `It does not work: ${message} (1.2 s)`,
  );
});

test('what strangers say cannot steer a terminal or turn a page around', () => {
  assert.equal(printable(Uint8Array.from([0x1b, 0x5b, 0x41, 0x0d, 0x42])), '.[A');
  assert.equal(harmless('a\u001b[2J\u0085\u202eb'), 'a.[2J..b');
  assert.equal(harmless('x'.repeat(1000)).length, 512);
});

test('docs/doctor.md has exactly the rows of the table, in their order, and every step', async () => {
  const page = await readFile(new URL('../../../docs/doctor.md', import.meta.url), 'utf8');
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.slice(1, -1).split('|'))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll('`', '')));
  const declared = Object.entries(diagnoses).map(([code, { step, severity, message }]) => [
    code,
    step,
    severity,
    message,
  ]);
  assert.deepEqual(rows, declared);
  for (const name of stepNames) assert.match(page, new RegExp(`^\\| ${name} +\\|`, 'm'));
});
