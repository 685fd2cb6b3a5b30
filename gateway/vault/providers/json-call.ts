import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { GatewayError } from '../../errors.ts';

export interface JsonCall {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** For all of it, from the name's look-up to the last byte. */
  readonly timeoutMs: number;
  /** PEM; empty: this machine's authorities, no certificate. */
  readonly ca: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
}

export interface JsonAnswer {
  readonly status: number;
  /** Undefined where it is not JSON. */
  readonly body: unknown;
}

const MAX_ANSWER = 64 * 1024;

/**
 * One call of a credential provider: a connection of its own, no redirects followed, the answer's bytes wiped. Throws
 * `provider_timeout`, `provider_unavailable` and `provider_invalid`; never quotes what came or went.
 */
export function callJson(call: JsonCall): Promise<JsonAnswer> {
  const { method, url, timeoutMs, ca, clientCertificate, clientKey } = call;
  const secure = url.protocol === 'https:';
  const payload = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
  return new Promise((resolve, reject) => {
    const options = {
      method,
      // Nothing is kept for the next call.
      agent: false as const,
      headers: {
        Accept: 'application/json',
        'Cache-Control': 'no-store',
        ...(payload === undefined
          ? {}
          : { 'Content-Type': 'application/json', 'Content-Length': String(payload.length) }),
        ...call.headers,
      },
      ...(secure && {
        minVersion: 'TLSv1.2' as const,
        ...(ca === '' ? {} : { ca }),
        ...(clientCertificate === '' ? {} : { cert: clientCertificate, key: clientKey }),
      }),
    };
    let late = false;
    const fail = (error: GatewayError): void => {
      clearTimeout(timer);
      reject(error);
    };
    const outgoing = (secure ? httpsRequest : httpRequest)(url, options, (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on('data', (part: Buffer) => {
        size += part.length;
        parts.push(part);
        if (size > MAX_ANSWER) {
          fail(new GatewayError('provider_invalid', `it answered with more than ${MAX_ANSWER} bytes`));
          outgoing.destroy();
        }
      });
      response.on('end', () => {
        clearTimeout(timer);
        const bytes = Buffer.concat(parts);
        resolve({ status: response.statusCode ?? 0, body: parse(bytes) });
        for (const part of [bytes, ...parts]) part.fill(0);
      });
      response.on('error', (cause) => fail(describe(cause, late)));
    });
    const timer = setTimeout(() => {
      late = true;
      outgoing.destroy(new Error('too late'));
    }, timeoutMs);
    outgoing.on('error', (cause) => fail(describe(cause, late)));
    outgoing.end(payload, () => payload?.fill(0));
  });
}

/** A field of an answer, however it was put together. */
export function fieldOf(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, name)
    ? (body as Record<string, unknown>)[name]
    : undefined;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function describe(cause: Error, late: boolean): GatewayError {
  if (late) return new GatewayError('provider_timeout');
  const { code } = cause as NodeJS.ErrnoException;
  // The message of a TLS error names what is wrong with a certificate, and what it is for.
  const detail = code === undefined || code.startsWith('HPE_') ? 'it does not speak HTTP as it should' : code;
  return new GatewayError(code?.startsWith('HPE_') ? 'provider_invalid' : 'provider_unavailable', detail, { cause });
}
