import { text } from 'node:stream/consumers';
import { openStorage } from '../storage/open-storage.ts';
import { RecordingStore } from '../storage/recording-store.ts';
import { readTrustedKeys } from './signing-key.ts';
import { verifyRecording } from './verify.ts';
import { verifyStored } from './verify-stored.ts';

/**
 * Checks a recording where the gateway keeps it, or any file: `node stored-main.ts < JOB`, a JSON object. What it is
 * encrypted with comes on stdin because others could read arguments and, later, the environment. Prints the report as JSON.
 */
type Job = StoredJob | { readonly file: string; readonly signingKeyFile: string };

interface StoredJob {
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
const trusted = await readTrustedKeys(job.signingKeyFile);
const report =
  'file' in job ? await verifyRecording(job.file, trusted) : await verifyStored(storeOf(job), job.id, trusted);
process.stdout.write(`${JSON.stringify(report)}\n`);

function storeOf(job: StoredJob): RecordingStore {
  const key = job.key === undefined ? undefined : Buffer.from(job.key, 'base64');
  const storage = job.storage === undefined ? undefined : openStorage(job.storage);
  return new RecordingStore({ directory: job.directory, storage, keyOf: async () => key });
}
