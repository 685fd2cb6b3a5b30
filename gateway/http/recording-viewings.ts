import { sessionClock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { Recording } from '../sessions/session-history.ts';
import type { Call } from './route.ts';
import type { Services } from './services.ts';

/** Who looks. */
type Viewer = Pick<Call, 'actor' | 'address' | 'signedIn'>;

/**
 * Who looks at which recording, whether at its video or its events, so that later pieces of one viewing are not written
 * down as more of them.
 *
 * INVARIANT: nobody is given a byte of a video, or an event, without a line in the audit log.
 */
export class RecordingViewings {
  readonly #services: Pick<Services, 'audit' | 'sessions' | 'settings'>;
  readonly #finished = new FinishedViewings();
  readonly #live = new LiveViewings();

  constructor(services: Pick<Services, 'audit' | 'sessions' | 'settings'>) {
    this.#services = services;
  }

  /**
   * A piece of one that does not go on any more. Call it before the piece is handed out.
   * @param begins whether this is a viewing of its own, whatever was before
   */
  async ofFinished(recording: Recording, viewer: Viewer, begins: boolean): Promise<void> {
    const name = `${viewer.signedIn.reference} ${recording.id}`;
    await this.#finished.asked(name, begins, () => this.#write(recording, viewer, {}));
  }

  /**
   * A piece of one that goes on. Seen with a few seconds of delay is seen: it is written down, and announced, as a live
   * view is; a player asks every second, and that is one viewing.
   */
  async ofLive(recording: Recording, viewer: Viewer): Promise<void> {
    const { id: userId, username } = viewer.actor;
    await this.#live.goOn(`${userId} ${recording.id}`, async () => {
      const session = this.#services.sessions.find(recording.id);
      const announced = session?.facts.terms.liveViewAnnounced ?? (await this.#services.settings.read()).announceShadow;
      await this.#write(recording, viewer, { live: true, announced });
      return session?.playing({ userId, username, since: sessionClock() }, announced) ?? (() => {});
    });
  }

  /** Throws `forbidden` where nobody may see the session of the recording while it goes on. */
  requireLiveView(recording: Recording): void {
    if (this.#services.sessions.find(recording.id)?.facts.terms.liveView !== false) return;
    throw new GatewayError('forbidden', 'the policy allows no live view: it can be played when the session is over');
  }

  #write(
    { id, target, user }: Recording,
    { actor, address }: Viewer,
    details: Readonly<Record<string, boolean>>,
  ): Promise<void> {
    return this.#services.audit.record({
      action: 'recording.viewed',
      actor,
      address,
      subject: target.name,
      sessionId: id,
      details: { owner: user.username, ...details },
    });
  }
}

/** Whoever asked for nothing of a recording for so long begins anew. */
const GONE_ON_FOR_MS = 60 * 60_000;
/** Our own page asks for events and the video's frames beside the player, which may ask for the first byte after that. */
const OPENING_MS = 15_000;

class FinishedViewings {
  /** The longest untouched first. */
  readonly #begun = new Map<string, Viewing>();

  async asked(name: string, begins: boolean, write: () => Promise<void>): Promise<void> {
    const now = performance.now();
    for (const [old, { at }] of this.#begun) {
      if (now - at < GONE_ON_FOR_MS) break;
      this.#begun.delete(old);
    }
    const before = this.#begun.get(name);
    const opens = before !== undefined && begins && !before.fromStart && now - before.since < OPENING_MS;
    const goesOn = before !== undefined && (!begins || opens);
    const viewing = goesOn
      ? { ...before, at: now, fromStart: before.fromStart || begins }
      : { written: write(), since: now, at: now, fromStart: begins };
    this.#begun.delete(name);
    this.#begun.set(name, viewing);
    try {
      await viewing.written;
    } catch (error) {
      this.#begun.delete(name);
      throw error;
    }
  }
}

interface Viewing {
  /** Into the audit log. */
  readonly written: Promise<void>;
  readonly since: number;
  readonly at: number;
  /** Whether the first byte was asked for. */
  readonly fromStart: boolean;
}

/** Whoever has not asked for a while has left, and begins anew. */
class LiveViewings {
  readonly #viewings = new Map<string, { readonly begun: Promise<() => void>; expiry: NodeJS.Timeout | undefined }>();

  /** @param begin called for the first request of a viewing; what it returns, when the viewing is over */
  async goOn(name: string, begin: () => Promise<() => void>): Promise<void> {
    const viewing = this.#viewings.get(name) ?? { begun: begin(), expiry: undefined };
    this.#viewings.set(name, viewing);
    clearTimeout(viewing.expiry);
    try {
      const leave = await viewing.begun;
      clearTimeout(viewing.expiry);
      viewing.expiry = setTimeout(() => {
        this.#viewings.delete(name);
        leave();
      }, LEFT_AFTER_MS).unref();
    } catch (error) {
      this.#viewings.delete(name);
      throw error;
    }
  }
}

const LEFT_AFTER_MS = 15_000;
