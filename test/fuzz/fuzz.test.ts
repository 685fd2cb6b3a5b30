import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { attempt, crashFolder, fuzz } from './fuzz.ts';
import { TARGETS } from './targets.ts';

/** Twenty seconds for all of them together; `npm run fuzz` gives each five minutes. */
const TOTAL_MS = 20_000;

describe('fuzzing', () => {
  const milliseconds = Math.floor(TOTAL_MS / TARGETS.length);
  // A seed a day: the same all day long, so that a failure can be looked at.
  const seed = Math.floor(Date.now() / 86_400_000);

  for (const target of TARGETS) {
    it(`${target.name} takes what it must and refuses the rest with an error of ours`, () => {
      const { runs, accepted } = fuzz(target, { milliseconds, seed });
      assert.ok(runs > 0, 'nothing was run');
      assert.ok(target.seeds.some((each) => attempt(target, each)) || accepted > 0, 'nothing was ever accepted');
    });
  }

  for (const name of existsSync(crashFolder) ? readdirSync(crashFolder).filter((file) => file.endsWith('.bin')) : []) {
    it(`once went wrong: ${name}`, () => {
      const target = TARGETS.find((each) => name.startsWith(`${each.name}.`));
      assert.ok(target !== undefined, 'there is no such target any more');
      attempt(target, readFileSync(join(crashFolder, name)));
    });
  }
});
