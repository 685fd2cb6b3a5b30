import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { isSignedWith, type SignedRequest } from './aws-signature.ts';

/** What Amazon's own client sends, without sending it. */
async function requestsOf(secretAccessKey: string): Promise<SignedRequest[]> {
  const requests: SignedRequest[] = [];
  const client = new S3Client({
    endpoint: 'http://localhost:9000',
    region: 'eu-central-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'ID', secretAccessKey },
    requestHandler: {
      handle: async ({ method, path, query, headers }: HandledRequest) => {
        const text = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
        requests.push({ method, url: text.length === 0 ? path : `${path}?${text.join('&')}`, headers });
        throw new Error('not sent');
      },
    } as never,
    maxAttempts: 1,
  });
  const Bucket = 'recordings';
  const sent = [
    client.send(new ListObjectsV2Command({ Bucket, Prefix: 'a b/ü', MaxKeys: 1 })),
    client.send(new HeadObjectCommand({ Bucket, Key: 'one/video.mp4' })),
    client.send(new PutObjectCommand({ Bucket, Key: 'with space+plus.txt', Body: 'text' })),
  ];
  await Promise.allSettled(sent);
  return requests;
}

test("the official client's requests are signed with its secret and with no other", async () => {
  const requests = await requestsOf('correct horse');
  assert.equal(requests.length, 3);
  for (const request of requests) {
    assert.equal(isSignedWith('correct horse', request), true, request.url);
    assert.equal(isSignedWith('correct hors', request), false, request.url);
    assert.equal(
      isSignedWith('correct horse', { ...request, url: request.url.replace('recordings', 'others') }),
      false,
    );
    assert.equal(isSignedWith('correct horse', { ...request, headers: {} }), false);
  }
});

interface HandledRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Record<string, string>;
  readonly headers: Record<string, string>;
}
