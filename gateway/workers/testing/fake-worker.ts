import { Socket } from 'node:net';
import { createLogger } from '../../log.ts';
import { Channel } from '../channel.ts';
import { CONNECTION, type ControlCalls, type SessionView, type WorkerCalls } from '../messages.ts';

/**
 * A worker that a test plays: the line on a connection that it is handed is something to do, and it answers with its
 * number when that is done. A line may begin with the number of the worker that it is for; another answers `not me`.
 */
let number = 0;
/** What `recover` answers with, in turn. */
const recovered: ('left' | { durationMs: number; bytes: number })[] = ['left', { durationMs: 1000, bytes: 10 }];

const control = new Channel<ControlCalls>(
  (message, sent) => process.send?.(message, undefined, undefined, sent),
  {
    async setup(setup) {
      number = setup.number;
      control.tell('ready');
    },
    rules: async () => {},
    command: () => {},
    recover: async () => recovered.shift(),
    leave: () => process.exit(0),
  } satisfies WorkerCalls,
  createLogger('silent'),
);

const VIEW = {
  state: { name: 'active' },
  recording: 'recording',
  endsAt: 1,
  obeyed: 0,
  alerts: [],
  viewers: [],
} as unknown as SessionView;

const deeds: Readonly<Record<string, (argument: string) => unknown>> = {
  hello: () => {},
  /** An owner comes with a ticket. */
  enter: (ticket) => control.ask('enter', ticket, '192.0.2.1'),
  /** As if a session had ended, its own or not. */
  end: (session) => control.tell('ended', session, VIEW, { code: 'logged_off', message: '' }),
  /** Says of a session what is no view of one. */
  blur: (session) => control.tell('connected', session, { ...VIEW, state: undefined } as unknown as SessionView),
  key: (session) => control.ask('recordingKey', session),
  garble: () => process.send?.({ neither: 'this', nor: 'that' }),
};

process.on('message', (message, handle) => {
  if (!Array.isArray(message) || message[0] !== CONNECTION) {
    control.received(message);
    return;
  }
  control.tell('took', message[1]);
  if (!(handle instanceof Socket)) return;
  handle.on('error', () => {});
  handle.on('data', async (data) => {
    const [, whose = number, deed = '', argument = ''] = /^(?:(\d+) )?(\w+) ?(.*)\n$/.exec(String(data)) ?? [];
    const doing = Number(whose) === number ? Promise.resolve(deeds[deed]?.(argument)) : 'not me';
    const result = await Promise.resolve(doing).catch((error: Error) => error.message);
    handle.end(`${number} ${process.pid} ${typeof result === 'string' ? result : 'done'}`);
  });
});
process.on('disconnect', () => process.exit(1));
