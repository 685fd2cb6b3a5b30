import type { SessionEnd } from '#protocol/tunnel/sink.ts';
import type { Actor } from '../access/can.ts';
import { sessionClock } from '../clock.ts';
import { type ErrorCode, errorRow, GatewayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { CertificateFacts, TrustDecision } from '../rdp/trust.ts';
import { CredentialAsk } from '../sessions/credential-ask.ts';
import type { Download } from '../sessions/file-downloads.ts';
import type { FileTransferRecord } from '../sessions/file-transfer.ts';
import { type Freeze, type Freezer, freezeBy } from '../sessions/input-gate.ts';
import type { LivePhase, LiveSession } from '../sessions/live-session.ts';
import type { EndWords, Notice, RecordingResult } from '../sessions/ports.ts';
import type { SessionAlert, SessionBacking, SessionFacts, SessionNews } from '../sessions/session-contract.ts';
import { endOf } from '../sessions/session-limits.ts';
import type { OfSignIns, ViewerInfo } from '../sessions/session-viewers.ts';
import type { Credentials } from '../targets/targets.ts';
import type { CredentialPrompt, SuppliedCredential } from '../vault/account-credentials.ts';
import type { SessionCommand, SessionOrder, SessionView } from './messages.ts';

/** The worker that a session runs in. */
export interface SessionPlace {
  command(sessionId: string, command: SessionCommand): void;
  download(sessionId: string, list: number, index: number): Promise<Download>;
}

export interface WorkerSessionParts {
  readonly log: Logger;
  /** Nothing is to come any more of the session, and of its recording. */
  done(sessionId: string): void;
}

/**
 * Stands in the control process for a session that runs in a worker: knows what the worker last said of it, and passes
 * on what is to be done. Until its owner's browser has come, it waits here and runs nowhere.
 *
 * An end that is decided here counts at once: whatever the worker is doing, the session is over.
 */
export class WorkerSession implements LiveSession {
  readonly facts: SessionFacts;
  readonly #backing: SessionBacking;
  readonly #news: SessionNews;
  readonly #parts: WorkerSessionParts;
  readonly #log: Logger;
  readonly #ask: CredentialAsk;
  readonly #expiry: NodeJS.Timeout;
  readonly #recordingFinished = Promise.withResolvers<RecordingResult | 'left' | undefined>();
  #place: SessionPlace | undefined;
  #view: SessionView;
  #end: SessionEnd | undefined;
  #recordingKey: Uint8Array | undefined;
  #recordingLeft = false;
  #plays = 0;
  /** To freeze or to release it, that its worker was given. */
  #orders = 0;

  constructor(facts: SessionFacts, backing: SessionBacking, news: SessionNews, parts: WorkerSessionParts) {
    this.facts = facts;
    this.#backing = backing;
    this.#news = news;
    this.#parts = parts;
    this.#log = parts.log.child({ session: facts.id });
    this.#view = viewOfNew(facts, backing);
    this.#ask = new CredentialAsk((notice) => this.notice(notice));
    this.#expiry = setTimeout(() => this.end('browser_gone', 'nobody attached in time'), backing.attachWithinMs);
    this.#expiry.unref();
  }

  get id(): string {
    return this.facts.id;
  }

  /** Where it runs, if it does yet. */
  get place(): SessionPlace | undefined {
    return this.#place;
  }

  /** What its recording is encrypted with, if it has begun. */
  get recordingKey(): Uint8Array | undefined {
    return this.#recordingKey;
  }

  get state(): LivePhase {
    return this.#end === undefined ? this.#view.state : { name: 'ended' };
  }

  get recording() {
    return this.#view.recording;
  }

  get security() {
    return this.#view.security;
  }

  get bytesFromServer() {
    return this.#view.bytesFromServer;
  }

  get bytesToBrowser() {
    return this.#view.bytesToBrowser;
  }

  get startedAt() {
    return this.#view.startedAt;
  }

  get endsAt() {
    return this.#view.endsAt;
  }

  get lastInputAt() {
    return this.#view.lastInputAt;
  }

  get idleSince() {
    return this.#view.idleSince;
  }

  get frozen(): Freeze | undefined {
    return this.#view.frozen;
  }

  get alerts() {
    return this.#view.alerts;
  }

  get asks(): CredentialPrompt | undefined {
    return this.#ask.prompt;
  }

  get recordingTrouble() {
    return this.#view.recordingTrouble;
  }

  get recordingHealth() {
    return this.#view.recordingHealth;
  }

  get viewers() {
    return this.#view.viewers;
  }

  get recordingFinished(): Promise<RecordingResult | 'left' | undefined> {
    return this.#recordingFinished.promise;
  }

  supply(credential: SuppliedCredential): void {
    if (this.#end !== undefined) throw new GatewayError('not_found', 'the session has ended');
    this.#ask.supply(credential);
  }

  freeze(by: Freezer, reason: string, since = Math.floor(sessionClock())): boolean {
    if (this.#end !== undefined || this.frozen !== undefined) return false;
    this.#view = { ...this.#view, frozen: freezeBy(by, reason, since) };
    const { nameForOwner } = by;
    const freezer = { ...only(by), ...(nameForOwner === undefined ? {} : { nameForOwner }) };
    this.#command({ kind: 'freeze', by: freezer, reason, since, order: this.#nextOrder() });
    return true;
  }

  unfreeze(by: Pick<Actor, 'id' | 'username'>, reason: string): boolean {
    if (this.#end !== undefined || this.frozen === undefined) return false;
    this.#view = { ...this.#view, frozen: undefined };
    this.#command({ kind: 'unfreeze', by: only(by), reason, order: this.#nextOrder() });
    return true;
  }

  typeSecret(secret: Uint8Array, enter: boolean): void {
    if (this.state.name !== 'active') throw new GatewayError('not_ready');
    if (this.frozen !== undefined) throw new GatewayError('conflict', 'the session is frozen');
    this.#command({ kind: 'type-secret', secret, enter });
  }

  message(by: Pick<Actor, 'id' | 'username'>, text: string): void {
    const { name } = this.state;
    if (name !== 'connecting' && name !== 'active') throw new GatewayError('not_ready');
    this.#command({ kind: 'message', by: only(by), text });
  }

  /** Shows the owner what is no message of anybody. */
  notice(notice: Notice): void {
    this.#command({ kind: 'notice', notice });
  }

  alerted(alert: SessionAlert, tell: boolean, typed?: string): void {
    this.#command({ kind: 'alerted', alert, tell, typed });
  }

  playing(info: ViewerInfo, announce: boolean): () => void {
    const number = this.#plays++;
    this.#command({ kind: 'playing', number, info, announce });
    return () => this.#command({ kind: 'played', number });
  }

  recordingWatched(): void {
    this.#command({ kind: 'recording-watched' });
  }

  dismissViewers(userId: string, code: ErrorCode, which: OfSignIns = {}): void {
    this.#command({ kind: 'dismiss', userId, code, which });
  }

  /** Its worker does. */
  tick(): number {
    return Number.POSITIVE_INFINITY;
  }

  async download(list: number, index: number): Promise<Download> {
    if (this.#end !== undefined || this.#place === undefined) throw new GatewayError('not_found');
    return this.#place.download(this.id, list, index);
  }

  end(code: ErrorCode, detail = '', words?: EndWords): void {
    if (this.#end !== undefined) return;
    this.#command({ kind: 'end', code, detail, words });
    const { message, hint } = words ?? errorRow(code);
    this.#log.info({ code, detail }, 'session is ended');
    this.#ended({ code, message, ...(hint === undefined ? {} : { hint }) });
  }

  // What its worker asks and says.

  /** Its owner's browser is there: it runs from here on. Throws `ticket_invalid` when one came before. */
  start(place: SessionPlace): SessionOrder {
    if (this.#end !== undefined) throw new GatewayError('not_found', 'there is no such live session');
    if (this.#place !== undefined) throw new GatewayError('ticket_invalid', 'the session has an owner already');
    clearTimeout(this.#expiry);
    this.#place = place;
    this.#view = { ...this.#view, state: { name: 'connecting', phase: 'starting' } };
    return { facts: this.facts, record: this.#backing.record, freeze: this.frozen };
  }

  /** The credentials' secret is the caller's to wipe. */
  readCredentials(again: CredentialPrompt['again']): Promise<Credentials> {
    const ask = (prompt: CredentialPrompt) => this.#ask.ask({ ...prompt, again: prompt.again ?? again });
    return this.#backing.readCredentials(ask, again);
  }

  async createRecordingKey(): Promise<Uint8Array> {
    this.#recordingKey ??= await this.#backing.createRecordingKey();
    return this.#recordingKey;
  }

  trustCertificate(certificate: CertificateFacts): Promise<boolean | TrustDecision> {
    return this.#backing.trustCertificate(certificate);
  }

  /** What was said before the last order was heard of does not undo it. */
  seen(view: SessionView): void {
    if (this.#end !== undefined) return;
    const { frozen } = view.obeyed < this.#orders ? this.#view : view;
    this.#view = { ...view, frozen };
  }

  connected(view: SessionView): void {
    this.#ask.forget();
    if (this.#end !== undefined) return;
    this.seen(view);
    this.#news.connected();
  }

  reconnected(): void {
    this.#ask.forget();
  }

  downgraded(view: SessionView, downgrades: Parameters<SessionNews['downgraded']>[0]): void {
    this.seen(view);
    this.#news.downgraded(downgrades);
  }

  fileTransferred(transfer: FileTransferRecord): void {
    this.#news.fileTransferred?.(transfer);
  }

  endedThere(view: SessionView, end: SessionEnd): void {
    this.seen(view);
    if (this.#end === undefined) this.#ended(end);
  }

  /** Once more where it was `left`. */
  recorded(result: RecordingResult | 'left' | undefined): void {
    if (this.#recordingLeft && result !== 'left') this.#news.recordingFinishedLater?.(result);
    this.#recordingFinished.resolve(result);
    this.#recordingLeft = result === 'left';
    if (!this.#recordingLeft) this.#parts.done(this.id);
  }

  #ended(end: SessionEnd): void {
    this.#end = end;
    clearTimeout(this.#expiry);
    this.#ask.stop();
    // One that never ran has no recording to wait for.
    if (this.#place === undefined) this.recorded(undefined);
    this.#news.ended(end);
  }

  /** Before it runs there is nobody to give one to: it begins with what holds by then. */
  #nextOrder(): number {
    if (this.#place !== undefined) this.#orders++;
    return this.#orders;
  }

  #command(command: SessionCommand): void {
    if (this.#end === undefined) this.#place?.command(this.id, command);
  }
}

function viewOfNew(facts: SessionFacts, { record }: SessionBacking): SessionView {
  return {
    state: { name: 'pending' },
    recording: record === 'off' ? 'off' : 'starting',
    security: undefined,
    bytesFromServer: 0,
    bytesToBrowser: 0,
    startedAt: undefined,
    endsAt: endOf(facts, facts.createdAt),
    lastInputAt: undefined,
    idleSince: undefined,
    frozen: undefined,
    obeyed: 0,
    alerts: [],
    recordingTrouble: undefined,
    recordingHealth: undefined,
    viewers: [],
  };
}

/** Of somebody, what others may know. */
function only({ id, username }: Pick<Actor, 'id' | 'username'>): Pick<Actor, 'id' | 'username'> {
  return { id, username };
}
