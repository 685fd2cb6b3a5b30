import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { can, Role } from './access/can.ts';
import { generatePassword, PASSWORD_LENGTH } from './access/passwords.ts';
import { createSignInServices } from './access/sign-in-services.ts';
import { toActor } from './access/users.ts';
import { AlertRules } from './alerts/alert-rules.ts';
import { Alerts, type AlertsParts } from './alerts/alerts.ts';
import { writeAlert } from './alerts/write-alert.ts';
import { Audit } from './audit/audit.ts';
import { Forwarder } from './audit/forwarding/forwarder.ts';
import { Receivers } from './audit/forwarding/receivers.ts';
import { requireHeadsFile } from './audit/head-keeper.ts';
import type { TrailSigner } from './audit/signatures.ts';
import { Trail } from './audit/trail.ts';
import { watchClock } from './audit/watch-clock.ts';
import { sessionClock } from './clock.ts';
import { type Config, ConfigError } from './config.ts';
import { type Evidence, Verifications } from './evidence/evidence.ts';
import { createFront, listen } from './http/front.ts';
import type { RecordingFiles, Services } from './http/services.ts';
import { EventIndex } from './library/event-index.ts';
import type { LiveRecordings } from './library/live-recordings.ts';
import type { Logger } from './log.ts';
import { createNotificationServices } from './notifications/notification-services.ts';
import { Reports } from './reports/reports.ts';
import { createAccessServices } from './requests/access-services.ts';
import { LegalHolds } from './retention/legal-holds.ts';
import { type RecordingStorage, Retention } from './retention/retention.ts';
import { RetentionSettings } from './retention/retention-settings.ts';
import { storageReport } from './retention/storage-report.ts';
import { AccessGuard } from './sessions/access-guard.ts';
import { LocalSessions } from './sessions/local-sessions.ts';
import type { Connect, Pixels } from './sessions/ports.ts';
import { RecordingRecovery, type RecoveryParts } from './sessions/recover-recordings.ts';
import { SessionHistory } from './sessions/session-history.ts';
import { Sessions } from './sessions/sessions.ts';
import { SignInUse } from './sessions/sign-in-use.ts';
import { Supervision } from './sessions/supervision.ts';
import { withdrawByDirectory, withdrawFromUser, withdrawSignIns } from './sessions/withdraw.ts';
import { SettingsStore } from './settings/settings.ts';
import { lockFolder } from './store/lock.ts';
import { openStore, type Store } from './store/store.ts';
import { Targets } from './targets/targets.ts';
import { AttachGate } from './tunnel/attach-gate.ts';
import { Tickets } from './tunnel/tickets.ts';
import { AccountCredentials } from './vault/account-credentials.ts';
import { MasterPasswords } from './vault/master-passwords.ts';
import { Providers } from './vault/providers/providers.ts';
import { RecordingKeys } from './vault/recording-keys.ts';
import { Rewrap } from './vault/rewrap.ts';
import { Rotations } from './vault/rotation/rotations.ts';
import { SshChanger } from './vault/rotation/ssh-changer.ts';
import { SecretUses } from './vault/secret-uses.ts';
import { type AskPassphrase, unlock } from './vault/unlock.ts';
import { VaultAccounts } from './vault/vault-accounts.ts';

import { createWorkerFront } from './workers/front.ts';
import type { WorkerPool } from './workers/worker-pool.ts';

/** What the composition root brings: the parts that are processes or sockets of their own. */
export interface GatewayParts {
  /** Called once, before anything is asked of the parts. */
  useKeys?(keys: RecordingKeys): void;
  readonly connect: Connect;
  readonly pixels: Pixels;
  /** Where sessions do not run in this process, those that they run in. `connect` and `pixels` are not used then. */
  readonly workers?: { readonly pool: WorkerPool; readonly recordingsDirectory: string } | undefined;
  readonly recordings: RecordingFiles;
  readonly evidence: Evidence;
  readonly trailSigner: TrailSigner;
  readonly storage: RecordingStorage;
  readonly live: LiveRecordings;
  readonly recoverRecordings: RecoveryParts['recover'];
}

export interface GatewayOptions {
  readonly config: Config;
  readonly parts: GatewayParts;
  readonly webRoot: string;
  readonly version: string;
  readonly log: Logger;
  /** Asks for the passphrase that the master key is made of; nothing where there is nobody to ask. */
  readonly askPassphrase?: AskPassphrase | undefined;
  /** Tests shorten it. */
  readonly attachWithinMs?: number;
  /** What owners' links are measured by; tests have it run faster. */
  readonly linkClock?: () => number;
}

export interface Gateway {
  readonly port: number;
  readonly url: string;
  /** The first administrator's password, when this start made it up: to be shown once. */
  readonly generatedPassword: string | undefined;
  readonly services: Services;
  /** Ends all sessions with `gateway_stopping`, waits for their recordings, and closes everything it opened. */
  stop(): Promise<void>;
}

/** How long an orderly stop waits for recordings before it closes regardless. */
const STOP_WITHIN_MS = 25_000;

/** Starts a gateway: one data folder, one port. Throws, with everything closed again, when it cannot. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, log } = options;
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 });
  const cleanUp: (() => unknown)[] = [];
  try {
    const lock = lockFolder(join(config.dataDirectory, 'lock.sqlite'));
    cleanUp.push(() => lock.release());
    const store = await openStore(join(config.dataDirectory, 'oriel.sqlite'));
    cleanUp.push(() => store.destroy());
    await requireHeadsFile(config.auditHeadsFile);
    const whereabouts: Whereabouts = { url: config.publicUrl ?? localUrl(config.port) };
    const { services, localSessions, tellAlert, generatedPassword, indexEvents } = await createServices(
      options,
      store,
      whereabouts,
    );
    cleanUp.push(() => services.forwarder.stop());
    cleanUp.push(() => services.trail.stop());
    await services.trail.start();
    await services.forwarder.start();
    cleanUp.push(() => services.oidc.stop());
    cleanUp.push(() => services.directory.stop());
    cleanUp.push(() => services.outbox.stop());
    cleanUp.push(() => services.retention.stop());
    cleanUp.push(() => services.alerts.stop());
    cleanUp.push(() => services.requestClock.stop());
    cleanUp.push(() => services.rewrap.stop());
    const clockWatch = watchClock(services.audit, log);
    cleanUp.push(() => clockWatch.stop());
    cleanUp.push(() => services.rotations.stop());
    const signInUse = new SignInUse({ ...services, log });
    cleanUp.push(() => signInUse.stop());
    const gate = new AttachGate({
      tickets: services.tickets,
      settings: services.settings,
      audit: services.audit,
      log,
      facts: (id) => services.sessions.get(id).facts,
      mayAttach: async ({ role, user: { id }, signIn }) => {
        const user = await services.users.find(id);
        const action = role === 'owner' ? 'session.open' : 'session.watch';
        if (user === undefined || user.disabled || !can(toActor(user), action)) return false;
        if (!(await services.logins.isOpen(signIn))) return false;
        if (role === 'owner') await services.sessionSwitch.requireAllowed();
        return true;
      },
    });
    const frontOptions = { config, log, webRoot: options.webRoot, services, gate };
    const { workers } = options.parts;
    const front =
      workers === undefined
        ? await createFront({
            ...frontOptions,
            session: (id) => localSessions.get(id),
            ...(options.attachWithinMs === undefined ? {} : { attachWithinMs: options.attachWithinMs }),
            ...(options.linkClock === undefined ? {} : { clock: options.linkClock }),
          })
        : await createWorkerFront({ ...frontOptions, ...workers, tellAlert });
    cleanUp.push(() => front.stop());
    const interrupted = await closeInterrupted(options, services);
    // Before anybody can open the next.
    await services.requests.completeInterrupted();
    await services.requests.advance();
    const port = await listen(front.server, config);
    whereabouts.url = config.publicUrl ?? localUrl(port);
    // Beside the work: a long recording takes a while to finish, and nobody should stand before a closed door for it.
    const recovery = new RecordingRecovery({
      recover: options.parts.recoverRecordings,
      history: services.history,
      finished: indexEvents,
      log,
    });
    cleanUp.push(() => recovery.stop());
    const recovered = recovery.run(interrupted);
    await services.alerts.reload();
    services.requestClock.start(() => {
      const rest = services.sessions.tick();
      return Math.min(rest, services.alerts.tick(services.sessions.list(), Date.now()));
    });
    services.rewrap.start();
    signInUse.start();
    services.rotations.start();
    services.retention.start();
    services.oidc.start();
    services.directory.start();
    services.outbox.start();
    const details = { signingKey: options.parts.trailSigner.keyId };
    await services.audit.record({ action: 'gateway.started', subject: options.version, details });
    clockWatch.start();
    log.info({ port, version: options.version }, 'gateway started');
    return {
      port,
      url: `${localUrl(port)}/`,
      generatedPassword,
      services,
      stop: async () => {
        front.server.close(); // no new connections; those there are end below
        const unfinished = Promise.all([services.sessions.stop('gateway_stopping'), recovered]);
        await within(STOP_WITHIN_MS, unfinished, log);
        await services.audit.record({ action: 'gateway.stopped', subject: options.version });
        await runAll(cleanUp, log);
      },
    };
  } catch (error) {
    await runAll(cleanUp, log);
    throw error;
  }
}

/** How people reach the gateway: `https://host:port`. The port is known once it listens. */
interface Whereabouts {
  url: string;
}

function localUrl(port: number): string {
  return `https://localhost${port === 443 ? '' : `:${port}`}`;
}

async function createServices(options: GatewayOptions, store: Store, whereabouts: Whereabouts) {
  const { config, parts, log } = options;
  const unlocked = await unlock({ store, config: config.masterKey, log, ask: options.askPassphrase });
  const { vault } = unlocked;
  const recordingKeys = new RecordingKeys(store, vault);
  parts.useKeys?.(recordingKeys);
  const audit = new Audit(store, log);
  const rewrap = new Rewrap({
    store,
    unlocked,
    keyFile: config.masterKey.file,
    log,
    finished: (from, to) => audit.record({ action: 'vault.rewrapped', details: { from, to } }),
  });
  const publicUrl = () => whereabouts.url;
  const notificationServices = createNotificationServices({ store, vault, audit, log, publicUrl });
  const signInServices = createSignInServices({
    store,
    vault,
    audit,
    log,
    notifier: notificationServices.notifications,
    publicUrl,
    origins: config.origins,
    async accessChanged(userId) {
      withdrawFromUser(sessions, userId, await users.find(userId));
      await accessGuard.recheck();
    },
    signInsEnded: (userId, references) => withdrawSignIns(sessions, userId, { only: references }),
    usersOfSessions: () =>
      sessions.list().flatMap(({ facts, viewers }) => [facts.user.id, ...viewers.map(({ userId }) => userId)]),
    withdrawnByDirectory: (userId, why) => withdrawByDirectory(sessions, userId, why),
  });
  const { users } = signInServices;
  const accessServices = createAccessServices({
    store,
    users,
    notifier: notificationServices.notifications,
    requireCurrent: (user) => signInServices.directory.requireCurrent(user),
    linkKey: await unlocked.ownKey('decision links'),
    audit,
    log,
  });
  const trail = new Trail({
    store,
    audit,
    signer: parts.trailSigner,
    notifier: notificationServices.notifications,
    log,
    headsFile: config.auditHeadsFile,
    archiveFolder: join(config.dataDirectory, 'audit-archive'),
    forwardedUpTo: () => forwarder.forwardedUpTo(),
  });
  const receivers = new Receivers(store, vault);
  const forwarder = new Forwarder({
    receivers,
    trail,
    audit,
    notifier: notificationServices.notifications,
    log,
    version: options.version,
  });
  let generatedPassword: string | undefined;
  if ((await users.count()) === 0) {
    if (config.adminPassword === undefined) generatedPassword = generatePassword();
    const password = config.adminPassword ?? generatedPassword ?? '';
    const { least, most } = PASSWORD_LENGTH;
    const length = [...password].length;
    // Only here: later the setting means nothing.
    if (length < least || length > most) {
      throw new ConfigError('ORIEL_ADMIN_PASSWORD', `has ${length} characters, and needs ${least} to ${most}`);
    }
    const admin = await users.create('admin', password, [Role.admin]);
    await accessServices.groups.addAdministrator(admin.id);
  }
  const targets = new Targets(store, vault);
  const providers = new Providers(store, vault);
  const masterPasswords = new MasterPasswords(store, vault, audit);
  const credentials = new AccountCredentials({
    store,
    vault,
    providers,
    masterPasswords,
    audit,
    notifier: notificationServices.notifications,
  });
  const eventIndex = new EventIndex(store, await unlocked.ownKey('typed words'));
  const history = new SessionHistory(store, eventIndex);
  const verifications = new Verifications(store);
  const retentionSettings = new RetentionSettings(store);
  const retention = new Retention({
    store,
    settings: retentionSettings,
    storage: parts.storage,
    audit,
    notifier: notificationServices.notifications,
    log,
    async forget(id) {
      await eventIndex.remove(id);
      await verifications.remove(id);
    },
  });
  const indexRecording = async (id: string) => {
    try {
      await eventIndex.add(id, (await parts.evidence.events(id)) ?? []);
    } catch (error) {
      log.error({ err: error, session: id }, 'the events of a recording cannot be searched');
    }
  };
  const rotations = new Rotations({
    store,
    vault,
    changers: { ssh: new SshChanger() },
    audit,
    notifier: notificationServices.notifications,
    log,
    inUse: (accountId) => sessions.list().some(({ facts }) => facts.account.id === accountId),
  });
  accessServices.requestBook.listen(rotations.requestListener);
  const alertRules = new AlertRules(store);
  const telling = { audit, notifier: notificationServices.notifications };
  const tellAlert: AlertsParts['tell'] = (session, rule, detail) => writeAlert(telling, session, rule, detail);
  const alerts = new Alerts({
    rules: alertRules,
    tell: tellAlert,
    reloaded(rules) {
      accessServices.requestClock.wake();
      parts.workers?.pool.useRules(rules);
    },
    log,
  });
  const settings = new SettingsStore(store);
  const localSessions = new LocalSessions({
    connect: parts.connect,
    pixels: parts.pixels,
    hardwareId: await settings.hardwareId(),
    inspect: (session, events) => alerts.inspect(session, events),
    inspectClipboard: (session, text) => alerts.inspectClipboard(session, text),
    log,
  });
  const sessions = new Sessions({
    begin(...session) {
      accessServices.requestClock.wake();
      return (parts.workers?.pool ?? localSessions).begin(...session);
    },
    record: config.recording === 'required',
    createRecordingKey: (id) => recordingKeys.create(id),
    requireSpace: () => retention.requireSpace(),
    async recorded(id, ready) {
      if (ready) await indexRecording(id);
      retention.changed();
    },
    gate: accessServices.gate,
    targets,
    credentials,
    history,
    audit,
    log,
    ...(options.attachWithinMs === undefined ? {} : { attachWithinMs: options.attachWithinMs }),
  });
  const accessGuard = new AccessGuard(sessions, accessServices.requests, accessServices.entitlements);
  accessServices.requests.onWithdrawn((id, code, detail) => sessions.endByRequest(id, code, detail));
  const services: Services = {
    ...accessServices,
    accessGuard,
    ...signInServices,
    ...notificationServices,
    audit,
    trail,
    receivers,
    forwarder,
    reports: new Reports(store),
    targets,
    rewrap,
    rotations,
    vaultAccounts: new VaultAccounts(store, rotations),
    providers,
    masterPasswords,
    credentials,
    secretUses: new SecretUses({
      credentials,
      admission: accessServices.admission,
      sessions,
      notifier: notificationServices.notifications,
      revealed: (accountId) => rotations.revealed(accountId),
    }),
    settings,
    sessions,
    supervision: new Supervision(sessions, audit),
    alertRules,
    alerts,
    history,
    tickets: new Tickets(),
    recordings: parts.recordings,
    evidence: parts.evidence,
    verifications,
    retention,
    retentionSettings,
    holds: new LegalHolds(store),
    storageReport: () =>
      storageReport({ store, targets, settings: retentionSettings, storage: parts.storage, retention }),
    live: parts.live,
    graphics: options.config.graphics,
    version: options.version,
  };
  /** Recordings from before there was an index, and those that a crash kept out of it. */
  const indexEvents = async () => {
    for (const id of await eventIndex.missing()) await indexRecording(id);
  };
  return { services, localSessions, tellAlert, generatedPassword, indexEvents };
}

/** Closes the books on sessions that the last gateway left open. Returns whose recordings are not accounted for. */
async function closeInterrupted(options: GatewayOptions, services: Services): Promise<string[]> {
  const sessions = await services.history.closeInterrupted(sessionClock());
  if (sessions.length > 0) options.log.warn({ sessions }, 'the last run of the gateway was cut short');
  return services.history.unfinishedRecordings();
}

async function within(milliseconds: number, work: Promise<unknown>, log: Logger): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      log.error('sessions did not end in time');
      resolve();
    }, milliseconds);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}

/** What was opened last is closed first. */
async function runAll(steps: (() => unknown)[], log: Logger): Promise<void> {
  for (const step of steps.splice(0).reverse()) {
    try {
      await step();
    } catch (error) {
      log.error({ err: error }, 'closing down: a step failed');
    }
  }
}
