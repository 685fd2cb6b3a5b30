import type { MessagePort } from 'node:worker_threads';
import type { EncoderPool, Encoders, EncoderUser } from './encoder-pool.ts';

/** One pool for several threads ([ADR 0050]): one has it and lends to the others, each through a message port. */

/** How a user of another thread was when it last said so. */
interface UserState {
  readonly waitingSince: number | undefined;
  readonly waitingBytes: number;
  readonly isEnding: boolean;
  readonly isWatched: boolean;
}

type ToPool =
  | { readonly kind: 'enter' | 'exit' }
  /** Those that are new, and those that have changed. */
  | { readonly kind: 'users'; readonly users: readonly (readonly [id: number, state: UserState])[] }
  | { readonly kind: 'leave'; readonly user: number }
  | { readonly kind: 'job' | 'job-done'; readonly job: number };

type FromPool =
  | { readonly kind: 'granted' | 'end'; readonly user: number }
  | { readonly kind: 'job'; readonly job: number }
  | { readonly kind: 'pressure'; readonly pressure: number };

/** Lets another thread have encoders of this pool; what it has comes back when its port closes. */
export function lendEncoders(pool: EncoderPool, port: MessagePort): void {
  const users = new Map<number, { -readonly [K in keyof UserState]: UserState[K] } & EncoderUser>();
  const exits: (() => void)[] = [];
  const jobs = new Map<number, () => void>();
  const tell = (message: FromPool) => port.postMessage(message);
  const update = (id: number, state: UserState) => {
    const known = users.get(id);
    if (known !== undefined) {
      Object.assign(known, state);
      return;
    }
    const user = {
      ...state,
      granted: () => tell({ kind: 'granted', user: id }),
      end: () => tell({ kind: 'end', user: id }),
    };
    users.set(id, user);
    pool.join(user);
  };
  const leave = (id: number) => {
    const user = users.get(id);
    users.delete(id);
    if (user !== undefined) pool.leave(user);
  };
  port.on('message', (message: ToPool) => {
    switch (message.kind) {
      case 'enter':
        exits.push(pool.enter());
        return;
      case 'exit':
        exits.pop()?.();
        return;
      case 'users':
        for (const [id, state] of message.users) update(id, state);
        pool.notice();
        tell({ kind: 'pressure', pressure: pool.pressure });
        return;
      case 'leave':
        leave(message.user);
        return;
      case 'job': {
        const { job } = message;
        const done = Promise.withResolvers<void>();
        jobs.set(job, done.resolve);
        void pool.run(() => {
          tell({ kind: 'job', job });
          return done.promise;
        });
        return;
      }
      case 'job-done':
        jobs.get(message.job)?.();
        jobs.delete(message.job);
    }
  });
  port.on('close', () => {
    for (const id of [...users.keys()]) leave(id);
    for (const done of jobs.values()) done();
    for (const exit of exits.splice(0)) exit();
  });
}

/**
 * The encoders of another thread's pool, which hears how its users here are whenever they say so, and three times a second. Keeps
 * this thread alive as long as the port is open.
 */
export class BorrowedEncoders implements Encoders {
  readonly #port: MessagePort;
  readonly #users = new Map<number, { readonly user: EncoderUser; said: UserState }>();
  readonly #ids = new Map<EncoderUser, number>();
  readonly #jobs = new Map<number, () => void>();
  #next = 1;
  #recordings = 0;
  #pressure = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (message: FromPool) => this.#received(message));
  }

  get pressure(): number {
    return this.#pressure;
  }

  enter(): () => void {
    this.#recordings += 1;
    this.#tell({ kind: 'enter' });
    this.#timer ??= setInterval(() => this.notice(), TELL_EVERY_MS).unref();
    let entered = true;
    return () => {
      if (!entered) return;
      entered = false;
      this.#tell({ kind: 'exit' });
      this.#recordings -= 1;
      if (this.#recordings > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  join(user: EncoderUser): void {
    const id = this.#next++;
    const said = stateOf(user);
    this.#users.set(id, { user, said });
    this.#ids.set(user, id);
    this.#tell({ kind: 'users', users: [[id, said]] });
  }

  leave(user: EncoderUser): void {
    const id = this.#ids.get(user);
    if (id === undefined) return;
    this.#ids.delete(user);
    this.#users.delete(id);
    this.#tell({ kind: 'leave', user: id });
  }

  notice(): void {
    const users: [number, UserState][] = [];
    for (const [id, entry] of this.#users) {
      const state = stateOf(entry.user);
      if (isSame(state, entry.said)) continue;
      entry.said = state;
      users.push([id, state]);
    }
    // Also when there is nothing to say: its answer is how hard it is to keep up.
    this.#tell({ kind: 'users', users });
  }

  async run<T>(job: () => Promise<T>): Promise<T> {
    const id = this.#next++;
    const turn = Promise.withResolvers<void>();
    this.#jobs.set(id, turn.resolve);
    this.#tell({ kind: 'job', job: id });
    try {
      await turn.promise;
      return await job();
    } finally {
      this.#jobs.delete(id);
      this.#tell({ kind: 'job-done', job: id });
    }
  }

  #received(message: FromPool): void {
    switch (message.kind) {
      case 'granted':
        this.#users.get(message.user)?.user.granted();
        return;
      case 'end':
        this.#users.get(message.user)?.user.end();
        return;
      case 'job':
        this.#jobs.get(message.job)?.();
        return;
      case 'pressure':
        this.#pressure = message.pressure;
    }
  }

  #tell(message: ToPool): void {
    this.#port.postMessage(message);
  }
}

function stateOf({ waitingSince, waitingBytes, isEnding, isWatched }: EncoderUser): UserState {
  return { waitingSince, waitingBytes, isEnding, isWatched };
}

function isSame(a: UserState, b: UserState): boolean {
  return (
    a.waitingSince === b.waitingSince &&
    a.waitingBytes === b.waitingBytes &&
    a.isEnding === b.isEnding &&
    a.isWatched === b.isWatched
  );
}

/** As often as the pool looks whose turn it is. */
const TELL_EVERY_MS = 350;
