import { type FileHandle, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { ByteSource } from './byte-source.ts';
import type { ObjectStorage } from './object-storage.ts';

export interface S3Options {
  readonly bucket: string;
  /** Before every object's name; empty, or ends with a slash. */
  readonly prefix: string;
  /** Of a service that is not Amazon's. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** The bucket is in the path and not in the host's name. */
  readonly pathStyle: boolean;
  /** Bytes of a part; S3 takes no less than 5 MiB and no more than 10,000 of them. */
  readonly partBytes?: number | undefined;
  /** Tests shorten what is waited for. */
  readonly timeoutMs?: number | undefined;
}

/**
 * A bucket that speaks S3. Files of more than one part go up part by part; which parts are there stands in a file beside
 * (`.upload`), so that a restart goes on where it was. The client tries again by itself what may pass.
 *
 * Who signs in, and how, the client finds as all of Amazon's tools do: `AWS_ACCESS_KEY_ID`, profiles, instance roles.
 */
export class S3Storage implements ObjectStorage {
  readonly description: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #partBytes: number;

  constructor({ bucket, prefix, endpoint, region, pathStyle, partBytes, timeoutMs = TIMEOUT_MS }: S3Options) {
    this.description = `s3://${bucket}/${prefix}${endpoint === undefined ? '' : ` at ${endpoint}`}`;
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#partBytes = partBytes ?? PART_BYTES;
    this.#client = new S3Client({
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(region === undefined ? {} : { region }),
      forcePathStyle: pathStyle,
      maxAttempts: ATTEMPTS,
      // Of silence, not of a whole request: a part may take minutes on a slow line.
      requestHandler: { connectionTimeout: timeoutMs, socketTimeout: timeoutMs },
      // Not every service that speaks S3 knows the newer checksums; what is stored authenticates itself.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  async put(name: string, path: string): Promise<void> {
    const file = await open(path, 'r');
    try {
      const { size, mtimeMs } = await file.stat();
      if (size <= this.#partBytes) {
        await this.#client.send(new PutObjectCommand({ ...this.#object(name), Body: await readPart(file, 0, size) }));
      } else {
        await this.#putInParts(name, path, file, { size, mtimeMs });
      }
      const stored = await this.#head(name);
      if (stored?.size !== size)
        throw new Error(`${name} is ${stored?.size} bytes long at ${this.description}, not ${size}`);
    } finally {
      await file.close();
    }
  }

  async abandon(_name: string, path: string): Promise<void> {
    const statePath = `${path}${UPLOAD_SUFFIX}`;
    const known = await readState(statePath);
    if (known === undefined) return;
    await this.#abort(known);
    await rm(statePath, { force: true });
  }

  async open(name: string): Promise<ByteSource | undefined> {
    const facts = await this.#head(name);
    if (facts === undefined) return undefined;
    const { size, etag, modifiedAt } = facts;
    return {
      size,
      modifiedAt,
      read: async (position, length) => {
        const end = Math.min(size, position + length);
        if (position >= end) return Buffer.alloc(0);
        const Range = `bytes=${position}-${end - 1}`;
        // Parts of two versions would not fit together.
        const request = { ...this.#object(name), Range, ...(etag === undefined ? {} : { IfMatch: etag }) };
        const { Body } = await this.#client.send(new GetObjectCommand(request));
        const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
        if (bytes.length !== end - position)
          throw new Error(`${name}: ${bytes.length} bytes of ${end - position} came`);
        return bytes;
      },
      close: async () => {},
    };
  }

  async list(prefix: string): Promise<string[]> {
    const names: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const answer = await this.#client.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: this.#prefix + prefix,
          ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
        }),
      );
      for (const { Key } of answer.Contents ?? []) if (Key !== undefined) names.push(Key.slice(this.#prefix.length));
      ContinuationToken = answer.IsTruncated === true ? answer.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
    return names;
  }

  async remove(name: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand(this.#object(name)));
  }

  async check(): Promise<void> {
    try {
      const Prefix = `${this.#prefix}${NO_RECORDING}`;
      await this.#client.send(new ListObjectsV2Command({ Bucket: this.#bucket, Prefix, MaxKeys: 1 }));
    } catch (cause) {
      throw new Error(`${this.description} cannot be used: ${(cause as Error).message}`, { cause });
    }
  }

  async #putInParts(name: string, path: string, file: FileHandle, facts: FileFacts): Promise<void> {
    const statePath = `${path}${UPLOAD_SUFFIX}`;
    for (let attempt = 0; ; attempt++) {
      const upload = await this.#resumeOrBegin(name, statePath, facts);
      try {
        for (let n = upload.parts.length + 1; (n - 1) * upload.partBytes < facts.size; n++) {
          const Body = await readPart(file, (n - 1) * upload.partBytes, upload.partBytes);
          const part = { ...this.#object(name), UploadId: upload.id, PartNumber: n, Body };
          const { ETag } = await this.#client.send(new UploadPartCommand(part));
          upload.parts.push(ETag ?? '');
          await this.#remember(statePath, upload);
        }
        const Parts = upload.parts.map((ETag, i) => ({ ETag, PartNumber: i + 1 }));
        const request = { ...this.#object(name), UploadId: upload.id, MultipartUpload: { Parts } };
        await this.#client.send(new CompleteMultipartUploadCommand(request));
        await rm(statePath, { force: true });
        return;
      } catch (error) {
        if (!(error instanceof S3ServiceException)) throw error;
        // Completed before the answer was lost, or cleared away by the service because it lay too long.
        const isGone = error.name === 'NoSuchUpload';
        const isComplete = upload.parts.length * upload.partBytes >= facts.size;
        if (isGone || isComplete) {
          const isThere = (await this.#head(name))?.size === facts.size;
          if (isThere || isGone) await rm(statePath, { force: true });
          if (isThere) return;
        }
        if (!isGone || attempt > 0) throw error;
      }
    }
  }

  async #resumeOrBegin(name: string, statePath: string, facts: FileFacts): Promise<Upload> {
    const known = await readState(statePath);
    const partBytes = Math.max(this.#partBytes, Math.ceil(facts.size / MAX_PARTS));
    if (known !== undefined) {
      const same = known.bucket === this.#bucket && known.key === this.#prefix + name && known.size === facts.size;
      if (same && known.mtimeMs === facts.mtimeMs) return known;
      // Of something that is not there any more.
      await this.#abort(known);
    }
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(this.#object(name)));
    if (UploadId === undefined) throw new Error(`${this.description} began no upload`);
    const upload: Upload = {
      bucket: this.#bucket,
      key: this.#prefix + name,
      id: UploadId,
      partBytes,
      ...facts,
      parts: [],
    };
    await this.#remember(statePath, upload);
    return upload;
  }

  /**
   * A disk without room for this must not keep what is on it from moving elsewhere: then a restart begins anew. Where the
   * file's folder is gone its recording has been destroyed, and nobody goes on with the upload.
   */
  async #remember(statePath: string, upload: Upload): Promise<void> {
    try {
      await writeState(statePath, upload);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return;
      await this.#abort(upload);
      throw error;
    }
  }

  /** What cannot be aborted the service clears away in its time. */
  async #abort({ bucket, key, id }: Upload): Promise<void> {
    const upload = { Bucket: bucket, Key: key, UploadId: id };
    await this.#client.send(new AbortMultipartUploadCommand(upload)).catch(() => {});
  }

  async #head(name: string): Promise<{ size: number; etag: string | undefined; modifiedAt: number } | undefined> {
    try {
      const { ContentLength, ETag, LastModified } = await this.#client.send(new HeadObjectCommand(this.#object(name)));
      return { size: ContentLength ?? 0, etag: ETag, modifiedAt: LastModified?.getTime() ?? 0 };
    } catch (error) {
      if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return undefined;
      throw error;
    }
  }

  #object(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + name };
  }
}

/** What the file beside an upload that goes on is called. */
export const UPLOAD_SUFFIX = '.upload';

interface FileFacts {
  readonly size: number;
  readonly mtimeMs: number;
}

interface Upload extends FileFacts {
  readonly bucket: string;
  readonly key: string;
  readonly id: string;
  readonly partBytes: number;
  /** What the service calls the parts that it has, from the first on. */
  readonly parts: string[];
}

async function readState(path: string): Promise<Upload | undefined> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Upload | null;
    const { id, key, bucket, partBytes, parts } = value ?? {};
    const texts = [id, key, bucket].every((text) => typeof text === 'string');
    return texts && typeof partBytes === 'number' && Array.isArray(parts) ? (value as Upload) : undefined;
  } catch {
    // None, or one that a crash left half written: the upload begins anew.
    return undefined;
  }
}

async function writeState(path: string, upload: Upload): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(upload), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

async function readPart(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await file.read(bytes, at, length - at, position + at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}

/** Lists nothing, however much there is: a long list comes in pages, which some servers cannot make. */
const NO_RECORDING = '.oriel-probe';
const PART_BYTES = 8 * 1024 * 1024;
const MAX_PARTS = 10_000;
const ATTEMPTS = 4;
const TIMEOUT_MS = 60_000;
