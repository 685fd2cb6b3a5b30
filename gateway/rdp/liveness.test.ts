import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LIVENESS_LIMITS, Liveness } from './liveness.ts';

/** Seconds go by; `answers` says whether the server answers a question at that second. Returns when what happened. */
function run(seconds: number, answers: (second: number) => boolean, mayAsk = () => true): string[] {
  const liveness = new Liveness(0);
  const log: string[] = [];
  for (let second = 0; second <= seconds; second++) {
    const step = liveness.step(second * 1000, mayAsk());
    if (step.kind === 'wait') continue;
    log.push(`${step.kind} ${second}`);
    if (step.kind === 'lost') break;
    if (answers(second)) liveness.heard(second * 1000 + 50);
  }
  return log;
}

describe('Liveness', () => {
  it('asks a quiet server, and finds it gone within half a minute of its last word', () => {
    const log = run(200, (second) => second < 40);
    assert.deepEqual(log, ['ask 12', 'ask 25', 'ask 38', 'ask 51', 'ask 56', 'ask 61', 'lost 66']);
    const { quietMs, answerMs } = LIVENESS_LIMITS;
    assert.ok(quietMs + 3 * answerMs < 30_000);
  });

  it('asks nothing of one that speaks', () => {
    const liveness = new Liveness(0);
    for (let second = 0; second < 100; second++) {
      assert.equal(liveness.step(second * 1000, true).kind, 'wait');
      liveness.heard(second * 1000);
    }
  });

  it('lets one alone that does not answer such questions', () => {
    assert.deepEqual(
      run(500, () => false),
      ['ask 12', 'ask 17', 'ask 22'],
    );
  });

  it('does not count on one answer that may have been chance, nor on late ones', () => {
    assert.deepEqual(
      run(500, (second) => second === 12),
      ['ask 12', 'ask 25', 'ask 30', 'ask 35'],
    );
    const late = new Liveness(0);
    for (let round = 0; round < 3; round++) {
      const at = round * 20_000;
      assert.equal(late.step(at + 12_000, true).kind, 'ask');
      assert.equal(late.step(at + 17_000, true).kind, 'ask');
      late.heard(at + 20_000);
    }
    const steps = [72_000, 77_000, 82_000, 87_000].map((at) => late.step(at, true).kind);
    assert.deepEqual(steps, ['ask', 'ask', 'ask', 'wait']);
  });

  it('takes no silence for an answer while nothing can come', () => {
    let calls = 0;
    assert.deepEqual(
      run(
        100,
        () => true,
        () => ++calls > 60,
      ),
      ['ask 71', 'ask 84', 'ask 97'],
    );
  });
});
