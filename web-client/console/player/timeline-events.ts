import { formatBytes } from '../format.ts';
import type { RecordedEvent, TimelineEvent } from './events.ts';

/** The events of a recording in words, without those that say nothing to a viewer; the oldest first. */
export function toTimeline(events: readonly RecordedEvent[]): TimelineEvent[] {
  const shown = events.flatMap((event) => {
    const words = describe(event);
    return words === undefined ? [] : [{ n: event.n, at: event.t ?? 0, type: event.type, ...words }];
  });
  return shown.sort((a, b) => a.at - b.at || a.n - b.n);
}

type Words = Pick<TimelineEvent, 'tone' | 'title' | 'detail'>;

function describe(event: RecordedEvent): Words | undefined {
  switch (event.type) {
    case 'sign-in':
      return session('Signed in', `reference ${text(event.reference)}`);
    case 'request': {
      const target = fields(event.target);
      const account = fields(event.account);
      const host = `${text(target.host)}:${text(target.port)}`;
      const access = fields(event.access);
      const where = `${text(target.name)} (${host}) as ${text(account.username)}, from ${text(event.address)}`;
      const detail = joined(
        where,
        inQuotes(text(access.reason)),
        text(access.ticket),
        access.emergency === true && 'emergency',
      );
      return session(`${text(fields(event.user).username)} asked for the session`, detail);
    }
    case 'secured':
      return session(
        'Secured',
        joined(text(event.protocol), event.tls && `TLS ${text(event.tls)}`, text(event.cipher)),
      );
    case 'connected':
      return session('Connected', `${text(event.host)} as ${text(event.account)}`);
    case 'connection':
      return { tone: 'attention', title: `Connection: ${text(event.state)}`, detail: '' };
    case 'desktop':
      return { tone: 'other', title: `Desktop ${text(event.width)} × ${text(event.height)}`, detail: '' };
    case 'input':
      return { tone: 'input', title: 'Input', detail: joined(inputText(event), inQuotes(text(event.text))) };
    case 'shadow-started':
    case 'shadow-ended': {
      const verb = event.type === 'shadow-started' ? 'watches' : 'no longer watches';
      const title = `${text(fields(event.user).username)} ${verb}`;
      return { tone: 'attention', title, detail: event.announced === false ? 'not announced' : '' };
    }
    case 'frozen':
    case 'unfrozen':
      return {
        tone: 'attention',
        title: `${event.type === 'frozen' ? 'Frozen' : 'Unfrozen'} by ${text(fields(event.user).username)}`,
        detail: text(event.reason),
      };
    case 'clipboard': {
      const done = event.direction === 'from-desktop' ? 'Copied from the desktop' : 'Pasted into the desktop';
      const title = event.refused === undefined ? done : `Not ${done.toLowerCase()}`;
      const size = typeof event.bytes === 'number' ? formatBytes(event.bytes) : '';
      const why = event.refused === undefined ? '' : `refused: ${text(event.refused)}`;
      return { tone: 'other', title, detail: joined(text(event.format), size, why, text(event.text)) };
    }
    case 'file': {
      const whither = event.direction === 'from-desktop' ? 'copied from the desktop' : 'copied to the desktop';
      const title = event.state === 'done' ? `File ${whither}` : `File not ${whither}`;
      const size = typeof event.bytes === 'number' ? formatBytes(event.bytes) : '';
      const hash = text(event.sha256) === '' ? text(event.state) : `SHA-256 ${text(event.sha256)}`;
      return { tone: 'other', title, detail: joined(text(event.name), size, hash) };
    }
    case 'message': {
      const by = text(fields(event.user).username);
      return { tone: 'attention', title: `${by} sent a message`, detail: inQuotes(text(event.text)) };
    }
    case 'alert': {
      const detail = joined(text(event.detail), text(event.action), inQuotes(text(event.typed)));
      return { tone: 'attention', title: `Alert: ${text(event.rule)}`, detail };
    }
    case 'terminated':
      return { tone: 'attention', title: 'Ended by an administrator', detail: text(event.by) };
    case 'ended':
      return session(
        'Ended',
        [text(event.message), inBrackets([event.detail, event.code].filter(isText))].filter(Boolean).join(' '),
      );
    case 'gateway-lost':
      return { tone: 'attention', title: 'The gateway was gone', detail: '' };
    case 'encoder-lost':
      return { tone: 'other', title: 'An encoder was lost', detail: text(event.problem) };
    case 'late':
      return {
        tone: 'attention',
        title: 'Too much changed at once',
        detail: `of the last ${Math.round(Number(event.ms) / 1000)} s only this picture is shown`,
      };
    case 'clock-moved':
      return {
        tone: 'attention',
        title: "The machine's clock was set",
        detail: `by ${text(event.byMs)} ms; the times here go on`,
      };
    case 'recovered':
      return { tone: 'attention', title: 'Interrupted', detail: 'finished after a crash' };
    case 'log':
    case 'recording':
    case 'segment':
    case 'torn':
    case 'finished':
      return undefined;
    default:
      // Of a later version: its name is better than nothing.
      return { tone: 'other', title: event.type, detail: '' };
  }
}

function session(title: string, detail: string): Words {
  return { tone: 'session', title, detail };
}

function inputText(event: RecordedEvent): string {
  const count = (value: unknown, one: string, many: string) =>
    typeof value === 'number' && value > 0 ? `${value} ${value === 1 ? one : many}` : '';
  return joined(
    count(event.keys, 'key', 'keys'),
    count(event.clicks, 'click', 'clicks'),
    count(event.wheel, 'wheel step', 'wheel steps'),
    count(event.moves, 'move', 'moves'),
  );
}

function inQuotes(typed: string): string {
  return typed === '' ? '' : `“${typed}”`;
}

function joined(...parts: unknown[]): string {
  return parts.filter(isText).join(', ');
}

function inBrackets(words: readonly string[]): string {
  return words.length > 0 ? `(${words.join(', ')})` : '';
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
