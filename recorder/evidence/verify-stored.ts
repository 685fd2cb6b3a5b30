import { VIDEO_FILE } from '../finish.ts';
import type { RecordingStore } from '../storage/recording-store.ts';
import type { PublicKey } from './signing-key.ts';
import { type Finding, type VerificationReport, verifySource } from './verify.ts';

/**
 * Checks a recording where the gateway keeps it. That knows more than the file does: whose recording this is, and
 * whether it was sealed. Rejects when there is no video, or what is kept cannot be read.
 */
export async function verifyStored(
  store: RecordingStore,
  id: string,
  trusted: readonly PublicKey[],
): Promise<VerificationReport> {
  const video = await store.open(id, VIDEO_FILE);
  if (video === undefined) throw new Error('the video is gone');
  const report = await verifySource(video, trusted).finally(() => video.close());
  const sealed = (await store.manifest(id))?.evidence;
  const findings: Finding[] = [];
  const say = (part: Finding['part'], message: string) => findings.push({ part, message });
  const { recording, verdict } = report;
  if (recording !== null && recording.session !== id) {
    say('file', `this is the recording of another session, ${recording.session}`);
  } else if (recording !== null && sealed !== undefined && recording.chain !== sealed.chain) {
    say('manifest', 'this is not what was sealed when the recording was finished');
  }
  if (verdict === 'no-evidence' && sealed !== undefined) {
    say('box', `it was sealed when it was finished, with key ${sealed.keyId}, and its evidence was taken out`);
  }
  return findings.length === 0
    ? report
    : { ...report, verdict: 'altered', findings: [...findings, ...report.findings] };
}
