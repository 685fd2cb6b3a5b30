import { useEffect, useRef, useState } from 'preact/hooks';
import { formatClock, matches } from '../format.ts';
import { SearchField } from '../ui/fields.tsx';
import type { TimelineEvent } from './events.ts';

interface EventListProps {
  readonly events: readonly TimelineEvent[];
  readonly at: number;
  seek(at: number): void;
}

/** What happened, beside the picture; each line leads to its moment. */
export function EventList({ events, at, seek }: EventListProps) {
  const list = useRef<HTMLOListElement>(null);
  const [search, setSearch] = useState('');
  const found = events.filter(({ title, detail }) => matches(search, title, detail));
  const current = found.findLast((event) => event.at <= at + 50)?.n;

  useEffect(() => {
    const box = list.current;
    const line = box?.querySelector<HTMLElement>('[aria-current]');
    if (box === null || line === null || line === undefined || box.contains(document.activeElement)) return;
    // Not scrollIntoView: that would scroll the page too.
    const { offsetTop, offsetHeight } = line;
    if (offsetTop < box.scrollTop || offsetTop + offsetHeight > box.scrollTop + box.clientHeight) {
      box.scrollTop = offsetTop - box.clientHeight / 3;
    }
  }, [current]);

  return (
    <section class="events" aria-labelledby="events-title" data-testid="events">
      <div class="events-head">
        <h2 id="events-title">Events</h2>
        {events.length > 5 && <SearchField label="Search events" value={search} change={setSearch} />}
      </div>
      <ol ref={list} class="events-list">
        {found.map((event) => (
          <li key={event.n} aria-current={event.n === current ? 'true' : undefined}>
            <button type="button" class={`event event-${event.tone}`} onClick={() => seek(event.at)}>
              <span class="event-clock">{formatClock(event.at)}</span>
              <span class="event-text">
                <span>{event.title}</span>
                {event.detail !== '' && <span class="quiet small">{event.detail}</span>}
              </span>
            </button>
          </li>
        ))}
        {found.length === 0 && <li class="quiet events-none">Nothing matches “{search}”</li>}
      </ol>
    </section>
  );
}
