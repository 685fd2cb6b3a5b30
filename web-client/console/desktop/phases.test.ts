import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionPhase } from '#protocol/connector/types.ts';
import { scancodeOf } from '../../viewer/scancodes.ts';
import { keyCombinations } from './key-combinations.ts';
import { connectionSteps, stepOfPhase } from './phases.ts';

test('every phase of a connection has a step, and the steps only go forward', () => {
  // In the order of the connection sequence; the type holds the names together.
  const phases: readonly ConnectionPhase[] = [
    'negotiating',
    'securing',
    'authenticating',
    'settings',
    'channels',
    'licensing',
    'capabilities',
    'finalizing',
  ];
  let last = stepOfPhase('starting') ?? -1;
  assert.ok(last >= 0);
  for (const phase of phases) {
    const step = stepOfPhase(phase);
    assert.ok(step !== undefined && step >= last && step < connectionSteps.length, phase);
    last = step;
  }
  assert.equal(last, connectionSteps.length - 1);
});

test('an unknown phase leaves the step where it is', () => {
  assert.equal(stepOfPhase('tea'), undefined);
});

test('every key combination is made of keys that exist', () => {
  for (const { label, codes } of keyCombinations) {
    assert.ok(codes.length > 0, label);
    for (const code of codes) assert.ok(scancodeOf(code), `${label}: ${code}`);
  }
  assert.deepEqual(keyCombinations[0]?.codes, ['ControlLeft', 'AltLeft', 'Delete']);
});
