import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ruleOf, ruleText, toRuleForm, watermarksOf } from './retention-form.ts';

test('a rule survives its form', () => {
  for (const rule of [
    { maxAgeDays: null, maxBytes: null },
    { maxAgeDays: 90, maxBytes: 2_500_000_000 },
    { maxAgeDays: null, maxBytes: 1_000_000 },
  ]) {
    assert.deepEqual(ruleOf(toRuleForm(rule)), rule);
  }
  assert.deepEqual(ruleOf({ days: ' ', gigabytes: '0.5' }), { maxAgeDays: null, maxBytes: 500_000_000 });
  assert.deepEqual(watermarksOf('5', '1'), { warnFreeBytes: 5e9, stopFreeBytes: 1e9 });
});

test('a rule in words', () => {
  assert.equal(ruleText({ maxAgeDays: null, maxBytes: null }), 'without limit');
  assert.equal(ruleText({ maxAgeDays: 1, maxBytes: null }), '1 day');
  assert.equal(ruleText({ maxAgeDays: 90, maxBytes: 2e9 }), '90 days, up to 2.0 GB');
});
