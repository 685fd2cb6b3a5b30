import { prepareCodecs } from './measure.ts';

/** What the bench finds on its page. */
Object.assign(globalThis, { codecs: prepareCodecs() });
