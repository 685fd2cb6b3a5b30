import { VIDEO_FILE } from '../finish.ts';
import { bytesSource, readablePart } from '../storage/byte-source.ts';
import type { RecordingStore } from '../storage/recording-store.ts';
import { MissingKeyError, SealedFileError } from '../storage/sealed-file.ts';
import type { PublicKey } from './signing-key.ts';
import { type Finding, type VerificationReport, verifySource } from './verify.ts';

/**
 * Checks a recording where the gateway keeps it. That knows more than the file does: whose recording this is, whether it
 * was sealed, and whether it is still encrypted as it was written. Rejects when there is no video, or no key to it.
 */
export async function verifyStored(
  store: RecordingStore,
  id: string,
  trusted: readonly PublicKey[],
): Promise<VerificationReport> {
  const findings: Finding[] = [];
  const altered = (error: unknown, place: Partial<Finding> = {}): void => {
    const message = `an encrypted file is not as it was written: ${alterationOf(error)}`;
    findings.push({ part: 'storage', message, ...place });
  };
  const video = await store.open(id, VIDEO_FILE).catch(altered);
  if (video === undefined && findings.length === 0) throw new Error('the video is gone');
  const source = video ?? bytesSource(new Uint8Array(0));
  const report = await verifySource(source, trusted)
    .catch(async (error) => {
      const part = await readablePart(source);
      altered(error, { start: part.size, end: source.size });
      return verifySource(part, trusted);
    })
    .finally(() => source.close());
  const readable = findings.length === 0;
  const manifest = await store.manifest(id).catch(altered);
  const sealed = manifest?.evidence;
  const { recording, verdict } = report;
  if (recording !== null && recording.session !== id) {
    findings.push({ part: 'file', message: `this is the recording of another session, ${recording.session}` });
  } else if (recording !== null && sealed !== undefined && recording.chain !== sealed.chain) {
    findings.push({ part: 'manifest', message: 'this is not what was sealed when the recording was finished' });
  }
  if (verdict === 'no-evidence' && sealed !== undefined && readable) {
    const message = `it was sealed with key ${sealed.keyId} when it was finished, and its evidence was taken out`;
    findings.push({ part: 'box', message });
  }
  if (findings.length === 0) return report;
  // Of what can be read in part only, that it ends early is no news.
  const others = readable ? report.findings : [];
  return { ...report, verdict: 'altered', findings: [...findings, ...others] };
}

/** Throws what is no alteration: a key that is not there, a disk that fails. */
function alterationOf(error: unknown): string {
  if (error instanceof SealedFileError && !(error instanceof MissingKeyError)) return error.message;
  throw error;
}
