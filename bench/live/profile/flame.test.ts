import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CpuProfile, callTree, flameSvg } from './flame.ts';

const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 1 });

/** Ten milliseconds: six of rest, three in a function of ours, of which one in a package's, and one in the collector. */
const PROFILE: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)', ''), children: [2, 3, 5] },
    { id: 2, callFrame: frame('(idle)', '') },
    { id: 3, callFrame: frame('keep', 'file:///oriel/gateway/rdp/pace.ts'), children: [4] },
    { id: 4, callFrame: frame('send', '/oriel/node_modules/ws/lib/sender.js') },
    { id: 5, callFrame: frame('(garbage collector)', '') },
  ],
  samples: [2, 3, 4, 3, 5, 2],
  timeDeltas: [0, 5000, 1000, 1000, 1000, 1000],
  startTime: 0,
  endTime: 10_000,
};

test('a tree of calls has the time of what was called in it, and none of rest', () => {
  const tree = callTree([PROFILE, PROFILE]);
  const keep = tree.calls.get('keep rdp/pace.ts');
  assert.equal(tree.seconds, 0.02);
  assert.equal(tree.micros, 2 * 4000);
  assert.deepEqual([keep?.micros, keep?.origin], [2 * 3000, 'oriel']);
  assert.deepEqual(
    [...(keep?.calls.values() ?? [])].map(({ name, micros, origin }) => [name, micros, origin]),
    [['send lib/sender.js', 2000, 'package']],
  );
});

test('a flame graph shows each call as wide as its time, with its figures', () => {
  const svg = flameSvg('typing <b>', callTree([PROFILE]));
  assert.match(svg, /typing &lt;b&gt;, 400\.00 ms a second/);
  assert.match(svg, /<title>keep rdp\/pace\.ts: 300\.00 ms\/s, 75\.0 %<\/title><rect x="0\.0" y="-30" width="900\.0"/);
  assert.match(
    svg,
    /<title>send lib\/sender\.js: 100\.00 ms\/s, 25\.0 %<\/title><rect x="0\.0" y="-45" width="300\.0"/,
  );
  assert.doesNotMatch(svg, /idle/);
});
