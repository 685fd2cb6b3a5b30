import type { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import { type ByteSource, streamOf } from '../storage/byte-source.ts';
import { checkingInstructions } from './checking-instructions.ts';
import { describeReport } from './describe-report.ts';
import { eventsToCsv } from './events-csv.ts';
import type { PublicKey } from './signing-key.ts';
import { eventsOf, readEvidence, type VerificationReport } from './verify.ts';

export interface EvidenceBundle {
  readonly zip: Readable;
  readonly report: VerificationReport;
}

/**
 * Everything that somebody needs to check a recording without Oriel, as a ZIP that is made while it is read. The video
 * is stored as it is. `undefined` when the recording carries no evidence.
 *
 * @param video closed when the ZIP has been read, or is not wanted any more
 * @param trusted the gateway's keys, the present one last
 * @param report of a check just made
 */
export async function openBundle(
  video: ByteSource,
  trusted: readonly PublicKey[],
  report: VerificationReport,
): Promise<EvidenceBundle | undefined> {
  const box = await readEvidence(video);
  if (box === undefined) {
    await video.close();
    return undefined;
  }
  const key = trusted.find(({ id }) => id === report.key?.id) ?? trusted.at(-1);
  const zip = new ZipFile();
  const add = (name: string, content: string | Uint8Array) => zip.addBuffer(Buffer.from(content as string), name);
  add('HOW-TO-CHECK.txt', checkingInstructions(box.manifest.start - VIDEO_END_BEFORE_MANIFEST, key));
  add('verification.txt', describeReport(report));
  add('verification.json', `${JSON.stringify(report, undefined, 2)}\n`);
  add('manifest.json', box.manifest.bytes);
  add('manifest.sig', box.signature.bytes);
  if (key !== undefined) add('public-key.pem', key.pem);
  add('events.jsonl', box.events.bytes);
  add('events.csv', eventsToCsv(eventsOf(box)));
  // Not before it is its turn: a source that fails would otherwise fail unheard.
  zip.addReadStreamLazy('video.mp4', { compress: false, size: video.size }, (take) => {
    const stream = streamOf(video);
    stream.on('error', (error) => output.destroy(error));
    take(null, stream);
  });
  zip.end();
  const output = zip.outputStream as unknown as Readable;
  output.once('close', () => void video.close());
  return { zip: output, report };
}

/** The box's size, type, user type and version, and the manifest's length (`evidence-box.ts`). */
const VIDEO_END_BEFORE_MANIFEST = 32;
