import { MIN_MONITOR_SIDE } from '#protocol/channels/display-control.ts';
import type { GraphicsUpdate } from '#protocol/graphics/update.ts';
import type { InputEvent } from '#protocol/pdu/input.ts';
import type { SessionEnd, SessionSink } from '#protocol/tunnel/sink.ts';
import type { Actor } from '../access/can.ts';
import { sessionClock } from '../clock.ts';
import { type ErrorCode, errorRow, GatewayError, isErrorCode } from '../errors.ts';
import type { Logger } from '../log.ts';
import { type ConnectionSecurity, type Downgrade, describeDowngrades, downgradesOf } from '../rdp/security.ts';
import { type Credentials, legacySecurityNow } from '../targets/targets.ts';
import type { CredentialPrompt, SuppliedCredential } from '../vault/account-credentials.ts';
import { CredentialAsk } from './credential-ask.ts';
import type { Download } from './file-downloads.ts';
import { type Freeze, type Freezer, freezeBy, freezerOf } from './input-gate.ts';
import type { LiveSession } from './live-session.ts';
import type {
  Driver,
  DriverEvents,
  DriverOptions,
  EndWords,
  Notice,
  Owner,
  PixelOwner,
  PixelOwnerWatch,
  PixelSession,
  RecordingResult,
} from './ports.ts';
import { SessionClipboard } from './session-clipboard.ts';
import type {
  KeptAlert,
  SessionAlert,
  SessionEvents,
  SessionFacts,
  SessionParts,
  SessionState,
} from './session-contract.ts';
import { SessionEvidence } from './session-evidence.ts';
import { SessionInput } from './session-input.ts';
import { endOf, limitsOf, SessionLimits } from './session-limits.ts';
import { SessionRecording } from './session-recording.ts';
import {
  type LiveViewer,
  type OfSignIns,
  type SeenViewer,
  SessionViewers,
  type ViewerHandle,
  type ViewerInfo,
} from './session-viewers.ts';

/** Alerts that a session keeps for who looks at it; the audit log has all. */
const MAX_ALERTS = 50;

/** Stands in until there is a server to talk to. */
const NO_PHASE = 'starting';

/**
 * One use of one target by one user: joins the RDP driver, the owner's browser and the pixel host, and knows why it
 * ended. Whatever goes wrong in it ends this session and nothing else.
 */
export class Session implements LiveSession {
  readonly facts: SessionFacts;
  readonly clipboard: SessionClipboard;
  readonly #parts: SessionParts;
  readonly #events: SessionEvents;
  readonly #log: Logger;
  readonly #evidence: SessionEvidence;
  readonly #limits: SessionLimits;
  readonly #viewers: SessionViewers;
  readonly #input: SessionInput;
  readonly #ask: CredentialAsk;
  readonly #recording: SessionRecording;
  readonly #alerts: KeptAlert[] = [];
  #state: SessionState;
  #pixels: PixelSession | undefined;
  #bytesFromServer = 0;
  #security: ConnectionSecurity | undefined;
  #downgrades: readonly Downgrade[] = [];
  #startedAt: number | undefined;
  #lastAt = 0;
  #heldBack = false;
  #ownerLooks = true;

  constructor(facts: SessionFacts, parts: SessionParts, events: SessionEvents) {
    this.facts = facts;
    this.#parts = parts;
    this.#events = events;
    this.#log = parts.log.child({ session: facts.id });
    this.#evidence = new SessionEvidence(facts, () => this.#now());
    this.#limits = new SessionLimits(limitsOf(facts));
    this.#viewers = new SessionViewers({
      changed: () => this.#updateSuppression(),
      record: (change, info, announce) => this.#evidence.viewer(change, info, announce),
      announce: (notice) => this.#owner()?.notice(notice),
    });
    this.clipboard = new SessionClipboard({
      terms: facts.terms,
      act: (action) => this.#driver()?.clipboard(action),
      tell: (news) => this.#owner()?.clipboard(news),
      notice: (notice) => this.#owner()?.notice(notice),
      inspect: (text, direction) => events.inspectClipboard?.(text, direction) ?? { pass: true },
      record: (transfer) => this.#evidence.clipboard(transfer),
      recordFile: (transfer) => {
        this.#evidence.file(transfer);
        events.fileTransferred?.(transfer);
      },
      frozen: () => this.frozen !== undefined,
      release: (held) => this.input(held),
    });
    this.#input = new SessionInput({
      inspect: (typed) => events.inspect?.(typed),
      holds: (typed) => this.clipboard.holds(typed),
      evidence: this.#evidence,
      pointerMoved: (x, y, at) => this.#pixels?.sink.pointerMoved(x, y, at),
      now: () => this.#now(),
    });
    this.#recording = new SessionRecording(parts.record, this.#log, () => this.#now());
    this.#ask = new CredentialAsk((notice) => this.#owner()?.notice(notice));
    const expiry = setTimeout(() => this.end('browser_gone', 'nobody attached in time'), parts.attachWithinMs);
    expiry.unref();
    this.#state = { name: 'pending', expiry };
  }

  get id(): string {
    return this.facts.id;
  }

  get state(): SessionState {
    return this.#state;
  }

  get recording(): LiveSession['recording'] {
    return this.#recording.state;
  }

  /** What was negotiated with the server; once the desktop is there. */
  get security(): ConnectionSecurity | undefined {
    return this.#security;
  }

  get bytesFromServer(): number {
    return this.#bytesFromServer;
  }

  get bytesToBrowser(): number {
    return this.#owner()?.bytesSent ?? 0;
  }

  /** When the desktop was there. */
  get startedAt(): number | undefined {
    return this.#startedAt;
  }

  /** When it ends at the latest, by the wall clock: with its access or its sign-in, or when it has lasted as long as it may. */
  get endsAt(): number {
    return endOf(this.facts, this.#startedAt ?? this.facts.createdAt);
  }

  /** When something was last typed or clicked; when the desktop was there, until then. */
  get lastInputAt(): number | undefined {
    return this.#input.lastAt;
  }

  /** From when on idleness counts, if it does: the last input, or the end of a freeze since. */
  get idleSince(): number | undefined {
    return this.#input.idleSince;
  }

  /** Since when and by whom the owner's input is held back, if it is. */
  get frozen(): Freeze | undefined {
    return this.#input.frozen;
  }

  /** What rules were fired by it, the newest last. */
  get alerts(): readonly KeptAlert[] {
    return this.#alerts;
  }

  /** What its owner is asked for at present, before a connection can be made. */
  get asks(): CredentialPrompt | undefined {
    return this.#ask.prompt;
  }

  /** What went wrong last with the recording; it may have passed. */
  get recordingTrouble(): LiveSession['recordingTrouble'] {
    return this.#recording.trouble;
  }

  /** How its recording is doing, as of the last time that the pixel host said so. */
  get recordingHealth(): LiveSession['recordingHealth'] {
    return this.#recording.health;
  }

  get viewers(): readonly SeenViewer[] {
    return this.#viewers.infos;
  }

  /** What there is of the recording, once there will be no more of it. Nothing where none was begun. */
  get recordingFinished(): Promise<RecordingResult | 'left' | undefined> {
    return this.recording === 'off' || this.#pixels === undefined ? Promise.resolve(undefined) : this.#pixels.finished;
  }

  /** The owner's browser is there: connect. Throws `ticket_invalid` when one came before. */
  attach(owner: Owner): void {
    if (this.#state.name !== 'pending') throw new GatewayError('ticket_invalid', 'the session has an owner already');
    clearTimeout(this.#state.expiry);
    this.#state = { name: 'connecting', owner, driver: undefined, phase: NO_PHASE };
    owner.phase(NO_PHASE);
    this.#connect().catch((error: unknown) => {
      if (error instanceof GatewayError) this.end(error.code, error.message);
      else this.#crash(error);
    });
  }

  /** The owner's answer to what she is asked, or what she says before. It is kept until there is a connection. */
  supply(credential: SuppliedCredential): void {
    if (this.#state.name === 'ended') throw new GatewayError('not_found', 'the session has ended');
    this.#ask.supply(credential);
  }

  /** What the owner typed and clicked. Before the desktop is there, and while it is lost, it goes nowhere. */
  input(events: readonly InputEvent[]): void {
    if (this.#state.name !== 'active') return;
    try {
      this.#input.pass(events, this.#state);
    } catch (error) {
      this.#crash(error);
    }
  }

  /**
   * Holds the owner's input back, and lets go of what is held down. A session that is frozen stays as it is.
   * @returns whether it was not before
   */
  freeze(by: Freezer, reason: string, since: number = this.#now()): boolean {
    if (this.#state.name === 'ended' || this.frozen !== undefined) return false;
    this.clipboard.froze();
    this.#input.freeze(freezeBy(by, reason, since), this.#state.name === 'active' ? this.#state.driver : undefined);
    this.#evidence.frozen(true, by, reason);
    this.#owner()?.notice(this.#frozenNotice('owner'));
    this.#viewers.notice(this.#frozenNotice('viewer'));
    return true;
  }

  /** @returns whether it was frozen */
  unfreeze(by: Pick<Actor, 'id' | 'username'>, reason: string): boolean {
    if (this.#state.name === 'ended' || this.frozen === undefined) return false;
    this.#input.unfreeze();
    this.#evidence.frozen(false, by, reason);
    this.clipboard.thawed();
    const notice = { code: 'unfrozen', message: 'Keyboard and mouse work again.' };
    this.#owner()?.notice(notice);
    this.#viewers.notice(notice);
    return true;
  }

  /**
   * Types a secret where the caret is. Throws `not_ready` or `conflict`.
   * @param secret UTF-16LE, for the caller to wipe
   * @param enter whether the Enter key is pressed after it
   */
  typeSecret(secret: Uint8Array, enter: boolean): void {
    if (this.#state.name !== 'active' || this.#input.isLost) throw new GatewayError('not_ready');
    if (this.frozen !== undefined) throw new GatewayError('conflict', 'the session is frozen');
    this.#input.typeSecret(secret, enter, this.#state);
  }

  /** Shows the owner a text. Throws `not_ready` while nobody is there to read it. */
  message(by: Pick<Actor, 'id' | 'username'>, text: string): void {
    const owner = this.#owner();
    if (owner === undefined) throw new GatewayError('not_ready');
    owner.notice({ code: 'message', message: text, from: by.username });
    this.#evidence.messaged(by, text);
  }

  /** Shows the owner, if she is there, what nobody said. */
  notice(notice: Notice): void {
    this.#owner()?.notice(notice);
  }

  /** A rule was fired. @param tell whether the owner is told @param typed what was typed, for a log that has all input */
  alerted(alert: SessionAlert, tell: boolean, typed?: string): void {
    this.#alerts.push({ ...alert, told: tell });
    if (this.#alerts.length > MAX_ALERTS) this.#alerts.shift();
    this.#evidence.alerted(alert, typed);
    const message = `This session has raised an alert: ${alert.rule.name}.`;
    if (tell) this.#owner()?.notice({ code: 'alert', message });
  }

  #frozenNotice(whom: 'owner' | 'viewer'): Notice {
    const { by = '', byForOwner = by, reason = '' } = this.frozen ?? {};
    const why = reason === '' ? '' : `: ${reason}`;
    return {
      code: 'frozen',
      message: `Keyboard and mouse are held back${why}`,
      from: whom === 'owner' ? byForOwner : by,
    };
  }

  /** The owner would like the desktop in this size. What comes of it, the graphics tell. */
  resize(width: number, height: number): void {
    if (this.#state.name !== 'active') return;
    // As at the start: an odd width is allowed, but servers round it.
    this.#state.driver.resize(Math.max(width & ~1, MIN_MONITOR_SIDE), Math.max(height, MIN_MONITOR_SIDE));
  }

  /** Whether the owner's page is seen. The server rests while nobody looks: no owner, no live view, no recording. */
  ownerLooks(looks: boolean): void {
    this.#ownerLooks = looks;
    if (!looks) this.#driver()?.unwatched();
    this.#updateSuppression();
  }

  /** The owner's browser has drawn so many of all the updates that it was sent, and has yet to draw so many bytes. */
  ownerDrew(updates: number, behindBytes: number): void {
    // A page that nobody sees draws when it likes: what others see must not wait for that.
    if (this.#ownerLooks) this.#driver()?.drawn(updates, behindBytes);
  }

  /** Whether the owner's browser is behind by more than it may be. Only the owner slows the server down. */
  holdBack(hold: boolean): void {
    this.#heldBack = hold;
    const driver = this.#driver();
    if (hold) driver?.pause();
    else driver?.resume();
  }

  /**
   * Adds a live view. Throws `not_ready` while there is nothing to see.
   * @param announce whether the owner is told
   * @returns how the viewer reports progress and leaves
   */
  watch(viewer: LiveViewer, info: ViewerInfo, announce: boolean): ViewerHandle {
    if (this.#state.name === 'ended') throw new GatewayError('not_found', 'the session has ended');
    if (this.#pixels === undefined) throw new GatewayError('not_ready', 'the session has not started yet');
    const watch = this.#pixels.watch(viewer);
    const leave = this.#viewers.join({
      info,
      announce,
      notice: (notice) => viewer.notice(notice),
      end: (end) => viewer.end(end),
    });
    if (this.frozen !== undefined) viewer.notice(this.#frozenNotice('viewer'));
    return {
      acknowledge: (seq) => watch.acknowledge(seq),
      leave: () => {
        watch.close();
        leave();
      },
    };
  }

  /** What the owner's browser is to be sent from here on, in place of the updates. Nothing while there is no desktop. */
  watchAsOwner(owner: PixelOwner): PixelOwnerWatch | undefined {
    return this.#state.name === 'active' ? this.#pixels?.watchAsOwner(owner) : undefined;
  }

  /**
   * Somebody plays the recording of this session while it is made, and so sees it with a few seconds of delay.
   * @returns how to say that she no longer does
   */
  playing(info: ViewerInfo, announce: boolean): () => void {
    return this.#viewers.join({ info, announce, notice: () => {}, end: () => {} });
  }

  recordingWatched(): void {
    this.#pixels?.recordingWatched();
  }

  download(list: number, index: number): Promise<Download> {
    return this.clipboard.download(list, index);
  }

  /** Closes the live views of one user, who may no longer watch. */
  dismissViewers(userId: string, code: ErrorCode, which?: OfSignIns): void {
    this.#viewers.dismiss(userId, code, which);
  }

  tick(wall: number): number {
    if (this.#state.name === 'ended') return Number.POSITIVE_INFINITY;
    this.#viewers.endWithSignIns(wall);
    // Who cannot type is not idle: that a session is frozen must not be what ends it.
    const course = { wall, now: this.#now(), startedAt: this.#startedAt, lastInputAt: this.idleSince };
    const verdict = this.#limits.check(course);
    if (verdict?.type === 'end') this.end(verdict.code, verdict.detail);
    else if (verdict !== undefined && this.#state.name === 'active') {
      this.#state.owner.notice({ code: verdict.code, message: verdict.message });
      this.#evidence.warned(verdict.code, verdict.message);
    }
    return Math.min(this.#limits.rest(course), this.#viewers.rest(wall));
  }

  /** Ends the session, from whatever state. The first reason is the one that counts. `detail` is for the log. */
  end(code: ErrorCode, detail = '', words: EndWords = errorRow(code)): void {
    const before = this.#state;
    if (before.name === 'ended') return;
    const at = this.#now();
    const { message, hint } = words;
    const end: SessionEnd = { code, message, ...(hint === undefined ? {} : { hint }) };
    this.#state = { name: 'ended', end, at };
    this.#log.info({ code, detail }, 'session ended');
    this.clipboard.close();
    if (before.name === 'pending') clearTimeout(before.expiry);
    else {
      this.#shielded(() => before.driver?.close());
      this.#shielded(() => before.owner.end(end));
    }
    for (const viewer of this.#viewers.connections()) this.#shielded(() => viewer.end(end));
    this.#shielded(() => this.#evidence.ended(end, detail, at));
    this.#shielded(() => this.#pixels?.sink.end(end, at));
    this.#shielded(() => this.#ask.stop());
    this.#shielded(() => this.#events.ended(end));
  }

  async #connect(): Promise<void> {
    const { facts } = this;
    // Before the recorder: where the owner is asked, nothing happens meanwhile that could be recorded.
    const credentials = await this.#readCredentials();
    if (this.#state.name !== 'connecting') {
      credentials.password.wipe();
      return;
    }
    // Then the recorder: with the default policy there is no session that is not recorded from its first picture.
    const pixels = await this.#openPixels().catch((error: unknown) => {
      credentials.password.wipe();
      throw error;
    });
    // Read anew: the session may have ended meanwhile, which the compiler cannot know.
    const state: SessionState = this.state;
    if (state.name !== 'connecting') {
      credentials.password.wipe();
      pixels.sink.end({ code: 'browser_gone', message: '' }, this.#now());
      return;
    }
    this.#pixels = pixels;
    if (this.#recording.begin()) {
      this.#evidence.begin(pixels);
      const { frozen } = this;
      if (frozen !== undefined) this.#evidence.frozen(true, freezerOf(frozen), frozen.reason);
    }
    const options: DriverOptions = {
      ...driverOptionsOf(facts),
      clipboard: this.clipboard.wanted,
      credentials,
      readCredentials: () => this.#readCredentials('reconnect'),
      trustCertificate: (certificate) => this.#parts.trustCertificate(certificate),
    };
    const driver = this.#parts.connect(options, this.#driverEvents(pixels.sink));
    if (this.state.name === 'connecting') this.#state = { ...state, driver };
    else driver.close();
    if (this.#heldBack) driver.pause();
  }

  #readCredentials(again: CredentialPrompt['again'] = null): Promise<Credentials> {
    return this.#parts.readCredentials((prompt) => this.#ask.ask({ ...prompt, again: prompt.again ?? again }), again);
  }

  #openPixels(): Promise<PixelSession> {
    const { id: sessionId, width, height } = this.facts;
    return this.#recording.open(async (record) =>
      this.#parts.pixels.open({
        ...{ sessionId, width, height, record },
        recordingKey: record ? await this.#parts.createRecordingKey() : undefined,
        health: (health) => this.#recording.reported(health),
        troubled: (detail) => this.#recordingTroubled(detail),
        failed: (detail, code) => this.#pixelsFailed(detail, code),
        finishedLater: (result) => this.#events.recordingFinishedLater?.(result),
      }),
    );
  }

  #driverEvents(sink: SessionSink): DriverEvents {
    return {
      phase: (name) => {
        // Lost, and back: the session is what it was, only its owner has to wait.
        if (this.#state.name === 'active') {
          this.#state.owner.phase(name);
          this.#evidence.connection(name);
          if (name === 'connected') {
            this.#input.back();
            this.#ask.forget();
            this.#events.reconnected?.();
          }
          if (name === 'reconnecting') {
            this.#input.lost();
            this.clipboard.lost();
          }
        }
        if (this.#state.name !== 'connecting') return;
        this.#state = { ...this.#state, phase: name };
        this.#state.owner.phase(name);
      },
      secured: (security) => {
        this.#security = security;
        this.#evidence.secured(security);
        this.#tellDowngrades(security);
      },
      connected: () => {
        const state = this.#state;
        if (state.name !== 'connecting' || state.driver === undefined) return;
        this.#ask.forget();
        this.#startedAt = this.#now();
        this.#input.began(this.#startedAt);
        this.#state = { name: 'active', owner: state.owner, driver: state.driver, since: this.#startedAt };
        this.#evidence.connected();
        if (this.frozen !== undefined) state.owner.notice(this.#frozenNotice('owner'));
        this.clipboard.tellTerms();
        this.#events.connected();
        this.#updateSuppression();
      },
      graphics: (update) => this.#graphics(update, sink),
      settled: () => this.#owner()?.settled(),
      bytes: (count) => {
        this.#bytesFromServer += count;
      },
      lockKeys: (lockKeys) => {
        if (this.#state.name === 'active') this.#state.owner.lockKeys(lockKeys);
      },
      clipboard: (output) => this.clipboard.heard(output),
      notice: (notice) => {
        this.#owner()?.notice({ ...notice });
      },
      closed: (code, detail, words) => this.end(code, detail, words),
    };
  }

  /** What is less than it could be is never silent; said again only when it changes, as it may with a reconnection. */
  #tellDowngrades(security: ConnectionSecurity): void {
    const found = downgradesOf(security, this.facts.target.nla);
    if (found.join() === this.#downgrades.join()) return;
    this.#downgrades = found;
    if (found.length === 0) return;
    this.#log.warn({ downgrades: found, ...security }, 'session downgraded');
    this.#owner()?.notice({ code: 'connection_downgraded', message: describeDowngrades(found) });
    this.#events.downgraded(found);
  }

  #graphics(update: GraphicsUpdate, sink: SessionSink): void {
    const state = this.#state;
    if (state.name !== 'connecting' && state.name !== 'active') return;
    // The owner first: nothing that is done for others may come before its picture.
    state.owner.graphics(update);
    try {
      sink.graphics(update, this.#now());
    } catch (error) {
      this.#log.error({ err: error }, 'pixel sink failed');
      this.#pixelsFailed('the pixel sink threw', 'recording_failed');
    }
  }

  /** What goes wrong with the recording may pass. If it does not, whoever works in the session should have saved. */
  #recordingTroubled(detail: string): void {
    this.#recording.troubled(detail);
    if (this.#state.name !== 'active' || !this.#recording.isRequired) return;
    const message =
      'This session cannot be recorded at the moment. If that does not pass within seconds, it will be ended.';
    this.#state.owner.notice({ code: 'recording_trouble', message });
    this.#evidence.warned('recording_trouble', detail);
  }

  /** Where a recording is required, there is no session without it; elsewhere only the live views end. */
  #pixelsFailed(detail: string, code: ErrorCode): void {
    this.#recording.failed();
    if (this.#recording.isRequired) {
      this.end(code, detail);
      return;
    }
    if (this.#owner()?.needsPixels === true) {
      this.end(code === 'protocol_error' ? code : 'internal_error', `the owner's pictures came from there: ${detail}`);
      return;
    }
    this.#log.warn({ code, detail }, 'the session goes on without pixel host');
    for (const viewer of this.#viewers.connections()) {
      viewer.end({ code: 'internal_error', message: errorRow('internal_error').message });
    }
  }

  #updateSuppression(): void {
    if (this.#state.name !== 'active') return;
    this.#state.driver.suppressOutput(
      !this.#ownerLooks && this.#viewers.infos.length === 0 && this.recording === 'off',
    );
  }

  #owner(): Owner | undefined {
    return this.#state.name === 'connecting' || this.#state.name === 'active' ? this.#state.owner : undefined;
  }

  #driver(): Driver | undefined {
    return this.#state.name === 'connecting' || this.#state.name === 'active' ? this.#state.driver : undefined;
  }

  #crash(error: unknown): void {
    this.#log.error({ err: error }, 'session failed');
    const { code } = error as { code?: unknown };
    this.end(typeof code === 'string' && isErrorCode(code) ? code : 'internal_error', String(error));
  }

  #shielded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#log.error({ err: error }, 'ending a session: a step failed');
    }
  }

  #now(): number {
    this.#lastAt = Math.max(this.#lastAt, Math.floor(sessionClock()));
    return this.#lastAt;
  }
}

/** What the driver is told of the target and the desktop. */
function driverOptionsOf({ id, target, width, height, keyboardLayout }: SessionFacts) {
  const { host, port, nla, minimumTls, restrictedAdmin, oldestCredSsp, certificateTrust } = target;
  const verifyChain = certificateTrust === 'system';
  const legacySecurity = legacySecurityNow(target);
  return {
    ...{ sessionId: id, host, port, nla, width, height, keyboardLayout },
    security: { minimumTls, restrictedAdmin, legacySecurity, oldestCredSsp, verifyChain },
  };
}
