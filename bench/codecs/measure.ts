import { codecCases } from './cases.ts';

/** What a case is about, without its data. */
export interface CodecTitle {
  readonly codec: string;
  readonly picture: string;
  /** Of one decoding. */
  readonly pixels: number;
  readonly encodedBytes: number;
}

/** How fast one codec decodes one picture, on one core. */
export interface CodecSpeed extends CodecTitle {
  /** Millions of pixels per second of processor time. */
  readonly megapixels: number;
}

/** Decodes on some engine: this one, or a browser's. */
export interface CodecRunner {
  readonly titles: readonly CodecTitle[];
  /** Decodes one case over and over for some milliseconds. Returns how often, and how much processor time it took. */
  run(index: number, milliseconds: number): Promise<{ rounds: number; cpuMilliseconds: number }>;
}

/** Rounds for the compiler to settle, before the clock counts. */
const WARM_UP_MILLISECONDS = 100;

export async function measureCodecs(runner: CodecRunner, milliseconds: number): Promise<CodecSpeed[]> {
  const speeds: CodecSpeed[] = [];
  for (const [index, title] of runner.titles.entries()) {
    await runner.run(index, WARM_UP_MILLISECONDS);
    const { rounds, cpuMilliseconds } = await runner.run(index, milliseconds);
    speeds.push({ ...title, megapixels: (rounds * title.pixels) / cpuMilliseconds / 1000 });
  }
  return speeds;
}

/** All cases on this engine; the part that runs in Node and in a browser alike. */
export function prepareCodecs(): { titles: CodecTitle[]; decodeFor(index: number, milliseconds: number): number } {
  const cases = codecCases();
  return {
    titles: cases.map(({ codec, picture, pixels, encodedBytes }) => ({ codec, picture, pixels, encodedBytes })),
    decodeFor(index, milliseconds) {
      const until = performance.now() + milliseconds;
      let rounds = 0;
      do {
        cases[index]?.decode();
        rounds++;
      } while (performance.now() < until);
      return rounds;
    },
  };
}
