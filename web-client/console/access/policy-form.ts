import type { ApprovalStep, Policy, PolicyFields, RecordingMode, TransferDirection } from '../api/access.ts';
import type { InputLogPolicy } from '../api/types.ts';

/** A policy as its form has it: numbers as they are typed, and '' for what is left to the gateway or the target. */
export interface PolicyForm {
  readonly name: string;
  /** Group '' is whoever is an approver. */
  readonly steps: readonly { readonly needed: string; readonly group: string }[];
  readonly emergency: boolean;
  readonly reasonRequired: boolean;
  /** One a line. */
  readonly reasonCodes: string;
  readonly commentRequired: boolean;
  readonly ticketRequired: boolean;
  readonly ticketPattern: string;
  readonly ticketWebhook: string;
  readonly defaultMinutes: string;
  readonly maxMinutes: string;
  readonly minutesChangeable: boolean;
  readonly pendingMinutes: string;
  readonly windows: PolicyFields['windows'];
  readonly timeZone: string;
  readonly recording: RecordingMode | '';
  readonly inputLog: InputLogPolicy | '';
  readonly liveView: boolean;
  readonly liveViewAnnounced: 'yes' | 'no' | '';
  readonly idleMinutes: string;
  readonly sessionMinutes: string;
  /** With commas between. */
  readonly warnMinutes: string;
  readonly clipboard: TransferDirection;
  readonly files: TransferDirection;
  readonly exclusive: boolean;
  readonly maxSessions: string;
  readonly stepUp: boolean;
  readonly review: boolean;
  /** '' is every auditor. */
  readonly reviewGroup: string;
  readonly reveal: boolean;
  readonly typeSecret: boolean;
  readonly secretNotice: boolean;
  readonly masterPassword: boolean;
}

/** What is wrong, by the name of the field that it stands beside. */
export type PolicyErrors = Readonly<Record<string, string>>;

/** A policy that says nothing, as the gateway would fill it in. */
export const usualPolicy: PolicyForm = {
  name: '',
  steps: [],
  emergency: false,
  reasonRequired: false,
  reasonCodes: '',
  commentRequired: false,
  ticketRequired: false,
  ticketPattern: '',
  ticketWebhook: '',
  defaultMinutes: '60',
  maxMinutes: '480',
  minutesChangeable: true,
  pendingMinutes: '1440',
  windows: [],
  timeZone: 'UTC',
  recording: '',
  inputLog: '',
  liveView: true,
  liveViewAnnounced: '',
  idleMinutes: '10',
  sessionMinutes: '0',
  warnMinutes: '5, 1',
  clipboard: 'both',
  files: 'both',
  exclusive: false,
  maxSessions: '0',
  stepUp: false,
  review: false,
  reviewGroup: '',
  reveal: false,
  typeSecret: false,
  secretNotice: true,
  masterPassword: false,
};

const MAX_MINUTES = 43_200;
const MAX_PATTERN = 200;

export function formOf(policy: Policy): PolicyForm {
  const announced = policy.liveViewAnnounced ? 'yes' : 'no';
  return {
    name: policy.name,
    steps: policy.approval.steps.map(({ needed, group }) => ({ needed: String(needed), group: group ?? '' })),
    emergency: policy.emergency,
    reasonRequired: policy.reasonRequired,
    reasonCodes: policy.reasonCodes.join('\n'),
    commentRequired: policy.commentRequired,
    ticketRequired: policy.ticketRequired,
    ticketPattern: policy.ticketPattern ?? '',
    ticketWebhook: policy.ticketWebhook ?? '',
    defaultMinutes: String(policy.defaultMinutes),
    maxMinutes: String(policy.maxMinutes),
    minutesChangeable: policy.minutesChangeable,
    pendingMinutes: String(policy.pendingMinutes),
    windows: policy.windows,
    timeZone: policy.timeZone,
    recording: policy.recording ?? '',
    inputLog: policy.inputLog ?? '',
    liveView: policy.liveView,
    liveViewAnnounced: policy.liveViewAnnounced === null ? '' : announced,
    idleMinutes: String(policy.idleMinutes),
    sessionMinutes: String(policy.sessionMinutes),
    warnMinutes: policy.warnMinutes.join(', '),
    clipboard: policy.clipboard,
    files: policy.files,
    exclusive: policy.exclusive,
    maxSessions: String(policy.maxSessions),
    stepUp: policy.stepUp,
    review: policy.review,
    reviewGroup: policy.reviewGroup ?? '',
    reveal: policy.reveal,
    typeSecret: policy.typeSecret,
    secretNotice: policy.secretNotice,
    masterPassword: policy.masterPassword,
  };
}

/** What the API takes. Only of a form that `errorsIn` finds nothing in. */
export function fieldsOf(form: PolicyForm): PolicyFields {
  const { steps: _, ...rest } = form;
  return {
    ...rest,
    name: form.name.trim(),
    approval: { steps: stepsOf(form) },
    reasonCodes: codesOf(form),
    ticketPattern: form.ticketPattern || null,
    ticketWebhook: form.ticketWebhook.trim() || null,
    defaultMinutes: Number(form.defaultMinutes),
    maxMinutes: Number(form.maxMinutes),
    pendingMinutes: Number(form.pendingMinutes),
    timeZone: form.timeZone.trim(),
    recording: form.recording || null,
    inputLog: form.inputLog || null,
    liveViewAnnounced: form.liveViewAnnounced === '' ? null : form.liveViewAnnounced === 'yes',
    idleMinutes: Number(form.idleMinutes),
    sessionMinutes: Number(form.sessionMinutes),
    warnMinutes: numbersOf(form.warnMinutes),
    maxSessions: Number(form.maxSessions),
    reviewGroup: form.reviewGroup || null,
  };
}

export function stepsOf({ steps }: PolicyForm): readonly ApprovalStep[] {
  return steps.map(({ needed, group }) => ({ needed: Number(needed), group: group || null }));
}

/** What the gateway would refuse, said beside the field before it is asked. */
export function errorsIn(form: PolicyForm): PolicyErrors {
  const errors: Record<string, string> = {};
  const demand = (name: string, right: boolean, text: string): void => {
    if (!right) errors[name] ??= text;
  };
  const demandNumber = (name: string, value: string, least: number, most: number): void =>
    demand(name, isWhole(value, least, most), `A whole number from ${least} to ${most}.`);

  demand('name', form.name.trim() !== '', 'A name is needed.');
  for (const [index, { needed }] of form.steps.entries()) demandNumber(`needed ${index}`, needed, 1, 20);
  const codes = codesOf(form);
  demand('reasonCodes', codes.every((code) => code.length <= 64) && codes.length <= 100, 'At most 100, of 64 letters.');
  demand('ticketPattern', isPattern(form.ticketPattern), 'This is not a regular expression.');
  demand('ticketPattern', form.ticketPattern.length <= MAX_PATTERN, `At most ${MAX_PATTERN} characters.`);
  const webhook = form.ticketWebhook.trim();
  demand('ticketWebhook', webhook === '' || isWebAddress(webhook), 'An address that begins with https:// or http://.');
  demandNumber('maxMinutes', form.maxMinutes, 1, MAX_MINUTES);
  demandNumber('defaultMinutes', form.defaultMinutes, 1, MAX_MINUTES);
  const fits = Number(form.defaultMinutes) <= Number(form.maxMinutes);
  demand('defaultMinutes', fits, 'This is longer than the longest.');
  demandNumber('pendingMinutes', form.pendingMinutes, 1, MAX_MINUTES);
  for (const [index, { days, from, to }] of form.windows.entries()) {
    demand(`window ${index}`, days.length > 0, 'Pick at least one day.');
    demand(`window ${index}`, from !== '' && to !== '', 'Both times are needed.');
  }
  demand('timeZone', isTimeZone(form.timeZone.trim()), 'There is no such time zone; try one such as Europe/Berlin.');
  demandNumber('idleMinutes', form.idleMinutes, 0, MAX_MINUTES);
  demandNumber('sessionMinutes', form.sessionMinutes, 0, MAX_MINUTES);
  const warnings = form.warnMinutes.split(',').filter((part) => part.trim() !== '');
  const ofTime = warnings.every((part) => isWhole(part, 1, 1440)) && warnings.length <= 10;
  demand('warnMinutes', ofTime, 'Up to 10 whole numbers from 1 to 1440, with commas between.');
  demandNumber('maxSessions', form.maxSessions, 0, 1000);
  return errors;
}

function codesOf({ reasonCodes }: PolicyForm): string[] {
  const lines = reasonCodes.split('\n').map((line) => line.trim());
  return [...new Set(lines.filter((line) => line !== ''))];
}

function numbersOf(text: string): number[] {
  const parts = text.split(',').filter((part) => part.trim() !== '');
  return [...new Set(parts.map(Number))];
}

function isWhole(text: string, least: number, most: number): boolean {
  const value = Number(text);
  return text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most;
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

function isWebAddress(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '');
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name !== '';
  } catch {
    return false;
  }
}
