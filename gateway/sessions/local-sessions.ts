import type { InputEvent } from '#protocol/pdu/input.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Connect, Pixels } from './ports.ts';
import { Session } from './session.ts';
import type { ClipboardInspection } from './session-clipboard.ts';
import type { Inspection, SessionBacking, SessionFacts, SessionNews } from './session-contract.ts';

export interface LocalSessionsParts {
  readonly connect: Connect;
  readonly pixels: Pixels;
  /** What licence servers know this gateway by. */
  readonly hardwareId: Uint8Array;
  /** Looks at what the owner of a session types, before the server gets it. */
  inspect(session: Session, events: readonly InputEvent[]): Inspection;
  /** Looks at text before it passes through the clipboard. */
  inspectClipboard(session: Session, text: string): ClipboardInspection;
  readonly log: Logger;
}

/** The sessions that run in this process. */
export class LocalSessions {
  readonly #parts: LocalSessionsParts;
  readonly #live = new Map<string, Session>();

  constructor(parts: LocalSessionsParts) {
    this.#parts = parts;
  }

  begin(facts: SessionFacts, backing: SessionBacking, news: SessionNews): Session {
    const { pixels, log, hardwareId, inspect, inspectClipboard } = this.#parts;
    const connect: Connect = (options, events) => this.#parts.connect({ ...options, hardwareId }, events);
    const session: Session = new Session(
      facts,
      { connect, pixels, log, ...backing },
      {
        ...news,
        inspect: (events) => inspect(session, events),
        inspectClipboard: (text) => inspectClipboard(session, text),
        ended: (end) => {
          this.#live.delete(facts.id);
          news.ended(end);
        },
      },
    );
    this.#live.set(facts.id, session);
    return session;
  }

  /** Throws `not_found`. */
  get(id: string): Session {
    const session = this.#live.get(id);
    if (session === undefined) throw new GatewayError('not_found', 'there is no such live session');
    return session;
  }

  list(): Session[] {
    return [...this.#live.values()];
  }
}
