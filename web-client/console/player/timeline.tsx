import { useState } from 'preact/hooks';
import { formatClock } from '../format.ts';
import type { TimelineEvent } from './events.ts';

/** How near the pointer must be to an event for its name to show, as a share of the whole. */
const NEAR_SHARE = 0.006;
const BAR_HEIGHT = 100;

interface TimelineProps {
  readonly at: number;
  readonly durationMs: number;
  /** Heights from 0 to 1 of equal parts; nothing while they are not known. */
  readonly activity: readonly number[] | undefined;
  /** The same of keyboard and mouse; as many. */
  readonly input: readonly number[];
  readonly events: readonly TimelineEvent[];
  seek(at: number): void;
}

/** Where in the recording one is, over what was going on in it. A slider, for keyboards and screen readers too. */
export function Timeline({ at, durationMs, activity, input, events, seek }: TimelineProps) {
  const [pointer, setPointer] = useState<number>();
  const share = durationMs === 0 ? 0 : Math.min(1, at / durationMs);
  // Input has its bars.
  const markers = events.filter(({ tone }) => tone !== 'input');
  const hover = (event: PointerEvent): void => {
    const { left, width } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    setPointer(Math.min(1, Math.max(0, (event.clientX - left) / width)));
  };
  return (
    <div class="timeline" onPointerMove={hover} onPointerLeave={() => setPointer(undefined)}>
      <svg
        class="timeline-activity"
        viewBox={`0 0 ${activity?.length ?? 1} ${BAR_HEIGHT}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        {activity !== undefined && <path d={barsPath(activity)} />}
        {activity !== undefined && <path class="timeline-input" d={barsPath(input)} />}
      </svg>
      <div class="timeline-played" style={{ width: percent(share) }} />
      {durationMs > 0 &&
        markers.map((event) => (
          <span
            key={event.n}
            class={`timeline-event event-${event.tone}`}
            style={{ left: percent(Math.min(1, event.at / durationMs)) }}
          />
        ))}
      <div class="timeline-head" style={{ left: percent(share) }} />
      <input
        type="range"
        aria-label="Position"
        aria-valuetext={`${formatClock(at)} of ${formatClock(durationMs)}`}
        min={0}
        max={Math.max(1, Math.round(durationMs))}
        step="any"
        value={Math.round(at)}
        data-testid="timeline"
        onInput={(event) => seek(Number(event.currentTarget.value))}
      />
      {pointer !== undefined && (
        <div class="timeline-hint" style={{ left: percent(pointer) }} aria-hidden="true">
          {hintAt(pointer, durationMs, events)}
        </div>
      )}
    </div>
  );
}

function hintAt(share: number, durationMs: number, events: readonly TimelineEvent[]): string {
  const at = share * durationMs;
  const near = events
    .filter((event) => Math.abs(event.at - at) <= NEAR_SHARE * durationMs)
    .sort((a, b) => Math.abs(a.at - at) - Math.abs(b.at - at))[0];
  return near === undefined ? formatClock(at) : `${formatClock(near.at)} ${near.title}`;
}

/** One path for all bars: an element for each would be hundreds. */
function barsPath(activity: readonly number[]): string {
  return activity
    .map((height, index) => (height === 0 ? '' : `M${index} ${BAR_HEIGHT}v-${(height * BAR_HEIGHT).toFixed(1)}h1V100z`))
    .join('');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}
