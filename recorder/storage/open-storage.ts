import { fileURLToPath } from 'node:url';
import { FolderStorage } from './folder-storage.ts';
import type { ObjectStorage } from './object-storage.ts';
import { S3Storage } from './s3-storage.ts';

/**
 * Where finished recordings are kept, from a URL (docs/recording.md): `file:///srv/recordings`, or
 * `s3://bucket/prefix?endpoint=https://s3.example.com&region=eu-central-1&path-style=on`. Throws what is wrong with it.
 */
export function openStorage(text: string): ObjectStorage {
  const url = URL.parse(text);
  if (url?.protocol === 'file:') return new FolderStorage(fileURLToPath(url).replace(/\/+$/, ''));
  if (url?.protocol !== 's3:' || url.hostname === '') throw new Error(`"${text}" is no file: or s3: URL`);
  if (url.username !== '' || url.password !== '') throw new Error('keys do not belong into the URL');
  const unknown = [...url.searchParams.keys()].find((name) => !['endpoint', 'region', 'path-style'].includes(name));
  if (unknown !== undefined) throw new Error(`"${unknown}" is none of endpoint, region, path-style`);
  const endpoint = url.searchParams.get('endpoint') ?? undefined;
  if (endpoint !== undefined && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    throw new Error(`endpoint "${endpoint}" is no https: or http: URL`);
  }
  const path = url.pathname.replace(/^\/+|\/+$/g, '');
  return new S3Storage({
    bucket: url.hostname,
    prefix: path === '' ? '' : `${path}/`,
    endpoint,
    region: url.searchParams.get('region') ?? undefined,
    // What others than Amazon offer mostly knows buckets in paths only.
    pathStyle: (url.searchParams.get('path-style') ?? (endpoint === undefined ? 'off' : 'on')) === 'on',
  });
}
