import { Random } from './random.ts';
import type { Scenario, Screen } from './scenario.ts';

/** A working day in short: the given kinds of work by turns, one to five minutes each, as they are on their own. */
export function mix(kinds: readonly (() => Scenario)[]): Scenario {
  const random = new Random(6);
  let current: Scenario | undefined;
  let beganAt = 0;
  let endsAt = 0;
  const begin = (screen: Screen, ms: number): void => {
    const others = kinds.map((make) => make()).filter(({ name }) => name !== current?.name);
    current = random.pick(others);
    beganAt = ms;
    endsAt = ms + random.integer(1, 5) * 60_000;
    current.start(screen);
  };
  return {
    name: 'mix',
    start: (screen) => begin(screen, 0),
    step(screen, ms) {
      if (ms >= endsAt) begin(screen, ms);
      else current?.step(screen, ms - beganAt);
    },
  };
}
