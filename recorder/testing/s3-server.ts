import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSignedWith } from './aws-signature.ts';
import { temporaryDirectory } from './media-tools.ts';

/**
 * What a test makes of a request on its way: nothing special, an error of the service, a connection broken before it or
 * before its answer, or a line on which it takes its time.
 */
export type Fate = 'pass' | 'busy' | 'drop' | 'unanswered' | 'forgotten' | 'slow';

const SECRET = 'S3RVER';
/** Status, code and what is said. */
const REFUSALS = {
  busy: [503, 'SlowDown', 'SlowDown says the test'],
  forgotten: [404, 'NoSuchUpload', 'NoSuchUpload says the test'],
  unsigned: [
    403,
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  ],
} as const;

export interface S3Server {
  readonly endpoint: string;
  readonly bucket: string;
  /** Method and path of every request that reached the service, in their order. */
  readonly requests: string[];
  /** Decides about each request. */
  fate: (request: string) => Fate;
}

/**
 * A server that speaks S3 (the npm package `@20minutes/s3rver`), behind a proxy that checks every request's signature and
 * loses what a test wants lost. Sets the credentials that it takes.
 */
export async function startS3Server(context: TestContext): Promise<S3Server> {
  const S3rver = createRequire(import.meta.url)('@20minutes/s3rver') as S3rverClass;
  const bucket = 'recordings';
  const service = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    // For lists it forgets the slash behind the bucket's name: the proxy checks signatures. Unknown keys it refuses itself.
    allowMismatchedSignatures: true,
    directory: join(await temporaryDirectory(context), 's3'),
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  const { port } = await service.run();
  const requests: string[] = [];
  const server = { endpoint: '', bucket, requests, fate: (): Fate => 'pass' } as {
    -readonly [K in keyof S3Server]: S3Server[K];
  };
  const proxy = createServer((incoming, outgoing) => {
    const name = `${incoming.method} ${incoming.url}`;
    const fate = server.fate(name);
    if (fate === 'drop') {
      incoming.socket.destroy();
      return;
    }
    const { method = 'GET', url = '/', headers } = incoming;
    const isRefused = fate === 'busy' || fate === 'forgotten';
    const refusal = isRefused ? fate : isSignedWith(SECRET, { method, url, headers }) ? undefined : 'unsigned';
    if (refusal !== undefined) {
      const [status, code, words] = REFUSALS[refusal];
      incoming.resume();
      outgoing.writeHead(status, { 'Content-Type': 'application/xml' });
      outgoing.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${words}</Message></Error>`);
      return;
    }
    requests.push(name);
    // The host's name is signed: it goes through as it is.
    const upstream = forward({ host: '127.0.0.1', port, method, path: url, headers }, (answer: IncomingMessage) => {
      if (fate === 'unanswered') {
        answer.resume().on('end', () => incoming.socket.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.on('error', () => outgoing.destroy());
    if (fate === 'slow') pipeline(incoming, slowly, upstream).catch(() => outgoing.destroy());
    else incoming.pipe(upstream);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  server.endpoint = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  process.env.AWS_ACCESS_KEY_ID = 'S3RVER';
  process.env.AWS_SECRET_ACCESS_KEY = SECRET;
  context.after(async () => {
    proxy.close();
    proxy.closeAllConnections();
    await service.close();
  });
  return server;
}

/** Bytes a millisecond of a line that is slow. */
const SLOW = 8000;

async function* slowly(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    await sleep(piece.length / SLOW);
    yield piece;
  }
}

/** What we use of the package, which has no types. */
type S3rverClass = new (options: object) => { run(): Promise<{ port: number }>; close(): Promise<void> };
