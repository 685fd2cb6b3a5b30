import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clientAddress } from '../address.ts';
import { createLogger } from '../log.ts';
import { acceptPassedOn, Forwarding, INNER_HEADER_BYTES } from './forwarding.ts';

/** A control process that answers as a test says, behind a worker that passes requests on. */
let folder: string;
let control: Server;
let worker: Server;
let forwarding: Forwarding;
let answer: RequestListener;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oriel-forwarding-'));
  const path = join(folder, 'control.sock');
  control = createServer({ maxHeaderSize: INNER_HEADER_BYTES }, (incoming, outgoing) => {
    acceptPassedOn(incoming);
    answer(incoming, outgoing);
  });
  await new Promise<void>((resolve) => control.listen(path, resolve));
  forwarding = new Forwarding(path, createLogger('silent'));
  worker = createServer((incoming, outgoing) => forwarding.forward(incoming, outgoing));
  await new Promise<void>((resolve) => worker.listen(0, '127.0.0.1', resolve));
});
after(async () => {
  forwarding.close();
  for (const server of [worker, control]) {
    server.close();
    server.closeAllConnections();
  }
  await rm(folder, { recursive: true, force: true });
});

const port = () => (worker.address() as AddressInfo).port;

async function bodyOf(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Sends bytes as they are, and returns all that comes back. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port(), '127.0.0.1');
    let received = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('end', () => resolve(received)).on('error', reject);
    socket.write(text, 'latin1');
  });
}

test('a request arrives as it was sent, from whom it came, and the answer goes back as it was given', async () => {
  let seen: { method: string | undefined; url: string | undefined; headers: string[]; body: string } | undefined;
  answer = async (incoming, outgoing) => {
    const { method, url, rawHeaders } = incoming;
    seen = { method, url, headers: rawHeaders, body: String(await bodyOf(incoming)) };
    assert.equal(clientAddress(incoming, undefined), '127.0.0.1');
    outgoing.writeHead(207, 'Some Status', ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-One', 'é']);
    outgoing.end('the answer');
  };
  const text = await raw(
    [
      'PUT /a%20b/../c?d=%C3%A9&e HTTP/1.1',
      'Host: desk.example.com',
      'Cookie: x=1',
      'X-Twice: one',
      'X-Twice: two',
      // Nobody from outside says who the peer is, nor makes headers vanish behind the worker.
      'X-Oriel-Peer: 192.0.2.1',
      'Connection: close, Origin',
      'Origin: https://elsewhere.example',
      'Content-Length: 5',
      '',
      'hello',
    ].join('\r\n'),
  );
  assert.ok(seen !== undefined);
  assert.deepEqual([seen.method, seen.url, seen.body], ['PUT', '/a%20b/../c?d=%C3%A9&e', 'hello']);
  const pairs = seen.headers.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${seen?.headers[i + 1]}`] : []));
  const ends = ['Host: desk.example.com', 'Cookie: x=1', 'X-Twice: one', 'X-Twice: two', 'Content-Length: 5'];
  for (const pair of [...ends, 'Origin: https://elsewhere.example']) {
    assert.ok(pairs.includes(pair), `${pair} in ${pairs}`);
  }
  assert.ok(!pairs.some((pair) => /192\.0\.2\.1|Origin,|close/i.test(pair)), String(pairs));
  assert.match(text, /^HTTP\/1\.1 207 Some Status\r\n/);
  assert.match(text, /\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-One: \xe9\r\n/);
  assert.match(text, /the answer/);
  assert.equal(text.match(/\r\nDate: /g)?.length, 1);
});

test('what has no body gets none, and what comes in chunks goes on in chunks', async () => {
  const forms: unknown[] = [];
  answer = async (incoming, outgoing) => {
    const { 'transfer-encoding': coding, 'content-length': length } = incoming.headers;
    forms.push([incoming.method, coding, length, String(await bodyOf(incoming))]);
    outgoing.writeHead(204).end();
  };
  const send = (head: string, body = '') => raw(`${head}\r\nHost: x\r\nConnection: close\r\n${body}`);
  await send('DELETE / HTTP/1.1', '\r\n');
  await send('POST / HTTP/1.1', '\r\n');
  await send('POST / HTTP/1.1', 'Content-Length: 0\r\n\r\n');
  await send('POST / HTTP/1.1', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n');
  // As old as this, it need not say which host it means.
  assert.match(await raw('GET / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 204/);
  assert.deepEqual(forms, [
    ['DELETE', undefined, undefined, ''],
    ['POST', undefined, undefined, ''],
    ['POST', undefined, '0', ''],
    ['POST', 'chunked', undefined, 'abcde'],
    ['GET', undefined, undefined, ''],
  ]);
});

test('no Connection header takes the length off a body, whose rest would be the next request', async () => {
  const seen: unknown[] = [];
  answer = async (incoming, outgoing) => {
    seen.push([incoming.method, incoming.url, String(await bodyOf(incoming)), clientAddress(incoming, undefined)]);
    outgoing.end(`answer to ${incoming.url}`);
  };
  const inside = 'GET /inside HTTP/1.1\r\nHost: x\r\nX-Oriel-Peer: 192.0.2.1\r\n\r\n';
  const chunked = `${inside.length.toString(16)}\r\n${inside}\r\n0\r\n\r\n`;
  const bodies = [`Content-Length: ${inside.length}\r\n\r\n${inside}`, `Transfer-Encoding: chunked\r\n\r\n${chunked}`];
  const requests = ['GET', 'DELETE', 'POST'].flatMap((method) => bodies.map((body) => ({ method, body })));
  for (const { method, body } of requests) {
    const named = body.slice(0, body.indexOf(':'));
    await raw(`${method} /outside HTTP/1.1\r\nHost: x\r\nConnection: close, ${named}\r\n${body}`);
    assert.match(await raw('GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), /answer to \/next/);
  }
  assert.deepEqual(
    seen,
    requests.flatMap(({ method }) => [
      [method, '/outside', inside, '127.0.0.1'],
      ['GET', '/next', '', '127.0.0.1'],
    ]),
  );
});

test('a long answer is not read faster than it is taken, and is broken off on both sides', async () => {
  const chunk = Buffer.alloc(64 * 1024, 1);
  let written = 0;
  const broken = Promise.withResolvers<void>();
  answer = (_incoming, outgoing) => {
    const write = () => {
      while (!outgoing.destroyed && outgoing.write(chunk)) written += chunk.length;
    };
    outgoing.on('drain', write).on('close', () => broken.resolve());
    write();
  };
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ port: port(), host: '127.0.0.1', agent: false }, resolve).on('error', reject).end();
  });
  // Nobody reads: it comes to a halt with what sockets and streams hold.
  let before = -1;
  while (before !== written) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(written < 64 * 1024 * 1024, `${written} bytes`);
  incoming.on('error', () => {}).destroy();
  await broken.promise;
});

test('an answer that control breaks off does not look whole', async () => {
  answer = (_incoming, outgoing: ServerResponse) => {
    outgoing.writeHead(200, { 'Content-Length': 100 });
    outgoing.write('half', () => outgoing.destroy());
  };
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ port: port(), host: '127.0.0.1', agent: false }, resolve).on('error', reject).end();
  });
  await assert.rejects(bodyOf(incoming), { code: 'ECONNRESET' });
});

test('without control there is an answer in the words of the API', async () => {
  const lonely = new Forwarding(join(folder, 'nobody.sock'), createLogger('silent'));
  const server = createServer((incoming, outgoing) => lonely.forward(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false } as const;
    request(options, resolve).on('error', reject).end();
  });
  assert.equal(incoming.statusCode, 503);
  assert.equal(JSON.parse(String(await bodyOf(incoming))).error.code, 'gateway_stopping');
  server.close();
});
