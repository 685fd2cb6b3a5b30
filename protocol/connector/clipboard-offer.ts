import { CLIPBOARD_CHANNEL } from '../channels/cliprdr/pdu.ts';
import { type ChannelDefinition, ChannelOptions } from '../pdu/gcc-client-data.ts';

/** The static channel of the clipboard; Windows wants its protocol headers shown. */
export const CLIPBOARD: ChannelDefinition = {
  name: CLIPBOARD_CHANNEL,
  options: (ChannelOptions.initialized | ChannelOptions.encryptRdp | ChannelOptions.showProtocol) >>> 0,
};
