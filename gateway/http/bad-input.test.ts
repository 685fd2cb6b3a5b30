import assert from 'node:assert/strict';
import { request } from 'node:https';
import type { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { Role } from '../access/can.ts';
import { errors, isErrorCode } from '../errors.ts';
import { newId } from '../ids.ts';
import { openGatewayDatabase } from '../testing/gateway-database.ts';
import { ADMIN_PASSWORD, type Harness, startHarness } from '../testing/harness.ts';
import { exampleOf, wrongValues } from './testing/examples.ts';

/**
 * Bad input to every operation of the OpenAPI document: what is wrong with the body, the query, the path, the sign-in. Each is
 * answered by a 4xx with a code of the table, and changes nothing in the database. Nothing here names an operation: one
 * that is added is tested.
 */
interface Operation {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly open: boolean;
  readonly body: Schema | undefined;
  readonly form: boolean;
  readonly query: readonly { readonly name: string; readonly schema: Schema }[];
}
type Schema = Readonly<Record<string, unknown>>;

let harness: Harness;
let admin: string;
let operations: readonly Operation[];
let components: Readonly<Record<string, Schema>>;
let database: DatabaseSync;

before(async () => {
  // Nothing times out by itself while contents are compared.
  harness = await startHarness({}, 600_000);
  admin = await harness.signIn('admin', ADMIN_PASSWORD);
  const { json } = await harness.call('GET', '/api/openapi.json');
  components = json.components.schemas;
  operations = operationsOf(json.paths);
  database = openGatewayDatabase(harness.dataDirectory, { readOnly: true });
});
after(async () => {
  database.close();
  await harness.stop();
});

// biome-ignore lint/suspicious/noExplicitAny: the document, as it was parsed
function operationsOf(paths: Record<string, Record<string, any>>): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const [type = '', content] =
        (Object.entries(operation.requestBody?.content ?? {}) as [string, { schema: Schema }][])[0] ?? [];
      return {
        method: method.toUpperCase(),
        path,
        id: operation.operationId,
        open: operation.security.length === 0,
        body: content?.schema,
        form: type.includes('form'),
        query: operation.parameters.filter((parameter: { in: string }) => parameter.in === 'query'),
      };
    }),
  );
}

/** What the trail and the counting of attempts write by themselves, and when somebody was last seen. */
const IGNORED = /^(audit|audit_heads|sqlite_.*|.*limit.*)$/;
const IGNORED_COLUMNS = new Set(['last_seen_at']);

/** Everything else that the database holds. */
function contents(): Record<string, unknown> {
  const tables = database.prepare(`select name from sqlite_master where type = 'table' order by name`).all();
  return Object.fromEntries(
    tables
      .map(({ name }) => String(name))
      .filter((name) => !IGNORED.test(name))
      .map((name) => [
        name,
        database
          .prepare(`select * from "${name}"`)
          .all()
          .map((row) => JSON.stringify(Object.entries(row).filter(([column]) => !IGNORED_COLUMNS.has(column)))),
      ]),
  );
}

interface Attempt {
  readonly what: string;
  readonly path: string;
  readonly token?: string | undefined;
  /** As it goes over the wire. */
  readonly raw?: string | Uint8Array | undefined;
  readonly type?: string;
}

function send(
  method: string,
  { path, token, raw, type = 'application/json' }: Attempt,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const body = raw === undefined ? undefined : Buffer.from(raw as string);
    const headers = {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'Content-Type': type, 'Content-Length': body.length }),
    };
    const outgoing = request(
      { host: '127.0.0.1', port: harness.gateway.port, method, path, headers, rejectUnauthorized: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece) => (text += piece));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', reject);
      },
    );
    // A body that is refused unread may meet a closed connection; the answer is what counts.
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') reject(error);
    });
    outgoing.end(body);
  });
}

/** Sends what is wrong; a 4xx with a code of the table is to come back, and nothing is to be different afterwards. */
async function refuse(
  operation: Operation,
  attempts: readonly Attempt[],
  allowed: readonly number[] = [],
): Promise<void> {
  const before = contents();
  for (const attempt of attempts) {
    const { status, text } = await send(operation.method, attempt);
    const where = `${operation.id}, ${attempt.what}: ${status} ${text.slice(0, 300)}`;
    if (allowed.includes(status)) continue;
    assert.ok(status >= 400 && status < 500, where);
    if (operation.method === 'HEAD') continue;
    assert.notEqual(text, '', where);
    const { error } = JSON.parse(text) as { error: { code: string; message: string } };
    // The protocol of a standard has codes of its own.
    const known = typeof error === 'string' || (isErrorCode(error.code) && errors[error.code].status === status);
    assert.ok(known, where);
  }
  const now = contents();
  const changed = Object.keys(now).filter((table) => JSON.stringify(now[table]) !== JSON.stringify(before[table]));
  assert.deepEqual(changed, [], `${operation.id} changed something`);
}

const unknownPath = (path: string) => path.replaceAll(/\{\w+\}/g, 'bcdfghjkmnpqrs');

test('bodies that are no body of the operation', async () => {
  for (const operation of operations) {
    const { body, form } = operation;
    if (body === undefined) continue;
    const path = unknownPath(operation.path);
    const type = form ? 'application/x-www-form-urlencoded' : 'application/json';
    const json = (value: unknown) => (form ? String(new URLSearchParams(value as never)) : JSON.stringify(value));
    const bodies: [string, string | Uint8Array][] = form
      ? [['nothing that it needs', 'x=y']]
      : [
          ['no JSON', '{"a":'],
          ['a list', '[]'],
          ['a text', '"text"'],
          ['nothing', 'null'],
          ['a number', '12'],
          ['deep nesting', '['.repeat(20_000)],
          ['bytes that are no UTF-8', Uint8Array.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
          [
            'a property that it does not have',
            json({ ...(exampleOf(body, components) as object), unknownProperty: 1 }),
          ],
          ['a prototype', '{"__proto__":{"admin":true}}'],
          ...wrongValues(body, components).map(([name, value]): [string, string] => [
            `${name}: ${JSON.stringify(value).slice(0, 40)}`,
            json({ ...(exampleOf(body, components) as object), [name]: value }),
          ]),
        ];
    bodies.push(['more than anybody needs', json({ text: 'x'.repeat(200_000) })]);
    await refuse(
      operation,
      bodies.map(([what, raw]) => ({ what, path, token: admin, raw, type })),
    );
  }
});

test('queries that are none of the operation', async () => {
  for (const operation of operations) {
    if (operation.query.length === 0) continue;
    const path = unknownPath(operation.path);
    const queries = [
      'unknownParameter=1',
      ...operation.query.flatMap(({ name, schema }) => {
        const many = `${name}=a&${name}=b`;
        const wrong = wrongValues({ type: 'object', properties: { [name]: schema } }, components, true);
        return [many, ...wrong.map(([, value]) => `${name}=${encodeURIComponent(String(value))}`)];
      }),
    ];
    // A web page's way in and out goes on with a redirect, whatever is in its address.
    const allowed = operation.open ? [302] : [];
    await refuse(
      operation,
      queries.map((query) => ({ what: query.slice(0, 60), path: `${path}?${query}`, token: admin })),
      allowed,
    );
  }
});

test('ids that are nobody’s, or none', async () => {
  const wrong = [
    newId(),
    'x',
    '0',
    '..%2f..%2fetc%2fpasswd',
    '%00',
    "'%20or%201=1--",
    '%F0%9F%98%80',
    'x'.repeat(4000),
    '__proto__',
  ];
  for (const operation of operations) {
    if (!operation.path.includes('{')) continue;
    const raw = operation.body === undefined ? undefined : JSON.stringify(exampleOf(operation.body, components));
    const attempts = wrong.map((id) => ({
      what: id.slice(0, 40),
      path: operation.path.replaceAll(/\{\w+\}/g, id),
      token: admin,
      raw,
    }));
    // A thing that is not there has nothing to be taken away from it.
    const allowed = operation.method === 'DELETE' ? [204] : [];
    await refuse(
      operation,
      [...attempts, { what: 'a broken escape', path: operation.path.replaceAll(/\{\w+\}/g, '%zz'), token: admin, raw }],
      allowed,
    );
  }
});

test('sign-ins that are none: missing, made up, ended, expired, of somebody who is gone', async () => {
  const { users, logins } = harness.gateway.services;
  const open = async (name: string) => {
    const { id } = await users.create(name, `password of ${name}`, [Role.admin]);
    const sign = { method: 'password', stage: 'full', confirmed: true, address: '192.0.2.1', userAgent: '' } as const;
    return { id, token: (await logins.open(id, sign)).token };
  };
  const [ended, expired, removed, disabled] = [
    await open('ended'),
    await open('expired'),
    await open('removed'),
    await open('disabled'),
  ];
  await harness.call('POST', '/api/logout', { token: ended.token, body: {} });
  const writable = openGatewayDatabase(harness.dataDirectory);
  writable.prepare('update login_sessions set expires_at = 1 where user_id = ?').run(expired.id);
  writable.close();
  await harness.call('DELETE', `/api/users/${removed.id}`, { token: admin });
  await users.change(disabled.id, { disabled: true });
  const tokens: [string, string | undefined][] = [
    ['none', undefined],
    ['made up', 'A'.repeat(43)],
    ['no token', 'not a token!'],
    ['ended', ended.token],
    ['expired', expired.token],
    ['of somebody who was removed', removed.token],
    ['of somebody who was disabled', disabled.token],
  ];
  for (const operation of operations) {
    if (operation.open) continue;
    const raw = operation.body === undefined ? undefined : JSON.stringify(exampleOf(operation.body, components));
    const attempts = tokens.map(([what, token]) => ({
      what: `sign-in: ${what}`,
      path: unknownPath(operation.path),
      token,
      raw,
    }));
    await refuse(operation, attempts);
    const { status, text } = await send(operation.method, attempts[3] as Attempt);
    assert.deepEqual([status, JSON.parse(text).error.code], [401, 'unauthenticated'], operation.id);
  }
});

test('somebody else’s ids, of everything that there is: refused to whoever has nothing to do with it', async () => {
  const { accountId } = await harness.target();
  const own = async (path: string, body: unknown, token: string) => {
    const answer = await harness.call('POST', path, { token, body });
    assert.ok(answer.status < 300, `${path}: ${answer.text}`);
    return answer.json;
  };
  const owner = await harness.userWith(Role.user);
  const targetId = (await harness.call('GET', '/api/targets', { token: owner })).json[0].id;
  await own('/api/requests', { items: [{ accountId }] }, owner);
  await own('/api/request-favourites', { name: 'mine', color: '#aabbcc', request: { items: [{ accountId }] } }, owner);
  await own('/api/sessions', { targetId, accountId, width: 800, height: 600 }, owner);
  const { users } = harness.gateway.services;
  await users.create('outsider', 'password of outsider', [Role.user]);
  const outsider = await harness.signIn('outsider', 'password of outsider');
  const { json: me } = await harness.call('GET', '/api/me', { token: outsider });
  // Whatever has an id anywhere in the database, and is not the outsider's own.
  const ids = new Set<string>();
  for (const [table, rows] of Object.entries(contents())) {
    if (/history|migration/.test(table)) continue;
    for (const row of rows as string[]) {
      const entries = new Map(JSON.parse(row) as [string, unknown][]);
      const [id, user] = [entries.get('id') ?? entries.get('reference'), entries.get('user_id')];
      if (typeof id === 'string' && id !== me.id && user !== me.id) ids.add(id);
    }
  }
  assert.ok(ids.size >= 8, `${ids.size} ids`);
  for (const operation of operations) {
    if (operation.open || !operation.path.includes('{')) continue;
    const raw = operation.body === undefined ? undefined : JSON.stringify(exampleOf(operation.body, components));
    const attempts = [...ids].map((id) => ({
      what: `id ${id}`,
      path: operation.path.replaceAll(/\{\w+\}/g, id),
      token: outsider,
      raw,
    }));
    await refuse(operation, attempts, operation.method === 'DELETE' ? [204] : []);
  }
});

test('a token in a body that is made up, or is signed by somebody else, is refused', async () => {
  const { json } = await harness.call('GET', '/api/openapi.json');
  for (const operation of operationsOf(json.paths)) {
    const properties = (operation.body?.properties ?? {}) as Record<string, unknown>;
    if (!operation.open || !('token' in properties)) continue;
    const made = ['x', 'eyJhbGciOiJub25lIn0.eyJqdGkiOiJ4In0.', `${'A'.repeat(43)}.${'B'.repeat(43)}.${'C'.repeat(43)}`];
    await refuse(
      operation,
      made.map((token) => ({
        what: token,
        path: operation.path,
        raw: JSON.stringify({ ...(exampleOf(operation.body as Schema, components) as object), token }),
      })),
    );
  }
});
