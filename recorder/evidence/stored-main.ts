import { text } from 'node:stream/consumers';
import { VIDEO_FILE } from '../finish.ts';
import { openStorage } from '../storage/open-storage.ts';
import { RecordingStore } from '../storage/recording-store.ts';
import { readTrustedKeys } from './signing-key.ts';
import { verifySource } from './verify.ts';

/**
 * Checks a recording where the gateway keeps it: `node stored-main.ts < JOB`, a JSON object. What it is encrypted with
 * comes on stdin because others could read arguments and, later, the environment. Prints the report as JSON.
 */
interface Job {
  readonly directory: string;
  /** The URL of where finished recordings are kept, if not in the directory. */
  readonly storage?: string;
  readonly id: string;
  /** Base64; nothing for a recording that is not encrypted. */
  readonly key?: string;
  /** Whose public keys are trusted. */
  readonly signingKeyFile: string;
}

const job = JSON.parse(await text(process.stdin)) as Job;
const key = job.key === undefined ? undefined : Buffer.from(job.key, 'base64');
const storage = job.storage === undefined ? undefined : openStorage(job.storage);
const store = new RecordingStore({ directory: job.directory, storage, keyOf: async () => key });
const video = await store.open(job.id, VIDEO_FILE);
if (video === undefined) throw new Error('the video is gone');
const report = await verifySource(video, await readTrustedKeys(job.signingKeyFile));
await video.close();
process.stdout.write(`${JSON.stringify(report)}\n`);
