import type { LookupFunction } from 'node:net';
import {
  DEFAULT_GRAPHICS,
  DYNAMIC_CHANNELS,
  type GraphicsKind,
  offerGraphics,
} from '#protocol/connector/graphics-offer.ts';
import type { LegacySecurityPolicy, NlaPolicy } from '#protocol/connector/types.ts';
import { SecurityProtocol } from '#protocol/pdu/nego.ts';
import { DEFAULT_MINIMUM_TLS } from '../driver.ts';
import type { TlsVersion } from '../tls-peer.ts';
import type { TrustPolicy } from '../trust.ts';
import { checkCertificate } from './certificate.ts';
import type { DesktopOutcome } from './desktop.ts';
import { type Diagnosis, diagnosis } from './diagnoses.ts';
import type { Finding } from './finding.ts';
import { followToDesktop } from './follow.ts';
import { type Negotiated, negotiate } from './negotiation.ts';
import { type NlaAnswer, probeNla } from './nla.ts';
import { findAddresses, findOpenAddress, type Reached, type Resolve, resolveHost } from './reach.ts';
import { type Report, type Step, type StepName, statusOf, stepNames, verdictOf } from './report.ts';
import { probeTls } from './tls.ts';
import type { Dial } from './wire.ts';

export interface DoctorOptions {
  readonly host: string;
  readonly port: number;
  /** `preferred` unless given. */
  readonly nla?: NlaPolicy;
  readonly restrictedAdmin?: boolean;
  /** Standard RDP security; `refused` unless given. */
  readonly legacySecurity?: LegacySecurityPolicy;
  /** Oldest version of CredSSP; any unless given. */
  readonly oldestCredSsp?: number;
  /** 1.2 unless given. */
  readonly minimumTls?: TlsVersion;
  /** What the server may send besides classic bitmaps, as sessions offer it. */
  readonly graphics?: readonly GraphicsKind[];
  /** What licence servers know the gateway by, as sessions say it; the doctor's own unless given. */
  readonly hardwareId?: Uint8Array;
  /** Which certificate may be sent the password; any, as on first use, unless given. */
  readonly trust?: TrustPolicy;
  /** Without an account it ends before the logon, or at the server's sign-in screen where there is no NLA. */
  readonly credentials?: { readonly username: string; readonly password: string; readonly domain: string };
  /** `logon` opens no session: it leaves when NLA has accepted the account. `desktop` unless given. */
  readonly until?: 'logon' | 'desktop';
  /** For each answer of the network's; 10 s unless given. */
  readonly timeoutMs?: number;
  /** For what may have to ask a domain controller; 30 s unless given. */
  readonly logonTimeoutMs?: number;
  readonly pictureTimeoutMs?: number;
  /** How long to listen for the outcome of a logon without NLA after the first picture; 2 s unless given. */
  readonly settleMs?: number;
  /** Called with each step as it is done. */
  readonly onStep?: (step: Step) => void;
  /** Another resolver, another way to the host for the TCP step, and another clock, for tests. */
  readonly resolve?: Resolve;
  readonly dial?: Dial;
  readonly now?: () => number;
}

/**
 * Looks at everything between here and a desktop, step by step, and says what was reached, offered, negotiated or
 * refused, why, and what to do about it. Makes about ten short connections and one whole one. The account is used once,
 * over the whole one, and only where the certificate is trusted. Does not reject for anything that the server does.
 */
export async function diagnose(options: DoctorOptions): Promise<Report> {
  const now = options.now ?? Date.now;
  const startedAt = now();
  const started = performance.now();
  const examination = new Examination(options.onStep ?? (() => {}));
  await examine(options, examination);
  examination.skipRest();
  const { steps } = examination;
  return {
    host: options.host,
    port: options.port,
    startedAt: new Date(startedAt).toISOString(),
    durationMs: since(started),
    verdict: verdictOf(steps),
    steps,
  };
}

async function examine(options: DoctorOptions, examination: Examination): Promise<void> {
  const { host, port, timeoutMs = TIMEOUT_MS, resolve = resolveHost, minimumTls = DEFAULT_MINIMUM_TLS } = options;
  const { nla = 'preferred', restrictedAdmin = false, legacySecurity = 'refused' } = options;
  const { trust = ANY_CERTIFICATE, now = Date.now } = options;

  const addresses = await examination.step('dns', () => findAddresses(host, resolve, timeoutMs));
  if (addresses === undefined) return;
  const reached = await examination.step('tcp', () => findOpenAddress(addresses, port, timeoutMs, options.dial));
  if (reached === undefined) return;
  const negotiated = await examination.step('negotiation', () =>
    negotiate(reached, port, { nla, restrictedAdmin, legacySecurity }, timeoutMs),
  );
  if (negotiated === undefined) return examination.roundTrip(reached);
  if (negotiated.selected === SecurityProtocol.rdp) {
    for (const name of ['tls', 'certificate', 'nla'] as const) examination.skip(name, 'standard RDP security has none');
    const outcome = await examineDesktop(options, examination, reached, negotiated);
    return examination.roundTrip(reached, negotiated, undefined, outcome);
  }
  const secured = await examination.step('tls', () =>
    probeTls(reached, port, negotiated, { host, minimumTls, verifyChain: true }, timeoutMs),
  );
  if (secured === undefined) return examination.roundTrip(reached, negotiated);
  const trusted = await examination.step('certificate', async () =>
    checkCertificate(secured.certificate, host, trust, now()),
  );
  if (trusted === undefined) return examination.roundTrip(reached, negotiated);

  let challenged: NlaAnswer | undefined;
  if (negotiated.selected === SecurityProtocol.ssl) {
    examination.skip('nla', nla === 'never' ? 'not used for this target' : 'the server has none');
  } else {
    challenged = await examination.step('nla', () =>
      probeNla(reached, port, negotiated, { host, oldestCredSsp: options.oldestCredSsp ?? 0 }, timeoutMs, now),
    );
    if (challenged === undefined) return examination.roundTrip(reached, negotiated);
  }
  const outcome = await examineDesktop(options, examination, reached, negotiated);
  examination.roundTrip(reached, negotiated, challenged, outcome);
}

/** The whole connection, as a session makes it. */
async function examineDesktop(
  options: DoctorOptions,
  examination: Examination,
  reached: Reached,
  negotiated: Negotiated,
): Promise<DesktopOutcome | undefined> {
  const { host, port, credentials, trust = ANY_CERTIFICATE, nla = 'preferred', until = 'desktop' } = options;
  const usesNla = negotiated.selected !== SecurityProtocol.ssl && negotiated.selected !== SecurityProtocol.rdp;
  const unwanted =
    credentials === undefined ? 'no account was given' : 'without NLA there is no logon before the session';
  if ((credentials === undefined && usesNla) || (until === 'logon' && !usesNla)) {
    for (const name of DESKTOP_STEPS) examination.skip(name, unwanted);
    return undefined;
  }
  const { outcome, visited, problem } = await followToDesktop({
    config: {
      host,
      ...(credentials ?? NOBODY),
      ...DESKTOP,
      ...offerGraphics(options.graphics ?? DEFAULT_GRAPHICS),
      channels: [DYNAMIC_CHANNELS],
      nla,
      ...(options.restrictedAdmin === true && { restrictedAdmin: true }),
      ...(options.oldestCredSsp !== undefined && { oldestCredSsp: options.oldestCredSsp }),
      ...(options.hardwareId !== undefined && { hardwareId: options.hardwareId }),
      ...(negotiated.selected === SecurityProtocol.rdp && { legacySecurity: 'required' }),
    },
    connection: {
      host,
      port,
      lookup: lookupOf(reached),
      verifyChain: trust.mode === 'system',
      minimumTls: options.minimumTls ?? DEFAULT_MINIMUM_TLS,
      connectTimeoutMs: options.timeoutMs ?? TIMEOUT_MS,
      answerTimeoutMs: options.logonTimeoutMs ?? LOGON_TIMEOUT_MS,
    },
    trust,
    until,
    pictureTimeoutMs: options.pictureTimeoutMs ?? TIMEOUT_MS,
    settleMs: usesNla || credentials === undefined ? 0 : (options.settleMs ?? SETTLE_MS),
  });
  const found = problem === undefined ? outcome : { ...outcome, failure: problem };
  for (const step of desktopSteps(found, until, credentials !== undefined, visited)) examination.add(step);
  return found;
}

function desktopSteps(
  outcome: DesktopOutcome,
  until: 'logon' | 'desktop',
  withAccount: boolean,
  visited: readonly string[],
): Step[] {
  const { failure, phases } = outcome;
  // What the probes before should have found is told where the connection was made.
  const failedAt = failure === undefined ? stepNames.length : Math.max(LOGON, stepNames.indexOf(failure.step));
  return DESKTOP_STEPS.map((name): Step => {
    const at = stepNames.indexOf(name);
    const { summary, durationMs, facts: own = {} } = describeDesktopStep(name, outcome);
    const wentOn = name === 'session' && visited.length > 0;
    const facts = wentOn ? { ...own, redirectedTo: visited } : own;
    const isUnconfirmed = name === 'logon' && !phases.has('authenticating') && !outcome.loggedOn;
    const unconfirmed = isUnconfirmed ? [diagnosis('logon_unconfirmed')] : [];
    const redirects = wentOn ? [diagnosis('server_redirects', visited.join(', '))] : [];
    if (at === failedAt && failure !== undefined) {
      const diagnoses = [...redirects, failure];
      return { name, status: statusOf(diagnoses), summary: failure.message, facts, durationMs, diagnoses };
    }
    if (at > failedAt) return skipped(name, NOT_REACHED);
    if (until === 'logon' && name !== 'logon') return skipped(name, 'not asked for');
    if (name === 'logon' && !withAccount)
      return skipped(name, 'no account was given: the server shows its own sign-in');
    const diagnoses = [...redirects, ...unconfirmed];
    return { name, status: statusOf(diagnoses), summary, facts, durationMs, diagnoses };
  });
}

function describeDesktopStep(
  name: (typeof DESKTOP_STEPS)[number],
  outcome: DesktopOutcome,
): { readonly summary: string; readonly durationMs: number; readonly facts?: Step['facts'] } {
  const { phases, desktop, connectedMs, pictureMs, endedMs } = outcome;
  const between = (from: number | undefined, to: number | undefined): number =>
    from === undefined ? 0 : Math.round((to ?? endedMs) - from);
  switch (name) {
    case 'logon': {
      const began = phases.get('authenticating');
      return began === undefined
        ? { summary: 'the account was sent with the session', durationMs: 0 }
        : { summary: 'the server accepts the account', durationMs: between(began, phases.get('settings')) };
    }
    case 'licensing':
      return {
        summary: 'the server asks for no licence, or gave one',
        durationMs: between(phases.get('licensing'), phases.get('capabilities')),
      };
    case 'session': {
      const size = desktop === undefined ? '' : `${desktop.width} × ${desktop.height} at ${desktop.colorDepth} bits`;
      return {
        summary: `the desktop is there: ${size}`,
        durationMs: between(phases.get('capabilities') ?? phases.get('settings'), connectedMs),
        ...(desktop !== undefined && { facts: { ...desktop } }),
      };
    }
    case 'picture':
      return {
        summary: `the first picture came as ${outcome.pictureKind}`,
        durationMs: between(connectedMs, pictureMs),
        facts: { bytesUntilThen: outcome.bytes, sentAs: outcome.pictureKind ?? '' },
      };
  }
}

/** Collects the steps, in their order; each comes once. */
class Examination {
  readonly #onStep: (step: Step) => void;
  readonly steps: Step[] = [];

  constructor(onStep: (step: Step) => void) {
    this.#onStep = onStep;
  }

  /** Runs a step. Returns what the next ones build on; nothing where it failed. */
  async step<T>(name: StepName, work: () => Promise<Finding<T>>): Promise<T | undefined> {
    const started = performance.now();
    const { summary, facts = {}, diagnoses = [], value } = await work();
    this.add({ name, status: statusOf(diagnoses), summary, facts, durationMs: since(started), diagnoses });
    return value;
  }

  skip(name: StepName, summary: string): void {
    this.add(skipped(name, summary));
  }

  add(step: Step): void {
    this.steps.push(step);
    this.#onStep(step);
  }

  /** How long the way there and back takes, as far as there was an answer to measure it by. */
  roundTrip(reached: Reached, negotiated?: Negotiated, challenged?: NlaAnswer, outcome?: DesktopOutcome): void {
    this.#skipUpTo('round_trip');
    const diagnoses: Diagnosis[] = [];
    const milliseconds = Math.round(reached.connectMs);
    if (reached.connectMs > SLOW_MS) diagnoses.push(diagnosis('slow_link', `${milliseconds} ms`));
    const answers = { x224: negotiated?.answerMs, credssp: challenged?.answerMs, mcs: outcome?.mcsRoundTripMs };
    const facts: Record<string, number> = { tcpMs: milliseconds };
    for (const [name, answer] of Object.entries(answers)) {
      if (answer !== undefined) facts[`${name}Ms`] = Math.max(0, Math.round(answer));
    }
    this.add({
      name: 'round_trip',
      status: statusOf(diagnoses),
      summary: `${milliseconds} ms by TCP`,
      facts,
      durationMs: milliseconds,
      diagnoses,
    });
  }

  skipRest(): void {
    this.#skipUpTo(undefined);
  }

  #skipUpTo(end: StepName | undefined): void {
    for (const name of stepNames) {
      if (name === end) return;
      if (!this.steps.some((step) => step.name === name)) this.skip(name, NOT_REACHED);
    }
  }
}

function skipped(name: StepName, summary: string): Step {
  return { name, status: 'skipped', summary, facts: {}, durationMs: 0, diagnoses: [] };
}

/** The address that was found open is the one to use, whatever DNS says next. */
function lookupOf(reached: Reached): LookupFunction {
  const { address, family } = reached.address;
  return (_host, options, callback) => {
    if (options.all === true) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
}

function since(started: number): number {
  return Math.round(performance.now() - started);
}

const TIMEOUT_MS = 10_000;
const SETTLE_MS = 2_000;
const LOGON_TIMEOUT_MS = 30_000;
/** Above it, typed letters visibly lag. */
const SLOW_MS = 150;
const NOT_REACHED = 'not reached';
const DESKTOP_STEPS = ['logon', 'licensing', 'session', 'picture'] as const;
const LOGON = stepNames.indexOf('logon');
const ANY_CERTIFICATE: TrustPolicy = { mode: 'first_use', fingerprint: null };
const NOBODY = { username: '', password: '', domain: '' };
const DESKTOP = {
  width: 1024,
  height: 768,
  colorDepth: 32,
  keyboardLayout: 0x409,
  clientName: 'Oriel doctor',
  autoDetect: true,
} as const;
