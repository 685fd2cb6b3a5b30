import type { InputEvent } from '#protocol/pdu/input.ts';
import type { SessionEnd } from '#protocol/tunnel/sink.ts';
import type { Actor } from '../access/can.ts';
import type { FileTransferRecord } from './file-transfer.ts';
import { InputLog, type InputLogPolicy } from './input-log.ts';
import type { SessionAlert, SessionFacts } from './session-contract.ts';
import type { ViewerInfo } from './session-viewers.ts';

/** One use of the clipboard between browser and desktop. */
export interface ClipboardTransfer {
  readonly direction: 'to-desktop' | 'from-desktop';
  /** `text`, `html`, `image`, `files` */
  readonly format: string;
  readonly bytes: number;
  readonly text?: string | undefined;
  /** Why it did not pass; it did where nothing is said. */
  readonly refused?: ClipboardRefusal;
}

/** The policy allows nothing in this direction, it was too much, the session was frozen, or a rule was fired. */
export type ClipboardRefusal = 'policy' | 'size' | 'frozen' | 'rule';

/** What one line of the event log shows of it. */
const CLIPBOARD_TEXT = 4000;

/** Where a session's events go: into the event log of its recording. */
export interface EvidenceSink {
  event(type: string, fields: Readonly<Record<string, unknown>>, at: number): void;
  /**
   * An event of this type is being summed up.
   * @param fields what it would hold if it were written at that moment; nothing once it has been
   */
  pending(type: string, fields: (at: number) => Readonly<Record<string, unknown>> | undefined): void;
}

/**
 * What of a session goes into the event log beside its video: who asked for what, what was connected, who watched,
 * what was typed (as the policy or the target says), how it ended. Types and fields are described in docs/recording.md.
 */
export class SessionEvidence {
  readonly #facts: SessionFacts;
  readonly #input: InputLog;
  readonly #now: () => number;
  #sink: EvidenceSink | undefined;

  constructor(facts: SessionFacts, now: () => number) {
    this.#facts = facts;
    this.#now = now;
    this.#input = new InputLog(
      inputLogOf(facts),
      (record, at) => this.#write('input', { ...record }, at),
      (record) => this.#sink?.pending('input', (at) => record(at) as Readonly<Record<string, unknown>> | undefined),
    );
  }

  /** The recording is there; what came before it is written down first. */
  begin(sink: EvidenceSink): void {
    this.#sink = sink;
    const { user, address, target, account, signIn, createdAt, width, height, keyboardLayout, terms } = this.#facts;
    if (signIn !== undefined) this.#write('sign-in', { user: user.username, reference: signIn.reference }, signIn.at);
    const where = { id: target.id, name: target.name, host: target.host, port: target.port };
    this.#write(
      'request',
      {
        user,
        address,
        target: where,
        account: { id: account.id, username: account.username, domain: account.domain },
        size: { width, height },
        keyboardLayout,
        inputLog: inputLogOf(this.#facts),
        access: {
          requestId: terms.requestId,
          policy: terms.policy.name,
          emergency: terms.emergency,
          ...(terms.reason === '' ? {} : { reason: terms.reason }),
          ...(terms.ticket === '' ? {} : { ticket: terms.ticket }),
        },
      },
      createdAt,
    );
  }

  /** @param security what was negotiated with the server */
  secured(security: object): void {
    this.#write('secured', { ...security });
  }

  connected(): void {
    const { target, account } = this.#facts;
    this.#write('connected', { host: target.host, port: target.port, account: account.username });
  }

  /** A lost connection, and its return. */
  connection(state: string): void {
    this.#write('connection', { state });
  }

  input(events: readonly InputEvent[]): void {
    if (this.#sink !== undefined) this.#input.add(events, this.#now());
  }

  viewer(change: 'joined' | 'left', viewer: ViewerInfo, announced: boolean): void {
    const user = { id: viewer.userId, username: viewer.username };
    this.#write(change === 'joined' ? 'shadow-started' : 'shadow-ended', { user, announced });
  }

  /** The owner was told that a limit is near. */
  warned(code: string, message: string): void {
    this.#write('warned', { code, message });
  }

  /**
   * The owner's input is held back, or goes through again.
   * @param by who did it
   */
  frozen(frozen: boolean, by: Pick<Actor, 'id' | 'username'>, reason = ''): void {
    this.#input.flush(this.#now());
    const user = { id: by.id, username: by.username };
    this.#write(frozen ? 'frozen' : 'unfrozen', { user, ...(reason === '' ? {} : { reason }) });
  }

  /** Somebody had a text shown to the owner. */
  messaged(by: Pick<Actor, 'id' | 'username'>, text: string): void {
    this.#write('message', { user: { id: by.id, username: by.username }, text });
  }

  /** The account's password was typed by the gateway, because the owner said so. */
  secretTyped(): void {
    this.#input.flush(this.#now());
    const { user, account } = this.#facts;
    this.#write('secret-typed', { user, account: { id: account.id, username: account.username } });
  }

  /** A rule was fired; what was typed, only where all input is written down. */
  alerted({ rule, kind, action, detail }: SessionAlert, typed: string | undefined): void {
    this.#input.flush(this.#now());
    const shown = typed !== undefined && inputLogOf(this.#facts) === 'full' ? { typed } : {};
    this.#write('alert', { rule: rule.name, ruleId: rule.id, kind, action, detail, ...shown });
  }

  /** Something went through the clipboard; what it was, only where all input is written down. */
  clipboard({ direction, format, bytes, text, refused }: ClipboardTransfer): void {
    const policy = inputLogOf(this.#facts);
    if (policy === 'off') return;
    const shown = policy === 'full' && text !== undefined ? { text: text.slice(0, CLIPBOARD_TEXT) } : {};
    this.#write('clipboard', { direction, format, bytes, ...(refused === undefined ? {} : { refused }), ...shown });
  }

  /** A file went through the clipboard, or did not get all the way: written down whatever is said of input. */
  file({ direction, name, size, bytes, sha256, state }: FileTransferRecord): void {
    const whole = state === 'done' ? { ...(sha256 === undefined ? {} : { sha256 }) } : { passed: bytes };
    this.#write('file', { direction, name, bytes: size, state, ...whole });
  }

  /** @param detail by whom, or what the other side said */
  ended(end: SessionEnd, detail: string, at: number): void {
    this.#input.flush(at);
    if (end.code === 'ended_by_admin') this.#write('terminated', { by: detail.replace(/^by /, '') }, at);
    this.#write('ended', { code: end.code, message: end.message, ...(detail === '' ? {} : { detail }) }, at);
    this.#sink = undefined;
  }

  #write(type: string, fields: Readonly<Record<string, unknown>>, at = this.#now()): void {
    this.#sink?.event(type, fields, at);
  }
}

/** The policy's word counts before the target's. */
function inputLogOf({ terms, target }: SessionFacts): InputLogPolicy {
  return terms.inputLog ?? target.inputLog;
}
