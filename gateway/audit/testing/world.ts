import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Actor } from '../../access/can.ts';
import { createLogger } from '../../log.ts';
import type { Happening } from '../../notifications/kinds.ts';
import { openStore, type Store } from '../../store/store.ts';
import { testSigner } from '../../testing/trail-signer.ts';
import { Audit } from '../audit.ts';
import { Trail } from '../trail.ts';

/** A trail in a database file, without a gateway around it. */
export interface TrailWorld {
  readonly folder: string;
  readonly database: string;
  readonly headsFile: string;
  readonly store: Store;
  readonly audit: Audit;
  readonly trail: Trail;
  readonly signer: ReturnType<typeof testSigner>;
  readonly told: Happening[];
  readonly clock: { now: number };
  /** Writes so many rows of different kinds. */
  write(rows: number): Promise<void>;
  /** Stops the trail and closes the database. */
  close(): Promise<void>;
}

const anna: Pick<Actor, 'id' | 'username'> = { id: 'u-anna', username: 'anna' };

export async function makeTrail(options: { readonly forwardedUpTo?: () => number } = {}): Promise<TrailWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'oriel-trail-'));
  const database = join(folder, 'oriel.sqlite');
  const headsFile = join(folder, 'audit-heads.jsonl');
  const store = await openStore(database);
  const log = createLogger('silent');
  const clock = { now: Date.parse('2026-03-01T08:00:00Z') };
  const now = () => clock.now;
  const audit = new Audit(store, log, now);
  const signer = testSigner();
  const told: Happening[] = [];
  const trail = new Trail({
    store,
    audit,
    signer,
    notifier: { publish: async (happening) => void told.push(happening) },
    log,
    headsFile,
    archiveFolder: join(folder, 'audit-archive'),
    forwardedUpTo: async () => options.forwardedUpTo?.() ?? Number.MAX_SAFE_INTEGER,
    now,
  });
  return {
    folder,
    database,
    headsFile,
    store,
    audit,
    trail,
    signer,
    told,
    clock,
    async write(rows) {
      for (let i = 0; i < rows; i++) {
        clock.now += 1000;
        const address = `192.0.2.${i % 250}`;
        const details = { n: i, text: 'größer "als" \\ = vorher', none: null, yes: true };
        await audit.record({
          action: 'target.changed',
          actor: anna,
          address,
          subject: `=Ziel ${i}`,
          details,
          sessionId: `s-${i}`,
        });
      }
    },
    async close() {
      await trail.stop();
      await store.destroy();
    },
  };
}

export async function removeTrail({ folder }: TrailWorld): Promise<void> {
  await rm(folder, { recursive: true });
}
