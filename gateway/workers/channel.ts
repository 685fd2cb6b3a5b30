import { type ErrorCode, GatewayError, isErrorCode } from '../errors.ts';
import type { Logger } from '../log.ts';

/** What one process can be asked by another: functions whose arguments and results survive a structured clone. */
export type Calls = Readonly<Record<string, (...args: never[]) => unknown>>;

/** Sends to the other process: `process.send`, or that of a child. Calls back with an error when nobody is there. */
export type Send = (message: unknown, sent: (error: Error | null) => void) => void;

/**
 * One end of the messages between two processes, each of which can call what the other offers. Structured clones over
 * Node's own channel, in order. What is called may fail with a `GatewayError`, which arrives as one; whatever else goes
 * wrong is for the log where it happened, and arrives as `internal_error`.
 *
 * A message is `[name, arguments]`, `[name, arguments, number]` where an answer is awaited, `[number, true, result]` or
 * `[number, false, failure]`.
 */
export class Channel<Remote extends Calls> {
  readonly #send: Send;
  readonly #offers: Calls;
  readonly #log: Logger;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #next = 1;
  #closed = false;

  /** @param offers what the other process may call; nothing of what these inherit */
  constructor(send: Send, offers: Calls, log: Logger) {
    this.#send = send;
    this.#offers = offers;
    this.#log = log;
  }

  /** Has something done, and does not hear of it. Where the other process is gone, nothing happens. */
  tell<Name extends keyof Remote & string>(name: Name, ...args: Parameters<Remote[Name]>): void {
    this.#post([name, args]);
  }

  /** Rejects with a `GatewayError`: the other's, or `internal_error` when it is gone. */
  ask<Name extends keyof Remote & string>(
    name: Name,
    ...args: Parameters<Remote[Name]>
  ): Promise<Awaited<ReturnType<Remote[Name]>>> {
    const answer = Promise.withResolvers<unknown>();
    if (this.#closed) return Promise.reject(gone());
    const number = this.#next++;
    this.#waiting.set(number, answer);
    this.#post([name, args, number]);
    return answer.promise as Promise<Awaited<ReturnType<Remote[Name]>>>;
  }

  /** A message has arrived. Throws `MessageError` for one that is none of ours, or that what it calls says is none. */
  received(message: unknown): void {
    if (!Array.isArray(message)) throw new MessageError('not a list');
    const [first, second, third] = message as unknown[];
    if (typeof first === 'number') this.#answered(first, second, third);
    else this.#called(first, second, third);
  }

  /** The other process is gone: nothing more is sent, and whoever waits for it is told. */
  close(): void {
    this.#closed = true;
    for (const answer of this.#waiting.values()) answer.reject(gone());
    this.#waiting.clear();
  }

  #answered(number: number, succeeded: unknown, value: unknown): void {
    const answer = this.#waiting.get(number);
    if (answer === undefined) throw new MessageError('an answer to nothing');
    this.#waiting.delete(number);
    if (succeeded === true) answer.resolve(value);
    else answer.reject(errorOf(value));
  }

  #called(name: unknown, args: unknown, number: unknown): void {
    if (typeof name !== 'string' || !Object.hasOwn(this.#offers, name) || !Array.isArray(args)) {
      throw new MessageError(`nothing like ${JSON.stringify(name)?.slice(0, 100)} is offered`);
    }
    if (number !== undefined && !Number.isSafeInteger(number)) throw new MessageError('no number to answer to');
    const called = this.#offers[name] as (...args: unknown[]) => unknown;
    let result: unknown;
    try {
      result = called(...args);
    } catch (error) {
      if (error instanceof MessageError) throw error;
      result = Promise.reject(error);
    }
    // Most calls are over when they return: no promise is made for those that nobody waits for.
    if (number === undefined && !(result instanceof Promise)) return;
    Promise.resolve(result).then(
      (value) => number !== undefined && this.#post([number, true, value]),
      (error: unknown) => {
        if (!(error instanceof GatewayError)) this.#log.error({ err: error, call: name }, 'a call failed');
        if (number !== undefined) this.#post([number, false, failureOf(error)]);
      },
    );
  }

  #post(message: unknown): void {
    if (this.#closed) return;
    this.#send(message, (error) => {
      // Its process is going; that is heard of on another way.
      if (error !== null) this.#log.debug({ err: error }, 'a message was not sent');
    });
  }
}

/** What arrived is not what our processes say to each other. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
}

interface Failure {
  readonly code: ErrorCode;
  readonly detail?: string | undefined;
}

function failureOf(error: unknown): Failure {
  return error instanceof GatewayError ? { code: error.code, detail: error.detail } : { code: 'internal_error' };
}

function errorOf(value: unknown): GatewayError {
  const { code, detail } = (value ?? {}) as { code?: unknown; detail?: unknown };
  return new GatewayError(
    typeof code === 'string' && isErrorCode(code) ? code : 'internal_error',
    typeof detail === 'string' ? detail : undefined,
  );
}

function gone(): GatewayError {
  return new GatewayError('internal_error', 'the other process is gone');
}
