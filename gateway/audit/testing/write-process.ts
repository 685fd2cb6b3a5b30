import { createLogger } from '../../log.ts';
import { openStore } from '../../store/store.ts';
import { testSigner } from '../../testing/trail-signer.ts';
import { Audit } from '../audit.ts';
import { HeadKeeper } from '../head-keeper.ts';

/**
 * Writes rows and signs heads without end, in and out of transactions, on the database and the heads file that the
 * arguments name, and prints how many rows it was told are there. To be killed.
 */
const [, , database = '', headsFile = '', rows = '0'] = process.argv;
const log = createLogger('silent');
const store = await openStore(database);
const audit = new Audit(store, log);
const signer = testSigner();
const heads = new HeadKeeper({ store, signer, file: headsFile, log });
const [key] = await signer.trustedKeys();
process.stdout.write(`${JSON.stringify(key?.key.export({ format: 'pem', type: 'spki' }))}\n`);
for (let n = Number(rows); ; n += 4) {
  await Promise.all([
    audit.record({ action: 'user.created', subject: `user ${n}`, details: { n } }),
    audit.record({ action: 'login.failed', claimedName: `nobody ${n}` }),
    store.transaction().execute(async (transaction) => {
      await audit.record({ action: 'group.created', subject: `group ${n}` }, transaction);
      await audit.record({ action: 'group.changed', subject: `group ${n}` }, transaction);
    }),
  ]);
  await heads.sign();
  process.stdout.write(`${n + 4}\n`);
}
