import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { defaultRules } from '../access/policy-rules.ts';
import { askWebhook, checkTicket, type TicketQuestion } from './ticket-check.ts';

const asked: unknown[] = [];
/** Answers as the path says. */
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (part: Buffer) => {
    body += String(part);
  });
  request.on('end', () => {
    asked.push(JSON.parse(body));
    const answers: Record<string, [number, string]> = {
      '/valid': [200, '{"valid": true}'],
      '/empty': [204, ''],
      '/invalid': [200, '{"valid": false}'],
      '/missing': [404, ''],
      '/nonsense': [200, 'yes'],
      '/elsewhere': [302, ''],
    };
    const [status, text] = answers[request.url ?? ''] ?? [500, ''];
    response.writeHead(status, status === 302 ? { Location: '/valid' } : {}).end(text);
  });
});
let base: string;
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

const question: TicketQuestion = {
  ticket: 'INC1',
  username: 'ute',
  reason: 'patching',
  accounts: [{ account: 'operator', target: 'Payroll' }],
};

test('an answer that grows without end when it is unpacked is no', async (context) => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '));
  let sent = 0;
  const hostile = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Encoding': 'gzip' }).on('error', () => {});
    const more = () => {
      sent++;
      response.write(bomb, (error) => error == null && more());
    };
    more();
  });
  await new Promise<void>((resolve) => hostile.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    hostile.closeAllConnections();
    hostile.close();
  });
  const before = process.memoryUsage().rss;
  assert.equal(await askWebhook(`http://127.0.0.1:${(hostile.address() as AddressInfo).port}/`, question), false);
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 200 * 1024 * 1024, `${grown} bytes more, after ${sent} times 64 MiB`);
});

test('the webhook is told what it is about, and its word counts', async () => {
  const expected = { valid: true, empty: true, invalid: false, missing: false, nonsense: false, elsewhere: false };
  for (const [path, valid] of Object.entries(expected)) {
    assert.equal(await askWebhook(`${base}/${path}`, question), valid, path);
    assert.deepEqual(asked.at(-1), question);
  }
  assert.equal(await askWebhook('http://127.0.0.1:1/', question), false, 'nobody answers');
});

test('asked only for a number that the pattern describes; without a number, only where there must be one', async () => {
  const rules = { ...defaultRules, ticketPattern: 'INC\\d+', ticketWebhook: `${base}/invalid` };
  const check = (ticket: string, change: object = {}) =>
    checkTicket({ ...rules, ...change }, { ...question, ticket }, askWebhook);
  const before = asked.length;
  await assert.rejects(check('CHG1'), { code: 'policy_refused' });
  await check('');
  await assert.rejects(check('', { ticketRequired: true }), { code: 'policy_refused' });
  assert.equal(asked.length, before);
  await assert.rejects(check('INC1'), { code: 'policy_refused' });
  await check('INC1', { ticketWebhook: `${base}/valid` });
});
