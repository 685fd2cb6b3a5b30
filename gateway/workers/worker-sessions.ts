import type { AlertRule } from '../alerts/alert-rules.ts';
import { Alerts } from '../alerts/alerts.ts';
import { every } from '../beat.ts';
import { errorRow, GatewayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { freezerOf } from '../sessions/input-gate.ts';
import { LocalSessions } from '../sessions/local-sessions.ts';
import type { Connect, Pixels } from '../sessions/ports.ts';
import type { Session } from '../sessions/session.ts';
import { ATTACH_WITHIN_MS } from '../sessions/sessions.ts';
import { Secret } from '../vault/secret.ts';
import type { Channel } from './channel.ts';
import { type ControlCalls, type SessionCommand, type SessionOrder, type SessionView, viewOf } from './messages.ts';

export interface WorkerSessionsParts {
  readonly connect: Connect;
  readonly pixels: Pixels;
  readonly hardwareId: Uint8Array;
  readonly control: Channel<ControlCalls>;
  readonly log: Logger;
}

/** How often control hears how sessions are, where that has changed. */
const VIEWS_EVERY_MS = 1000;

/** The sessions that run in a worker: the books and the vault behind them are in the control process. */
export class WorkerSessions {
  readonly #control: Channel<ControlCalls>;
  readonly #log: Logger;
  readonly #sessions: LocalSessions;
  readonly #alerts: Alerts;
  readonly #told = new Map<string, string>();
  /** Of live sessions, the last order to freeze or release. */
  readonly #obeyed = new Map<string, number>();
  readonly #playing = new Map<string, () => void>();
  /** While there are sessions: a worker that has none is not woken. */
  #endTicks: (() => void) | undefined;
  /** Recordings that are being finished. */
  readonly #finishing = new Set<Promise<unknown>>();
  #rules: readonly AlertRule[] = [];

  constructor({ connect, pixels, hardwareId, control, log }: WorkerSessionsParts) {
    this.#control = control;
    this.#log = log;
    this.#alerts = new Alerts({
      rules: { list: async () => [...this.#rules] },
      tell: (session, rule, detail) => control.ask('alert', session.id, rule, detail),
      log,
    });
    this.#sessions = new LocalSessions({
      connect,
      pixels,
      hardwareId,
      inspect: (session, events) => this.#alerts.inspect(session, events),
      inspectClipboard: (session, text) => this.#alerts.inspectClipboard(session, text),
      log,
    });
  }

  async useRules(rules: readonly AlertRule[]): Promise<void> {
    this.#rules = rules;
    await this.#alerts.reload();
  }

  /** Throws `not_found`. */
  get(id: string): Session {
    return this.#sessions.get(id);
  }

  /** A session that its owner's browser is here for. */
  begin({ facts, record, freeze }: SessionOrder): Session {
    const control = this.#control;
    const { id } = facts;
    this.#endTicks ??= every(VIEWS_EVERY_MS, () => this.#tick());
    const session: Session = this.#sessions.begin(
      facts,
      {
        record,
        attachWithinMs: ATTACH_WITHIN_MS,
        createRecordingKey: () => control.ask('recordingKey', id),
        // Whatever the owner is asked, she is asked and answers there.
        readCredentials: async (_ask, again) => {
          const { username, domain, password } = await control.ask('credentials', id, again);
          return { username, domain, password: new Secret(password) };
        },
        trustCertificate: (certificate) => control.ask('trust', id, certificate),
      },
      {
        connected: () => control.tell('connected', id, this.#view(session)),
        reconnected: () => control.tell('reconnected', id),
        downgraded: (downgrades) => control.tell('downgraded', id, this.#view(session), downgrades),
        fileTransferred: (transfer) => control.tell('fileTransferred', id, transfer),
        recordingFinishedLater: (result) => control.tell('recorded', id, result),
        ended: (end) => {
          control.tell('ended', id, this.#view(session), end);
          this.#told.delete(id);
          this.#obeyed.delete(id);
          this.#recorded(session);
        },
      },
    );
    if (freeze !== undefined) session.freeze(freezerOf(freeze), freeze.reason, freeze.since);
    return session;
  }

  /** Does what was decided in the control process. A session that has ended meanwhile is let be. */
  command(id: string, command: SessionCommand): void {
    const session = this.#sessions.list().find((live) => live.id === id);
    if (session === undefined) return;
    try {
      this.#do(session, command);
    } catch (error) {
      // It was in another state when that was decided.
      if (!(error instanceof GatewayError)) throw error;
      this.#log.info({ code: error.code, session: id, command: command.kind }, 'a command came too late');
    }
    this.tellViews();
  }

  /** Ends all of them. Resolves when nothing more is to come of any. */
  async stop(): Promise<void> {
    for (const session of this.#sessions.list()) session.end('gateway_stopping', 'the gateway stops');
    while (this.#finishing.size > 0) await Promise.allSettled(this.#finishing);
    await this.#alerts.stop();
  }

  /** Has control know how sessions are now. */
  tellViews(): void {
    const changed: (readonly [string, SessionView])[] = [];
    for (const session of this.#sessions.list()) {
      const view = this.#viewOf(session);
      const text = JSON.stringify(view);
      if (this.#told.get(session.id) === text) continue;
      this.#told.set(session.id, text);
      changed.push([session.id, view]);
    }
    if (changed.length > 0) this.#control.tell('views', changed);
  }

  #view(session: Session): SessionView {
    const view = this.#viewOf(session);
    this.#told.set(session.id, JSON.stringify(view));
    return view;
  }

  #viewOf(session: Session): SessionView {
    return viewOf(session, this.#obeyed.get(session.id) ?? 0);
  }

  #tick(): void {
    const wall = Date.now();
    const sessions = this.#sessions.list();
    for (const session of sessions) session.tick(wall);
    this.tellViews();
    if (sessions.length > 0) return;
    this.#endTicks?.();
    this.#endTicks = undefined;
  }

  #recorded(session: Session): void {
    const { id } = session;
    const finished = session.recordingFinished
      .catch((error: unknown) => {
        this.#log.error({ err: error, session: id }, 'recording was not finished');
        return undefined;
      })
      .then((result) => this.#control.tell('recorded', id, result));
    const tracked: Promise<void> = finished.finally(() => this.#finishing.delete(tracked));
    this.#finishing.add(tracked);
  }

  #do(session: Session, command: SessionCommand): void {
    switch (command.kind) {
      case 'end':
        session.end(command.code, command.detail, command.words ?? errorRow(command.code));
        return;
      case 'freeze':
        this.#obeyed.set(session.id, command.order);
        session.freeze(command.by, command.reason, command.since);
        return;
      case 'unfreeze':
        this.#obeyed.set(session.id, command.order);
        session.unfreeze(command.by, command.reason);
        return;
      case 'message':
        session.message(command.by, command.text);
        return;
      case 'notice':
        session.notice(command.notice);
        return;
      case 'alerted':
        session.alerted(command.alert, command.tell, command.typed);
        return;
      case 'type-secret':
        try {
          session.typeSecret(command.secret, command.enter);
        } finally {
          command.secret.fill(0);
        }
        return;
      case 'dismiss':
        session.dismissViewers(command.userId, command.code, command.which);
        return;
      case 'recording-watched':
        session.recordingWatched();
        return;
      case 'playing': {
        const name = `${session.id} ${command.number}`;
        this.#playing.set(name, session.playing(command.info, command.announce));
        return;
      }
      case 'played': {
        const name = `${session.id} ${command.number}`;
        this.#playing.get(name)?.();
        this.#playing.delete(name);
      }
    }
  }
}
