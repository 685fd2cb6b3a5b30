import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Audit } from '../../gateway/audit/audit.ts';
import { createLogger } from '../../gateway/log.ts';
import type { Happening } from '../../gateway/notifications/kinds.ts';
import { openStore, type Store } from '../../gateway/store/store.ts';
import { Targets } from '../../gateway/targets/targets.ts';
import type { PasswordChanger } from '../../gateway/vault/rotation/changer.ts';
import { Rotations } from '../../gateway/vault/rotation/rotations.ts';
import { SshChanger } from '../../gateway/vault/rotation/ssh-changer.ts';
import { Secret } from '../../gateway/vault/secret.ts';
import { Vault } from '../../gateway/vault/vault.ts';
import { type LabSshd, startSshd } from '../lab/sshd.ts';

/** Passwords of a real Linux account, changed on Debian's sshd. */

const ssh = new SshChanger();
const log = createLogger('silent');
let sshd: LabSshd;
let store: Store;
let vault: Vault;
let accountId: string;
let rootId: string;
let sudoerId: string;
let told: Happening[];
/** What the account's password is on the computer, from test to test. */
let known: string;

before(async () => {
  sshd = await startSshd();
  known = sshd.password;
});
after(async () => {
  await store?.destroy();
  await sshd?.stop();
});

beforeEach(async () => {
  await store?.destroy();
  store = await openStore(':memory:');
  vault = new Vault(new Uint8Array(32).fill(7));
  told = [];
  const targets = new Targets(store, vault);
  const target = await targets.create({ name: 'Linux', host: '127.0.0.1' });
  accountId = (await targets.addAccount(target.id, { username: sshd.username, password: known })).id;
  sudoerId = (await targets.addAccount(target.id, sshd.sudoer)).id;
  rootId = (await targets.addAccount(target.id, { username: 'root', password: sshd.rootPassword })).id;
});

function make(changer: PasswordChanger = ssh): Rotations {
  return new Rotations({
    store,
    vault,
    changers: { ssh: changer },
    audit: new Audit(store, log),
    notifier: {
      publish: async (happening) => {
        told.push(happening);
      },
    },
    log,
    inUse: () => false,
    settleMs: 10,
  });
}

async function stored(): Promise<string> {
  const { secret } = await store
    .selectFrom('accounts')
    .select('secret')
    .where('id', '=', accountId)
    .executeTakeFirstOrThrow();
  return vault.open(secret, accountId);
}

const place = (hostKey: string | null = sshd.hostKey) => ({
  host: sshd.host,
  port: sshd.port,
  hostKey,
  pin: async () => {},
});
const login = ({ username, password }: { username: string; password: string }) => ({
  username,
  password: new Secret(password),
});
const signsIn = (password: string) => ssh.signsIn(place(), login({ username: sshd.username, password }));

/** The computer and the vault agree, whatever happened. */
async function assertAgreed(): Promise<string> {
  const password = await stored();
  assert.equal(await signsIn(password), true, 'what is stored is let in');
  known = password;
  return password;
}

test('an account changes its own password; the key of the computer is kept on first use', async () => {
  const rotations = make();
  await rotations.change(accountId, { port: sshd.port });
  const before = known;
  const rotation = await rotations.rotateNow(accountId);
  assert.equal(rotation.hostKey, sshd.hostKey);
  assert.equal(rotation.state, 'ok');
  const after = await assertAgreed();
  assert.notEqual(after, before);
  assert.equal(after.length, 24);
  assert.equal(await signsIn(before), false);
  const [entry] = await rotations.history(accountId, 10);
  assert.deepEqual([entry?.outcome, entry?.reason], ['succeeded', 'by-hand']);
});

test('root changes it, whatever the present one is', async () => {
  const rotations = make();
  await rotations.change(accountId, { port: sshd.port, privilegedAccountId: rootId, length: 40 });
  await new Targets(store, vault).changeAccount((await targetId()) ?? '', accountId, { password: 'not the right one' });
  await rotations.rotateNow(accountId);
  assert.equal((await assertAgreed()).length, 40);
});

for (const [how, rule] of [
  ['with its own password', 'ALL=(ALL) ALL'],
  ['for everything without one', 'ALL=(ALL) NOPASSWD: ALL'],
  ['for this program alone without one', 'ALL=(root) NOPASSWD: /usr/sbin/chpasswd'],
  ['for others without one, for this with it', 'ALL=(root) NOPASSWD: /usr/bin/true, PASSWD: /usr/sbin/chpasswd'],
] as const) {
  test(`a privileged account changes it by sudo, ${how}`, async () => {
    sshd.setSudo(rule);
    const rotations = make();
    await rotations.change(accountId, { port: sshd.port, privilegedAccountId: sudoerId });
    const before = known;
    await rotations.rotateNow(accountId);
    assert.notEqual(await assertAgreed(), before);
    assert.equal(await signsIn(before), false);
    assert.equal(await ssh.signsIn(place(), login(sshd.sudoer)), true, 'its own stays as it is');
  });
}

test('who may not use sudo is told so, without any secret, and the old password stays', async () => {
  sshd.setSudo('ALL=(root) /usr/bin/true');
  const rotations = make();
  await rotations.change(accountId, { port: sshd.port, privilegedAccountId: sudoerId });
  await assert.rejects(rotations.rotateNow(accountId), { code: 'rotation_failed' });
  const rotation = await rotations.read(accountId);
  assert.match(rotation?.error?.detail ?? '', /not allowed to execute/);
  const said = JSON.stringify([rotation, told]);
  for (const secret of [known, sshd.sudoer.password]) assert.equal(said.includes(secret), false);
  await assertAgreed();
});

test('another key of the computer is refused before anything is sent, until somebody accepts it', async () => {
  const rotations = make();
  const other = `SHA256:${'A'.repeat(43)}`;
  await rotations.change(accountId, { port: sshd.port, hostKey: other });
  await assert.rejects(rotations.rotateNow(accountId), { code: 'host_key_changed' });
  const failed = await rotations.read(accountId);
  assert.deepEqual([failed?.state, failed?.hostKey, failed?.offeredKey], ['failed', other, sshd.hostKey]);
  assert.equal(told.length, 1);
  assert.equal(told[0]?.kind, 'vault.alert');
  await rotations.change(accountId, { hostKey: sshd.hostKey });
  await rotations.rotateNow(accountId);
  await assertAgreed();
});

test('what the computer refuses is told in its words, without any secret, and the old password stays', async () => {
  const rotations = make();
  await rotations.change(accountId, { port: sshd.port });
  sshd.setMinimumDays(30);
  try {
    await assert.rejects(rotations.rotateNow(accountId), { code: 'rotation_failed' });
  } finally {
    sshd.setMinimumDays(0);
  }
  const rotation = await rotations.read(accountId);
  assert.equal(rotation?.state, 'failed');
  assert.match(rotation?.error?.detail ?? '', /wait longer|authentication token/i);
  assert.equal(JSON.stringify([rotation, told]).includes(known), false);
  assert.equal(await stored(), known);
  await rotations.rotateNow(accountId);
  assert.equal((await rotations.read(accountId))?.attempts, 0);
  await assertAgreed();
});

test('a computer that is away is tried again later, and nothing is lost', async () => {
  const rotations = make();
  await rotations.change(accountId, { port: 1 });
  await assert.rejects(rotations.rotateNow(accountId), { code: 'rotation_failed' });
  const away = await rotations.read(accountId);
  assert.equal(away?.state, 'failed');
  assert.ok(Date.parse(away?.nextAt ?? '') > Date.now());
  assert.equal(await stored(), known);
  await rotations.change(accountId, { port: sshd.port });
  await store.updateTable('account_rotations').set({ due_at: 1 }).execute();
  await rotations.tick();
  await rotations.stop();
  assert.equal((await rotations.read(accountId))?.state, 'ok');
  assert.notEqual(await assertAgreed(), sshd.password);
});

/** Dies at one of its steps: nothing after it is done, and nobody is told. */
const deaths = [
  ['before the change', (real: PasswordChanger) => ({ ...bound(real), change: () => new Promise<void>(() => {}) })],
  [
    'after the change, before it is known',
    (real: PasswordChanger, reached: () => void) => ({
      ...bound(real),
      change: async (job: Parameters<PasswordChanger['change']>[0]) => {
        await real.change(job);
        reached();
        await new Promise<void>(() => {});
      },
    }),
  ],
  [
    'after it was tried, before it is stored',
    (real: PasswordChanger, reached: () => void) => ({
      ...bound(real),
      signsIn: async (...args: Parameters<PasswordChanger['signsIn']>) => {
        await real.signsIn(...args);
        reached();
        return new Promise<boolean>(() => {});
      },
    }),
  ],
] as const;

function bound(real: PasswordChanger): PasswordChanger {
  return { change: (job) => real.change(job), signsIn: (...args) => real.signsIn(...args) };
}

for (const [when, dying] of deaths) {
  test(`the gateway dies ${when}: the next start settles it`, async () => {
    const reached = Promise.withResolvers<void>();
    const first = make(dying(ssh, reached.resolve));
    await first.change(accountId, { port: sshd.port, hostKey: sshd.hostKey });
    first.rotateNow(accountId).catch(() => undefined);
    if (when === 'before the change') {
      while ((await first.read(accountId))?.state !== 'changing') await new Promise((go) => setTimeout(go, 5));
    } else {
      await reached.promise;
    }
    assert.equal(await stored(), known, 'not stored yet');

    const second = make();
    await second.tick();
    await second.stop();
    const settled = await second.read(accountId);
    const [entry] = await second.history(accountId, 1);
    // Where nothing had changed, it is begun anew.
    const outcome = when === 'before the change' ? 'succeeded' : 'reconciled';
    assert.deepEqual([settled?.state, entry?.outcome], ['ok', outcome]);
    assert.notEqual(await stored(), known);
    await assertAgreed();
  });
}

test('where neither password is let in, both are kept and somebody is told; one set by hand ends it', async () => {
  const rotations = make();
  await rotations.change(accountId, { port: sshd.port, hostKey: sshd.hostKey });
  const pending = vault.seal('pending one', `pending ${accountId}`);
  await store.updateTable('account_rotations').set({ pending, state: 'changing', due_at: 1 }).execute();
  const targets = new Targets(store, vault);
  await store
    .updateTable('accounts')
    .set({ secret: vault.seal('wrong', accountId) })
    .where('id', '=', accountId)
    .execute();
  await rotations.tick();
  await rotations.stop();
  assert.equal((await rotations.read(accountId))?.state, 'unknown');
  assert.ok((await store.selectFrom('account_rotations').select('pending').executeTakeFirstOrThrow()).pending);
  await assert.rejects(rotations.remove(accountId), { code: 'conflict' });
  assert.equal(told.length, 1);
  await targets.changeAccount((await targetId()) ?? '', accountId, { password: known });
  assert.equal((await rotations.read(accountId))?.state, 'ok');
  await rotations.rotateNow(accountId);
  await assertAgreed();
});

test('servers that ask for passwords by keyboard-interactive alone', async () => {
  const other = await startSshd({ keyboardOnly: true });
  try {
    const hostPlace = { host: other.host, port: other.port, hostKey: other.hostKey, pin: async () => {} };
    const { username, password } = other;
    const next = 'Another-Pass-99!';
    assert.equal(await ssh.signsIn(hostPlace, login({ username, password: 'wrong' })), false);
    await ssh.change({ place: hostPlace, account: login({ username, password }), next: new Secret(next) });
    assert.equal(await ssh.signsIn(hostPlace, login({ username, password: next })), true);
  } finally {
    await other.stop();
  }
});

async function targetId(): Promise<string | undefined> {
  return (await store.selectFrom('targets').select('id').executeTakeFirst())?.id;
}
