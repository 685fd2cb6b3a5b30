import type { Finding, VerificationReport } from './verify.ts';

/** A verification report for people to read, several lines. */
export function describeReport(report: VerificationReport): string {
  const lines: string[] = [VERDICT[report.verdict]];
  const { key, recording } = report;
  if (key !== null) {
    const trust =
      key.trusted === null ? ', taken from the file itself' : key.trusted ? ', the one asked for' : ', another';
    lines.push(`Signed with key ${key.id}${trust}.`);
    if (key.trusted === null && report.verdict !== 'altered') {
      lines.push(
        'Nothing vouches for that key but the file: hold it against the one that your gateway shows, or give --public-key.',
      );
    }
  }
  if (recording !== null) {
    lines.push(
      `Session ${recording.session}: ${iso(recording.startedAt)} to ${iso(recording.endedAt)}, ` +
        `${recording.frames} frames, ${recording.segments} segments, ${recording.events} events; ` +
        `signed ${iso(recording.sealedAt)}.`,
    );
    if (recording.state === 'incomplete') lines.push('Not everything was recorded when it was made:');
    for (const problem of recording.problems) lines.push(`  - ${problem}`);
    if (recording.attestedUntilMs !== undefined) {
      lines.push(`It was interrupted; up to ${clock(recording.attestedUntilMs)} its own recorder had signed it.`);
    }
  }
  if (report.untilMs !== undefined) lines.push(`What is there, up to ${clock(report.untilMs)}, is as it was signed.`);
  if (report.findings.length > 0) lines.push('Found:');
  for (const finding of report.findings.slice(0, MAX_FINDINGS)) lines.push(`  - ${describeFinding(finding)}`);
  if (report.findings.length > MAX_FINDINGS) lines.push(`  and ${report.findings.length - MAX_FINDINGS} more`);
  if (report.verdict === 'no-evidence') lines.push(ABOUT_NO_EVIDENCE);
  return `${lines.join('\n')}\n`;
}

export function describeFinding(finding: Finding): string {
  const where: string[] = [];
  if (finding.segment !== undefined) where.push(`segment ${finding.segment}`);
  if (finding.fromMs !== undefined) {
    where.push(
      finding.untilMs === undefined
        ? `it plays until ${clock(finding.fromMs)}`
        : `${clock(finding.fromMs)} to ${clock(finding.untilMs)}`,
    );
  }
  if (finding.event !== undefined) where.push(`event ${finding.event}`);
  if (finding.start !== undefined && finding.end !== undefined) where.push(`bytes ${finding.start} to ${finding.end}`);
  return where.length === 0 ? finding.message : `${finding.message} (${where.join(', ')})`;
}

const VERDICT = {
  whole: 'WHOLE: every byte is as it was signed.',
  altered: 'ALTERED: the file is not as it was signed.',
  'cut-short': 'CUT SHORT: the end of the file is missing.',
  'no-evidence': 'NO EVIDENCE: this file is not proven to be whole. There is nothing in it to check it by.',
} as const;
const ABOUT_NO_EVIDENCE =
  'Every recording that was finished in good order carries its evidence. A file without it may be another video, or one ' +
  'that was cut, encoded or written anew. Do not rely on it: ask for the file as the gateway has it.';
const MAX_FINDINGS = 20;

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function clock(ms: number): string {
  // Of a file that is not as it was signed, a time may be anything.
  return ms >= 0 && ms <= LATEST ? new Date(ms).toISOString().slice(11, 23) : `${ms} ms`;
}

/** The latest time that a `Date` holds. */
const LATEST = 8.64e15;
