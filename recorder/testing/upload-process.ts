import { S3Storage } from '../storage/s3-storage.ts';

/** Puts one file into a bucket: `node upload-process.ts ENDPOINT BUCKET NAME FILE PART-BYTES`. For tests that kill it. */
const [endpoint = '', bucket = '', name = '', file = '', partBytes = ''] = process.argv.slice(2);
const place = { bucket, prefix: 'oriel/', endpoint, region: 'us-east-1', pathStyle: true };
await new S3Storage({ ...place, partBytes: Number(partBytes) }).put(name, file);
