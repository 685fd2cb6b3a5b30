import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ClockWatch, clockEnvironment, sessionClock } from './clock.ts';

/** What `sessionClock` says in another process. */
function clockOfChild(env: NodeJS.ProcessEnv): number {
  const script = `import(${JSON.stringify(join(import.meta.dirname, 'clock.ts'))}).then((it) => console.log(it.sessionClock()))`;
  return Number(execFileSync(process.execPath, ['-e', script], { env: { ...process.env, ...env }, encoding: 'utf8' }));
}

test("a child process has its parent's clock, whatever the wall clock says by then", () => {
  const before = sessionClock();
  const said = clockOfChild(clockEnvironment());
  assert.ok(said >= before - 1 && said <= sessionClock() + 1, `${before} ${said} ${sessionClock()}`);
  const [[name = '', zero] = []] = Object.entries(clockEnvironment());
  const hour = 3_600_000;
  const later = clockOfChild({ [name]: String(Number(zero) + hour) });
  assert.ok(later >= before + hour - 1 && later <= sessionClock() + hour + 1);
});

test('it begins with the wall clock', () => {
  assert.ok(Math.abs(sessionClock() - Date.now()) < 60_000);
});

test('a wall clock that is set is noticed once, one that is corrected a little is not', () => {
  let offset = 5;
  const watch = new ClockWatch(() => offset);
  const set = (to: number) => {
    offset = to;
    return [watch.moved(), watch.moved()];
  };
  assert.deepEqual(set(700), [0, 0]);
  assert.deepEqual(set(3_600_005), [3_600_000, 0]);
  assert.deepEqual(set(3_599_500), [0, 0]);
  // Little by little.
  assert.deepEqual(set(3_598_900), [-1105, 0]);
  assert.deepEqual(set(-20_000), [-3_618_900, 0]);
});

test('nobody has set it while this runs', () => {
  assert.equal(new ClockWatch().moved(), 0);
});
