import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** What of a request is signed. */
export interface SignedRequest {
  readonly method: string;
  /** With its query, as it was sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Whether a request was signed with this secret: AWS Signature Version 4 in the `Authorization` header, computed from the
 * service's side ("Authenticating Requests: Using the Authorization Header" in Amazon's S3 API reference). S3 signs paths
 * as they are sent, without encoding them a second time.
 */
export function isSignedWith(secret: string, { method, url, headers }: SignedRequest): boolean {
  const fields = /^AWS4-HMAC-SHA256 Credential=[^/]+\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    headers.authorization ?? '',
  );
  const [, scope, signedHeaders, signature] = fields ?? [];
  if (scope === undefined || signedHeaders === undefined) return false;
  const [path = '', query = ''] = url.split('?', 2);
  const canonical = [
    method,
    path,
    canonicalQuery(query),
    ...signedHeaders.split(';').map(
      (name) =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replace(/ +/g, ' ')}`,
    ),
    '',
    signedHeaders,
    headers['x-amz-content-sha256'] ?? '',
  ].join('\n');
  const hash = createHash('sha256').update(canonical).digest('hex');
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'] ?? '', scope, hash].join('\n');
  const key = scope.split('/').reduce<string | Buffer>((key, part) => hmac(key, part), `AWS4${secret}`);
  return hmac(key, toSign).toString('hex') === signature;
}

/** Sorted by name, each with a value, even an empty one. */
function canonicalQuery(query: string): string {
  const parts = query.split('&').filter(Boolean);
  return parts
    .map((part) => (part.includes('=') ? part : `${part}=`))
    .sort((a, b) => (a < b ? -1 : 1))
    .join('&');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
