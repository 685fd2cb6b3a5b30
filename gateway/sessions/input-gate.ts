import type { InputEvent } from '#protocol/pdu/input.ts';

/** Input of a session's owner is held back. */
export interface Freeze {
  /** Who did it: a user name, or a rule. */
  readonly by: string;
  /** What its owner reads in that place, where she is not told. */
  readonly byForOwner?: string;
  readonly reason: string;
  readonly since: number;
}

/** Who freezes, and what the owner is told of that, where it is something else. */
export interface Freezer {
  readonly id: string;
  readonly username: string;
  readonly nameForOwner?: string;
}

export function freezeBy({ username, nameForOwner }: Freezer, reason: string, since: number): Freeze {
  return { by: username, ...(nameForOwner === undefined ? {} : { byForOwner: nameForOwner }), reason, since };
}

/** Who made a freeze that is taken over. */
export function freezerOf({ by, byForOwner }: Freeze): Freezer {
  return { id: '', username: by, ...(byForOwner === undefined ? {} : { nameForOwner: byForOwner }) };
}

/**
 * What of the owner's input gets through to the server: all of it, or nothing while the session is frozen. Knows what
 * is held down there, so that a freeze lets go of it: no key repeats and nothing is dragged on meanwhile.
 */
export class InputGate {
  readonly #keys = new Map<string, Extract<InputEvent, { kind: 'scancode' | 'unicode' }>>();
  readonly #buttons = new Map<number, Extract<InputEvent, { kind: 'mouse-button' }>>();
  #pointer = { x: 0, y: 0 };
  #freeze: Freeze | undefined;

  get freeze(): Freeze | undefined {
    return this.#freeze;
  }

  /** Of these events, those that go to the server. */
  pass(events: readonly InputEvent[]): readonly InputEvent[] {
    if (this.#freeze !== undefined) return [];
    for (const event of events) this.#follow(event);
    return events;
  }

  /** @returns what lets go of everything that is held down; for the server */
  close(freeze: Freeze): readonly InputEvent[] {
    this.#freeze = freeze;
    return this.release();
  }

  /** @returns what lets go of everything that is held down; for the server */
  release(): readonly InputEvent[] {
    const releases = [
      ...[...this.#keys.values()].map((key) => ({ ...key, down: false })),
      ...[...this.#buttons.values()].map((button) => ({ ...button, ...this.#pointer, down: false })),
    ];
    this.#keys.clear();
    this.#buttons.clear();
    return releases;
  }

  open(): void {
    this.#freeze = undefined;
  }

  #follow(event: InputEvent): void {
    if ('x' in event) this.#pointer = { x: event.x, y: event.y };
    switch (event.kind) {
      case 'scancode':
      case 'unicode': {
        const key = event.kind === 'unicode' ? `u${event.unit}` : `${event.code} ${event.extended} ${event.extended1}`;
        if (event.down) this.#keys.set(key, event);
        else this.#keys.delete(key);
        return;
      }
      case 'mouse-button':
        if (event.down) this.#buttons.set(event.button, event);
        else this.#buttons.delete(event.button);
    }
  }
}
