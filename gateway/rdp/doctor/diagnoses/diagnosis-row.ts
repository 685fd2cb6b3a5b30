import type { StepName } from '../report.ts';

/**
 * Something that the doctor may find: how bad it is, what was found, the likely cause and what a Windows administrator
 * does about it.
 */
export interface DiagnosisRow {
  readonly step: StepName;
  /** `error`: no connection; `warning`: works, or may not for long; `info`: worth knowing. */
  readonly severity: Severity;
  readonly message: string;
  readonly cause: string;
  readonly fix: string;
}

export type Severity = 'error' | 'warning' | 'info';
