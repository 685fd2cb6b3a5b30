import type { SessionEnd } from '#protocol/tunnel/sink.ts';
import { type ErrorCode, errorRow } from '../errors.ts';
import type { Notice, PixelViewer } from './ports.ts';

export interface ViewerInfo {
  readonly userId: string;
  readonly username: string;
  readonly since: number;
  /** The sign-in that it was opened in, by its reference, where it is a tunnel. */
  readonly signIn?: string;
  /** When that ends, by the wall clock: then so does this. */
  readonly signInEndsAt?: number;
}

/** Of what was opened in sign-ins, that of some, or all but that of one. */
export interface OfSignIns {
  /** By their references. */
  readonly only?: readonly string[] | undefined;
  readonly except?: string | undefined;
}

export function isOfSignIns(signIn: string | undefined, { only, except }: OfSignIns): boolean {
  if (only !== undefined && !(signIn !== undefined && only.includes(signIn))) return false;
  return except === undefined || signIn !== except;
}

/** One of those who watch at present. */
export interface SeenViewer extends ViewerInfo {
  /** Whether the owner was told: otherwise it is none of her business. */
  readonly announced: boolean;
}

/** A live view's way to its session. */
export interface ViewerHandle {
  acknowledge(seq: number): void;
  leave(): void;
}

/** Somebody who sees the session, whichever way. */
export interface ViewerConnection {
  readonly info: ViewerInfo;
  readonly announce: boolean;
  notice(notice: Notice): void;
  end(end: SessionEnd): void;
}

/** Where a live view is sent to. */
export interface LiveViewer extends PixelViewer {
  notice(notice: Notice): void;
  end(end: SessionEnd): void;
}

export interface ViewersEvents {
  /** Somebody came or went. */
  changed(): void;
  record(change: 'joined' | 'left', info: ViewerInfo, announce: boolean): void;
  /** What the owner is told of it. */
  announce(notice: Notice): void;
}

/** Who watches one session, besides its owner. */
export class SessionViewers {
  readonly #connections = new Set<ViewerConnection>();
  readonly #events: ViewersEvents;

  constructor(events: ViewersEvents) {
    this.#events = events;
  }

  get infos(): readonly SeenViewer[] {
    return [...this.#connections].map(({ info, announce }) => ({ ...info, announced: announce }));
  }

  /** As they are now: ending one takes it out. */
  connections(): readonly ViewerConnection[] {
    return [...this.#connections];
  }

  /** @returns how to leave; the second time it does nothing */
  join(connection: ViewerConnection): () => void {
    const { info, announce } = connection;
    this.#connections.add(connection);
    this.#events.record('joined', info, announce);
    this.#events.changed();
    if (announce) this.#announce('shadow_started', `${info.username} is watching this session.`);
    return () => {
      if (!this.#connections.delete(connection)) return;
      this.#events.record('left', info, announce);
      this.#events.changed();
      if (announce) this.#announce('shadow_ended', `${info.username} no longer watches this session.`);
    };
  }

  notice(notice: Notice): void {
    for (const viewer of this.#connections) viewer.notice(notice);
  }

  /** Closes what one user has open. */
  dismiss(userId: string, code: ErrorCode, which: OfSignIns = {}): void {
    for (const viewer of this.connections()) {
      const { info } = viewer;
      if (info.userId !== userId || !isOfSignIns(info.signIn, which)) continue;
      viewer.end({ code, message: errorRow(code).message });
    }
  }

  /** Closes those whose sign-in is over. */
  endWithSignIns(wall: number): void {
    const { message } = errorRow('sign_in_expired');
    for (const viewer of this.connections()) {
      if ((viewer.info.signInEndsAt ?? Infinity) <= wall) viewer.end({ code: 'sign_in_expired', message });
    }
  }

  /** For so many milliseconds none of them is, unless a clock is set. */
  rest(wall: number): number {
    return Math.min(...this.connections().map(({ info }) => (info.signInEndsAt ?? Infinity) - wall));
  }

  #announce(code: string, message: string): void {
    const viewers = this.connections().filter(({ announce }) => announce).length;
    this.#events.announce({ code, message, viewers });
  }
}
