import type { DiagnosisRow, Severity } from './diagnoses/diagnosis-row.ts';
import { logonDiagnoses } from './diagnoses/logon-diagnoses.ts';
import { reachingDiagnoses } from './diagnoses/reaching-diagnoses.ts';
import { sessionDiagnoses } from './diagnoses/session-diagnoses.ts';
import { tlsDiagnoses } from './diagnoses/tls-diagnoses.ts';

/** Everything that the connection doctor finds, by its stable code. Codes are never renamed or used again. */
export const diagnoses = { ...reachingDiagnoses, ...tlsDiagnoses, ...logonDiagnoses, ...sessionDiagnoses };

export type DiagnosisCode = keyof typeof diagnoses;

/** Something that the doctor found. */
export interface Diagnosis extends DiagnosisRow {
  readonly code: DiagnosisCode;
  /** What was seen, in one line. Never a secret. */
  readonly detail?: string;
}

/** @param severity where the rule of the target makes it worse than the table says */
export function diagnosis(code: DiagnosisCode, detail?: string, severity?: Severity): Diagnosis {
  return {
    code,
    ...diagnoses[code],
    ...(severity !== undefined && { severity }),
    ...(detail !== undefined && { detail }),
  };
}
