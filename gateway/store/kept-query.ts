import type { Compilable, CompiledQuery } from 'kysely';
import type { Store } from './store.ts';

/** Stands for the time in what is kept; no clock shows it. */
const NOW = Number.MIN_SAFE_INTEGER;

/**
 * A query that is asked again and again. It is built and written as SQL once: both run through some hundred functions, which a process that was
 * just woken has out of its caches, and take several times what looking into an index does.
 */
export class KeptQuery<Row> {
  readonly #build: (store: Store, now: number) => Compilable<Row>;
  #compiled: CompiledQuery<Row> | undefined;

  /** @param build called once; `now` is a value of the query, and nothing is to be made of it */
  constructor(build: (store: Store, now: number) => Compilable<Row>) {
    this.#build = build;
  }

  /** @param store or a transaction. @param now what the query has as `now`, if it has it */
  async rows(store: Store, now = 0): Promise<Row[]> {
    this.#compiled ??= this.#build(store, NOW).compile();
    const parameters = this.#compiled.parameters.map((value) => (value === NOW ? now : value));
    return (await store.executeQuery<Row>({ ...this.#compiled, parameters })).rows;
  }
}
