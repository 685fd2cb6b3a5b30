import type { Diagnosis } from './diagnoses.ts';
import type { Fact } from './report.ts';

/** What one step came to. Without a `value` the steps that build on it have nothing to go on with. */
export interface Finding<T> {
  readonly summary: string;
  readonly facts?: Readonly<Record<string, Fact>>;
  readonly diagnoses?: readonly Diagnosis[];
  readonly value?: T;
}
