import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';
import { TARGETS } from './targets.ts';

const USAGE = `usage: npm run fuzz -- [--seconds N] [--seed N] [NAME…]

  npm run fuzz                              five minutes each
  npm run fuzz -- --seconds 10 planar rdp   ten seconds for each target whose name holds one of the words
  npm run fuzz -- --seed 42                 another way through`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(Date.now() >>> 0) },
    help: { type: 'boolean' },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit();
}
const seconds = Number(values.seconds);
const seed = Number(values.seed);
if (!(seconds > 0) || !Number.isInteger(seed)) {
  console.error(USAGE);
  process.exit(2);
}
let failed = 0;
for (const target of TARGETS) {
  if (positionals.length > 0 && !positionals.some((word) => target.name.includes(word))) continue;
  try {
    const { runs, accepted } = fuzz(target, { milliseconds: seconds * 1000, seed });
    console.log(`${target.name}: ${runs} runs, ${accepted} accepted`);
  } catch (error) {
    failed++;
    console.error(error);
  }
}
console.log(failed === 0 ? `nothing went wrong (seed ${seed})` : `${failed} targets went wrong (seed ${seed})`);
process.exit(failed === 0 ? 0 : 1);
