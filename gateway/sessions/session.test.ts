import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpdateCode } from '#protocol/graphics/update.ts';
import type { SessionEnd } from '#protocol/tunnel/sink.ts';
import { defaultRules } from '../access/policy-rules.ts';
import { GatewayError } from '../errors.ts';
import { createLogger } from '../log.ts';
import { FakeDriver, FakePixels } from '../testing/harness.ts';
import { Secret } from '../vault/secret.ts';
import { VaultError } from '../vault/vault.ts';
import type { Owner, PixelSession } from './ports.ts';
import { Session } from './session.ts';
import type { SessionParts } from './session-contract.ts';
import { termsOf } from './session-terms.ts';

/** When access ends, by the wall clock. */
const LIMIT = 1e15;

/** What the owner's browser was told, in order. */
class FakeOwner implements Owner {
  readonly bytesSent = 0;
  needsPixels = false;
  isBlind = false;
  readonly told: string[] = [];
  phase(name: string): void {
    this.told.push(`phase ${name}`);
  }
  graphics({ code }: { code: number }): void {
    this.told.push(`graphics ${code}`);
  }
  settled(): void {
    this.told.push('settled');
  }
  notice({ code, viewers }: { code: string; viewers?: number }): void {
    this.told.push(`notice ${code} ${viewers}`);
  }
  lockKeys({ capsLock }: { capsLock: boolean }): void {
    this.told.push(`caps lock ${capsLock}`);
  }
  clipboard(): void {}
  end({ code }: SessionEnd): void {
    this.told.push(`end ${code}`);
  }
}

const facts = {
  id: 's',
  user: { id: 'u', username: 'jane' },
  address: '',
  target: {
    id: 't',
    name: 'server',
    host: 'h',
    port: 3389,
    nla: 'preferred',
    inputLog: 'counts',
    certificateTrust: 'system',
    minimumTls: '1.3',
    restrictedAdmin: true,
    legacySecurity: 'accepted',
    oldestCredSsp: 2,
    demo: false,
    certificate: { trusted: null, offered: null },
    createdAt: '',
    accounts: [],
  },
  account: { id: 'a', username: 'jane', domain: '', type: 'vaulted', masterPassword: false },
  width: 800,
  height: 600,
  keyboardLayout: 0x409,
  createdAt: 0,
  terms: termsOf(defaultRules, {
    requestId: 'r',
    entitlementId: 'e',
    policy: { id: 'p', name: 'Open' },
    emergency: false,
    reason: '',
    ticket: '',
    endsAt: LIMIT,
  }),
} as const;

function make(change: Partial<SessionParts> = {}) {
  const driver = new FakeDriver();
  const pixels = new FakePixels();
  const owner = new FakeOwner();
  const events: string[] = [];
  const parts: SessionParts = {
    connect: driver.connect,
    pixels,
    record: 'required',
    createRecordingKey: async () => new Uint8Array(32),
    log: createLogger('silent'),
    attachWithinMs: 60_000,
    readCredentials: async () => ({ username: 'jane', domain: '', password: new Secret('x') }),
    trustCertificate: async () => true,
    ...change,
  };
  const session = new Session(facts, parts, {
    connected: () => events.push('connected'),
    downgraded: (downgrades) => events.push(`downgraded ${downgrades.join()}`),
    ended: ({ code }) => events.push(`ended ${code}`),
  });
  return { session, driver, pixels, owner, events };
}

const stateOf = (session: Session) => session.state.name;
const settled = () => new Promise((resolve) => setImmediate(resolve));
const reset = { code: UpdateCode.desktopReset, data: Uint8Array.of(32, 3, 88, 2) };

test('pending, connecting, active, ended: each told to whom it concerns, once', async () => {
  const { session, driver, pixels, owner, events } = make();
  assert.equal(stateOf(session), 'pending');
  session.attach(owner);
  assert.equal(stateOf(session), 'connecting');
  await settled();
  driver.last.events.phase('negotiating');
  driver.last.events.connected();
  assert.equal(stateOf(session), 'active');
  driver.last.events.graphics(reset);
  session.end('ended_by_admin');
  session.end('ended_by_user');
  driver.last.events.graphics(reset);
  driver.last.events.closed('connection_lost', '');
  driver.last.events.phase('late');
  assert.deepEqual(owner.told, ['phase starting', 'phase negotiating', 'graphics 64', 'end ended_by_admin']);
  assert.deepEqual(events, ['connected', 'ended ended_by_admin']);
  assert.equal(driver.last.closed, true);
  assert.equal(pixels.last.updates.length, 1);
  assert.equal(pixels.last.end?.code, 'ended_by_admin');
  assert.deepEqual(await session.recordingFinished, { durationMs: 1234, bytes: 5678 });
});

test('a second owner is refused', () => {
  const { session, owner } = make();
  session.attach(owner);
  assert.throws(() => session.attach(new FakeOwner()), { code: 'ticket_invalid' });
  session.end('ended_by_user');
  assert.throws(() => session.attach(new FakeOwner()), { code: 'ticket_invalid' });
});

test('ended while the recorder is still starting: no connection is made, and the recorder is let go', async () => {
  const opening = Promise.withResolvers<PixelSession>();
  const { session, driver, owner } = make({ pixels: { open: () => opening.promise } });
  session.attach(owner);
  await settled();
  session.end('browser_gone');
  const late = new FakePixels();
  opening.resolve(await late.open({ sessionId: 's', width: 1, height: 1, record: true, failed() {} }));
  await settled();
  assert.equal(driver.connections.length, 0);
  assert.equal(late.last.end?.code, 'browser_gone');
});

test('ended while the password is read: no connection is made', async () => {
  const reading = Promise.withResolvers<{ username: string; domain: string; password: Secret }>();
  const { session, driver, owner } = make({ readCredentials: () => reading.promise });
  session.attach(owner);
  await settled();
  session.end('browser_gone');
  reading.resolve({ username: 'jane', domain: '', password: new Secret('x') });
  await settled();
  assert.equal(driver.connections.length, 0);
});

test('whatever fails before the connection ends the session with a code', async () => {
  const cases: [Partial<SessionParts>, string][] = [
    [{ readCredentials: () => Promise.reject(new VaultError('altered')) }, 'secret_altered'],
    [{ readCredentials: () => Promise.reject(new GatewayError('not_found')) }, 'not_found'],
    [{ pixels: { open: () => Promise.reject(new GatewayError('recorder_unavailable')) } }, 'recorder_unavailable'],
    [
      {
        connect: () => {
          throw new TypeError('a bug');
        },
      },
      'internal_error',
    ],
  ];
  for (const [change, code] of cases) {
    const { session, owner, events } = make(change);
    session.attach(owner);
    await settled();
    assert.deepEqual(events, [`ended ${code}`]);
    assert.equal(owner.told.at(-1), `end ${code}`);
    assert.equal(stateOf(session), 'ended');
  }
});

test('an owner that is behind before the server is there holds it back from the start', async () => {
  const { session, driver, owner } = make();
  session.attach(owner);
  session.holdBack(true);
  await settled();
  assert.equal(driver.last.paused, true);
  session.holdBack(false);
  assert.equal(driver.last.paused, false);
});

test("the owner's progress reaches the server, but not that of a page that nobody sees", async () => {
  const { session, driver, owner } = make();
  session.attach(owner);
  session.ownerDrew(1, 10);
  await settled();
  session.ownerDrew(2, 20);
  session.ownerLooks(false);
  session.ownerDrew(3, 30);
  session.ownerLooks(true);
  session.ownerDrew(4, 0);
  assert.deepEqual(driver.last.progress, ['2 drawn, 20 bytes behind', 'unwatched', '4 drawn, 0 bytes behind']);
});

test('a downgrade is told to the owner and written down, once for each', async () => {
  const { session, driver, owner, events } = make();
  session.attach(owner);
  await settled();
  const best = { protocol: 'hybrid', credSsp: 6, tls: '1.3', cipher: 'c', certificate: 'f' } as const;
  const less = { ...best, protocol: 'ssl', credSsp: null } as const;
  for (const security of [best, less, less, best, less]) driver.last.events.secured?.(security);
  assert.deepEqual(events, ['downgraded nla_missing', 'downgraded nla_missing']);
  assert.deepEqual(
    owner.told.filter((text) => text.includes('downgraded')),
    ['notice connection_downgraded undefined', 'notice connection_downgraded undefined'],
  );
});

test('a viewer comes and goes; without announcement the owner hears nothing', async () => {
  const { session, owner } = make();
  const viewer = { send() {}, failed() {}, notice() {}, end() {} };
  const info = { userId: 'admin', username: 'admin', since: 0 };
  assert.throws(() => session.watch(viewer, info, true), { code: 'not_ready' });
  session.attach(owner);
  await settled();
  const silent = session.watch(viewer, info, false);
  const told = session.watch(viewer, info, true);
  assert.equal(session.viewers.length, 2);
  silent.leave();
  told.leave();
  told.leave();
  assert.deepEqual(owner.told.slice(1), ['notice shadow_started 1', 'notice shadow_ended 0']);
  assert.equal(session.viewers.length, 0);
  session.end('ended_by_user');
  assert.throws(() => session.watch(viewer, info, true), { code: 'not_found' });
});

test('where nothing is recorded, a pixel host that dies costs the live views only', async () => {
  const { session, pixels, owner } = make({ record: 'off' });
  session.attach(owner);
  await settled();
  const ends: string[] = [];
  session.watch(
    { send() {}, failed() {}, notice() {}, end: ({ code }) => ends.push(code) },
    { userId: 'a', username: 'a', since: 0 },
    false,
  );
  pixels.last.options.failed('died', 'recording_failed');
  assert.deepEqual(ends, ['internal_error']);
  assert.equal(stateOf(session), 'connecting');
  assert.equal(await session.recordingFinished, undefined);
  session.end('ended_by_user');
});

test('a browser whose socket throws does not keep the others from being told', async () => {
  const { session, pixels, driver, owner, events } = make();
  owner.end = () => {
    throw new Error('socket');
  };
  session.attach(owner);
  await settled();
  session.end('ended_by_user');
  assert.equal(driver.last.closed, true);
  assert.equal(pixels.last.end?.code, 'ended_by_user');
  assert.deepEqual(events, ['ended ended_by_user']);
});

test('a wished size goes to the server once the desktop is there, its width even', async () => {
  const { session, driver, owner } = make();
  session.resize(1001, 701);
  session.attach(owner);
  await settled();
  session.resize(1001, 701);
  driver.last.events.connected();
  session.resize(1001, 701);
  // A browser may say whatever fits the message.
  session.resize(1, 1);
  assert.deepEqual(
    driver.last.asked.filter((what) => what.startsWith('resize')),
    ['resize 1000 x 701', 'resize 200 x 200'],
  );
});

test('the server rests while nobody looks: no owner, no live view, no recording', async () => {
  const { session, driver, owner } = make({ record: 'off' });
  session.attach(owner);
  await settled();
  driver.last.events.connected();
  session.ownerLooks(false);
  const viewer = { send() {}, failed() {}, notice() {}, end() {} };
  const handle = session.watch(viewer, { userId: 'v', username: 'joe', since: 0 }, false);
  handle.leave();
  session.ownerLooks(true);
  assert.deepEqual(driver.last.asked, [
    'suppress false',
    'suppress true',
    'suppress false',
    'suppress true',
    'suppress false',
  ]);
});

test('a recorded session is drawn on while its owner looks away', async () => {
  const { session, driver, owner } = make();
  session.attach(owner);
  await settled();
  driver.last.events.connected();
  session.ownerLooks(false);
  assert.deepEqual(new Set(driver.last.asked), new Set(['suppress false']));
});

test('the owner hears of a connection that is brought back, of lock keys and of what the server has to say', async () => {
  const { session, driver, owner, events } = make();
  session.attach(owner);
  await settled();
  driver.last.events.notice({ code: 'logon_warning', message: 'x' });
  driver.last.events.connected();
  driver.last.events.lockKeys({ scrollLock: false, numLock: false, capsLock: true, kanaLock: false });
  driver.last.events.phase('reconnecting');
  driver.last.events.phase('connected');
  assert.equal(stateOf(session), 'active');
  assert.deepEqual(owner.told, [
    'phase starting',
    'notice logon_warning undefined',
    'caps lock true',
    'phase reconnecting',
    'phase connected',
  ]);
  assert.deepEqual(events, ['connected']);
});

test('what is typed while the server is lost goes nowhere: no rule is fired by it, and no log says that it was typed', async () => {
  const { session, driver, pixels, owner } = make();
  session.attach(owner);
  await settled();
  const { events, typed } = driver.last;
  events.connected();
  const key = (code: number, down: boolean) => ({ kind: 'scancode', code, extended: false, down }) as const;
  session.input([key(0x2a, true)]);
  events.phase('reconnecting');
  session.input([key(0x2a, false), key(0x1e, true), { kind: 'mouse-move', x: 5, y: 6 }]);
  assert.throws(() => session.typeSecret(Uint8Array.of(120, 0), false), { code: 'not_ready' });
  assert.deepEqual([typed.length, pixels.last.pointers], [1, []]);
  events.phase('connected');
  session.freeze({ id: '', username: 'admin' }, 'to look');
  assert.equal(typed.length, 1, 'nothing is held down in the new connection');
  session.unfreeze({ id: '', username: 'admin' }, '');
  session.input([key(0x1e, true)]);
  assert.equal(typed.length, 2);
});

test('a recording that is wanted and not required is done without where there is none to be had', async () => {
  const { session, pixels, owner, driver } = make({ record: 'on' });
  const open = pixels.open.bind(pixels);
  pixels.open = async (options) => {
    if (options.record) throw new GatewayError('recorder_unavailable');
    return open(options);
  };
  session.attach(owner);
  await settled();
  await settled();
  driver.last.events.connected();
  assert.equal(stateOf(session), 'active');
  assert.equal(session.recording, 'off');
  session.end('ended_by_user');
});

test('a recording that is not required and fails ends the live views, not the session', async () => {
  const { session, pixels, owner, driver } = make({ record: 'on' });
  session.attach(owner);
  await settled();
  driver.last.events.connected();
  assert.equal(session.recording, 'recording');
  const ended: string[] = [];
  session.watch(
    { send() {}, failed() {}, notice() {}, end: ({ code }) => ended.push(code) },
    { userId: 'o', username: 'otto', since: 0 },
    false,
  );
  pixels.last.options.failed('disk full', 'recording_failed');
  assert.deepEqual(ended, ['internal_error']);
  assert.equal(stateOf(session), 'active');
  assert.equal(session.recording, 'failed');
  session.end('ended_by_user');
});

test('limits: warned in the session and in its evidence, and ended at them', async () => {
  const { session, pixels, owner, driver } = make();
  session.attach(owner);
  await settled();
  session.tick(0);
  driver.last.events.connected();
  session.tick(LIMIT - 60_000);
  assert.ok(owner.told.includes('notice session_ending undefined'));
  assert.equal(pixels.last.events.at(-1)?.type, 'warned');
  session.tick(LIMIT);
  assert.equal(owner.told.at(-1), 'end access_expired');
  session.tick(LIMIT + 1);
});

test('an owner whose pictures come from the pixel host is not left in front of a picture that stands still', async () => {
  const { session, driver, pixels, owner } = make({ record: 'off' });
  const viewer = { send() {}, shows() {}, state() {}, failed() {} };
  session.attach(owner);
  assert.equal(session.watchAsOwner(viewer), undefined, 'there is no desktop yet');
  await settled();
  driver.last.events.connected();
  assert.notEqual(session.watchAsOwner(viewer), undefined);
  assert.deepEqual(session.viewers, [], 'nobody else watches');
  pixels.last.options.failed('died', 'recording_failed');
  assert.equal(stateOf(session), 'active');
  owner.needsPixels = true;
  pixels.last.options.failed('died', 'recording_failed');
  assert.equal(owner.told.at(-1), 'end internal_error');
});

test('what an owner types whose browser draws nothing goes nowhere: what is held down is let go of, once, and both are told', async () => {
  const { session, driver, pixels, owner } = make();
  session.attach(owner);
  await settled();
  driver.last.events.connected();
  const key = (code: number, down: boolean) =>
    ({ kind: 'scancode', code, down, extended: false, extended1: false }) as const;
  session.input([key(0x1e, true)]);
  owner.isBlind = true;
  session.input([key(0x30, true)]);
  session.input([key(0x30, false)]);
  owner.isBlind = false;
  session.input([key(0x2e, true)]);
  assert.deepEqual(
    driver.last.typed.map((event) => 'code' in event && [event.code, event.down]),
    [
      [0x1e, true],
      [0x1e, false],
      [0x2e, true],
    ],
  );
  assert.equal(owner.told.filter((told) => told === 'notice input_waits undefined').length, 1);
  assert.deepEqual(
    pixels.last.events.filter(({ type }) => type === 'warned').map(({ fields }) => fields.code),
    ['input_waits'],
  );
  session.end('ended_by_user');
});
