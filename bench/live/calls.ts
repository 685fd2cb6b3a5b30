import { type ChildProcess, fork, spawnSync } from 'node:child_process';

/**
 * Programs of the bench that run in processes of their own, so that what they cost is counted for nobody else: they are
 * called with a method's name and one value, and answer with one.
 */
export type Methods = Readonly<Record<string, (argument: never) => unknown>>;

/** In turns with others of their kind: V8's threads wait for each other in loops, and one that nobody may interrupt never sees the other come on. */
const FIRST = ['chrt', '--rr', '1'] as const;
/** V8 goes through all of a heap eight seconds after much was done, and when buffers outside of it grow, for some 10 ms. */
const EVEN = ['--no-memory-reducer', '--heap-growing-percent=300'] as const;

export interface BenchProcessOptions {
  /**
   * Part of the bench, not of what it measures: with a processor whenever it wants one, as if it had a machine of its own, where the system lets us
   * (`mayGoFirst`), so that what it waits for is not counted for others. From its start on, since threads that are there by then would stay behind,
   * and the first one, which nothing else goes before, wait for them
   */
  readonly first?: boolean;
  /** With fewer collections of its whole heap, which are nobody else's latency. */
  readonly even?: boolean;
}

/** It takes root. */
export function mayGoFirst(): boolean {
  return spawnSync(FIRST[0], [...FIRST.slice(1), process.execPath, '--version'], { stdio: 'ignore' }).status === 0;
}

/** The caller's end. */
export class BenchProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #gone = Promise.withResolvers<void>();
  #next = 1;

  constructor(script: URL, args: readonly string[] = [], { first = false, even = false }: BenchProcessOptions = {}) {
    const flags = [...process.execArgv, ...(even ? EVEN : [])];
    this.#child = fork(script, args, {
      ...{ stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' },
      ...(first
        ? { execPath: FIRST[0], execArgv: [...FIRST.slice(1), process.execPath, ...flags] }
        : { execArgv: flags }),
    });
    this.#child.on('message', (answer: Answer) => {
      const call = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.error === undefined) call?.resolve(answer.value);
      else call?.reject(new Error(answer.error));
    });
    this.#child.on('exit', (code, signal) => {
      for (const call of this.#waiting.values())
        call.reject(new Error(`${script.pathname} has ended (${code ?? signal})`));
      this.#gone.resolve();
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the process did not start');
    return this.#child.pid;
  }

  call<T>(method: string, argument?: unknown): Promise<T> {
    const id = this.#next++;
    const call = Promise.withResolvers<unknown>();
    this.#waiting.set(id, call);
    this.#child.send({ id, method, argument } satisfies Call, (error) => {
      if (error) call.reject(error);
    });
    return call.promise as Promise<T>;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM');
    else return;
    await this.#gone.promise;
  }
}

/** The called end. Ends with its caller. */
export function answerCalls(methods: Methods): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', ({ id, method, argument }: Call) => {
    const run = async () => {
      const answer = methods[method];
      if (answer === undefined) throw new TypeError(`no method ${method}`);
      return answer(argument as never);
    };
    run().then(
      (value) => process.send?.({ id, value } satisfies Answer),
      (error: unknown) => process.send?.({ id, error: String(error instanceof Error ? error.stack : error) }),
    );
  });
}

interface Call {
  readonly id: number;
  readonly method: string;
  readonly argument?: unknown;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}
