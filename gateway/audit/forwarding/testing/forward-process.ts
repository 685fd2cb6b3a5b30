import { randomBytes } from 'node:crypto';
import { createLogger } from '../../../log.ts';
import { openStore } from '../../../store/store.ts';
import { testSigner } from '../../../testing/trail-signer.ts';
import { Vault } from '../../../vault/vault.ts';
import { Audit } from '../../audit.ts';
import { Trail } from '../../trail.ts';
import { Forwarder } from '../forwarder.ts';
import { Receivers } from '../receivers.ts';

/**
 * A trail that is written to and forwarded, with a rest between the rows, as the arguments say: folder, port of the
 * receiver, milliseconds between rows (0: none are written). Prints how many rows it was told are there. To be killed.
 */
const [, , folder = '', port = '', pause = '0'] = process.argv;
const log = createLogger('silent');
const store = await openStore(`${folder}/oriel.sqlite`);
const audit = new Audit(store, log);
const notifier = { publish: async () => {} };
let forwarder: Forwarder | undefined;
const trail = new Trail({
  store,
  audit,
  signer: testSigner(),
  notifier,
  log,
  headsFile: `${folder}/heads.jsonl`,
  archiveFolder: `${folder}/archive`,
  forwardedUpTo: async () => (await forwarder?.forwardedUpTo()) ?? 0,
});
const receivers = new Receivers(store, new Vault(randomBytes(32)));
if ((await receivers.list()).length === 0) {
  const fields = { name: 'rsyslog', enabled: true, format: 'rfc5424', transport: 'tcp', host: '127.0.0.1' } as const;
  const rest = { port: Number(port), authorities: '', clientCertificate: '', confirmation: 'close' } as const;
  await receivers.create({ ...fields, ...rest }, null, 0);
}
forwarder = new Forwarder({ receivers, trail, audit, notifier, log, version: '1', firstRetryMs: 50 });
await trail.start();
await forwarder.start();
process.stdout.write('ready\n');
for (let n = 0; ; n++) {
  await new Promise((resolve) => setTimeout(resolve, Number(pause) || 50));
  if (pause !== '0') await audit.record({ action: 'user.changed', subject: `user ${n}`, details: { n } });
}
