import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { gateway } from '../api/gateway.ts';
import type { Recording } from '../api/types.ts';
import { formatClock } from '../format.ts';
import { ErrorNote } from '../ui/feedback.tsx';
import { Icon } from '../ui/icon.tsx';
import {
  activityOf,
  changeTimes,
  firstPicture,
  frameMoments,
  idleStretches,
  type Moment,
  neighbour,
  partsFor,
  type Stretch,
} from './activity.ts';
import { commandFor, nextSpeed, type PlayerCommand, speeds } from './commands.ts';
import { EventList } from './event-list.tsx';
import type { TimelineEvent } from './events.ts';
import { KeysHelp } from './keys-help.tsx';
import { formatMomentParameter } from './moment-link.ts';
import { type Frame, fetchFrames } from './mp4-frames.ts';
import { Timeline } from './timeline.tsx';
import { useLiveStream } from './use-live-stream.ts';
import { usePlayback } from './use-playback.ts';

interface PlayerProps {
  readonly recording: Recording;
  /** In the order of time. */
  readonly events: readonly TimelineEvent[];
  /** When keyboard and mouse were used, and how much. */
  readonly input: readonly Moment[];
  /** Where to begin, in milliseconds. */
  readonly startAt: number | undefined;
  /** The session goes on: what there is of it so far, up to a few seconds ago. */
  readonly live?: boolean;
  /** Told of each new position, in milliseconds. */
  readonly moved?: ((at: number) => void) | undefined;
}

/** Half of the shortest time between two frames: enough to be in the next one and not in the one after. */
const INTO_FRAME_MS = 2;
/** Steps of a video whose frames are not known. */
const BLIND_STEP_MS = 1000;
const NEAR_EVENT_MS = 500;
const NOTHING: readonly Stretch[] = [];

/** A recording, with what an auditor needs: where something happens, quickly there, and past what is idle. */
export function Player({ recording, events, input, startAt, live = false, moved }: PlayerProps) {
  const box = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const [skipsIdle, setSkipsIdle] = useState(false);
  const [help, setHelp] = useState(false);
  const [said, setSaid] = useState('');
  const stream = useLiveStream(video, live ? recording.id : undefined, startAt === undefined);
  const fileFrames = useFrames(live ? undefined : recording.id);
  const frames = live ? stream.frames : fileFrames;
  const length = (live ? stream.edgeMs : recording.durationMs) ?? 0;
  const idle = useMemo(
    () =>
      frames === undefined
        ? NOTHING
        : idleStretches([...changeTimes(frames), ...[...events, ...input].map(({ at }) => at)], length),
    [frames, events, input, length],
  );
  const playback = usePlayback(video, { durationMs: length, startAt, skipped: skipsIdle ? idle : NOTHING });
  const { at, durationMs, playing, speed, position, setSpeed } = playback;
  const { following, follow, unfollow } = stream;
  const seek = useCallback(
    (to: number) => {
      unfollow();
      playback.seek(to);
    },
    [unfollow, playback.seek],
  );
  const toggle = useCallback(() => {
    if (playing) unfollow();
    playback.toggle();
  }, [playing, unfollow, playback.toggle]);
  const activity = useMemo(
    () => frames && activityOf(frameMoments(frames), durationMs, partsFor(durationMs)),
    [frames, durationMs],
  );
  const inputBars = useMemo(() => activityOf(input, durationMs, partsFor(durationMs)), [input, durationMs]);

  useEffect(() => moved?.(at), [moved, at]);
  // Before the server has drawn anything there is nothing to see; whoever wants that goes to the start.
  useEffect(() => {
    if (live || fileFrames === undefined || startAt !== undefined) return;
    const element = video.current;
    const first = firstPicture(fileFrames);
    if (first > 0 && element !== null && element.paused && position() === 0) playback.seek(first + INTO_FRAME_MS);
  }, [live, fileFrames, startAt, position, playback.seek]);

  // Keys work at once, and only while the focus is in the player: elsewhere letters mean other things.
  useEffect(() => box.current?.focus({ preventScroll: true }), []);
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => setSaid(''), 3000);
    return () => clearTimeout(timer);
  }, [said]);

  const copyLink = useCallback(async () => {
    const url = new URL(location.href);
    url.searchParams.set('t', formatMomentParameter(at));
    history.replaceState(history.state, '', url);
    try {
      await navigator.clipboard.writeText(url.href);
      setSaid(`Link to ${formatClock(at)} copied`);
    } catch {
      setSaid('The link is in the address bar');
    }
  }, [at]);

  const step = (times: readonly number[] | undefined, direction: 1 | -1, margin: number): void => {
    const from = position();
    const target = times === undefined ? from + direction * BLIND_STEP_MS : neighbour(times, from, direction, margin);
    if (target !== undefined) seek(target);
  };
  const run = (command: PlayerCommand): void => {
    switch (command.kind) {
      case 'toggle-play':
        toggle();
        break;
      case 'seek-by':
        seek(position() + command.ms);
        break;
      case 'seek-to':
        seek(command.share * durationMs);
        break;
      case 'frame':
        video.current?.pause();
        step(
          frames?.map((frame) => frame.at + INTO_FRAME_MS),
          command.direction,
          INTO_FRAME_MS,
        );
        break;
      case 'event':
        step(
          events.map((event) => event.at),
          command.direction,
          playing ? NEAR_EVENT_MS : 1,
        );
        break;
      case 'faster':
        setSpeed(nextSpeed(video.current?.playbackRate ?? 1, 1));
        break;
      case 'slower':
        setSpeed(nextSpeed(video.current?.playbackRate ?? 1, -1));
        break;
      case 'skip-idle':
        setSkipsIdle((skips) => !skips);
        break;
      case 'full-screen':
        void toggleFullScreen(box.current);
        break;
      case 'live':
        if (live) follow();
        break;
      case 'copy-link':
        void copyLink();
        break;
      case 'help':
        setHelp(true);
        break;
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const command = help ? undefined : commandFor(event);
    if (command === undefined || meansSomethingTo(event.target as HTMLElement, event.key)) return;
    event.preventDefault();
    run(command);
  };
  const button = (command: PlayerCommand, label: string, content: JSX.Element, more: { pressed?: boolean } = {}) => (
    <button
      type="button"
      class="player-button"
      aria-label={label}
      title={label}
      aria-pressed={more.pressed}
      onClick={() => run(command)}
    >
      {content}
    </button>
  );

  return (
    <section
      class="player"
      ref={box}
      tabIndex={-1}
      aria-label={`Player: ${recording.target.name}`}
      data-testid="player"
      onKeyDown={onKeyDown}
    >
      <div class="player-main">
        <div class="player-picture">
          {/* A session's recording has no sound, so there is nothing to caption. Its controls are below. */}
          <video
            ref={video}
            src={live ? undefined : gateway.videoUrl(recording.id)}
            preload="auto"
            playsInline
            muted={live}
            aria-label={`Recording of ${recording.target.name}`}
            onClick={toggle}
          >
            <track kind="captions" />
          </video>
          {/* At the live edge nothing is late: nothing has happened. */}
          {playback.waiting && !following && <span class="spinner player-waiting" aria-hidden="true" />}
          {said !== '' && <p class="player-said">{said}</p>}
        </div>
        <span class="hidden-text" role="status">
          {said}
        </span>
        {stream.refusal !== undefined && <ErrorNote error={stream.refusal} />}
        {(playback.broken || stream.broken) && (
          <p class="note note-error" role="alert">
            <Icon name="warning" /> The browser could not play the video. Download it and try a media player.
          </p>
        )}
        <div class="player-controls">
          <Timeline at={at} durationMs={durationMs} activity={activity} input={inputBars} events={events} seek={seek} />
          <div class="player-tools">
            {button({ kind: 'toggle-play' }, playing ? 'Pause' : 'Play', <Icon name={playing ? 'pause' : 'play'} />)}
            {button({ kind: 'seek-by', ms: -5000 }, '−5 s, 5 seconds back', <span>−5 s</span>)}
            {button({ kind: 'seek-by', ms: 5000 }, '+5 s, 5 seconds forward', <span>+5 s</span>)}
            {button({ kind: 'frame', direction: -1 }, 'Previous change', <Icon name="previous" />)}
            {button({ kind: 'frame', direction: 1 }, 'Next change', <Icon name="next" />)}
            <span class="player-clock" data-testid="player-clock">
              {/* At the live edge the picture is a little further than what is known of it. */}
              {formatClock(at)} <span class="quiet">/ {formatClock(Math.max(at, durationMs))}</span>
            </span>
            {live && (
              <button
                type="button"
                class="player-button player-live"
                aria-pressed={following}
                title="To the live edge"
                onClick={() => run({ kind: 'live' })}
                data-testid="follow"
              >
                <span class="dot" aria-hidden="true" /> {stream.ended ? 'Over' : 'Live'}
              </button>
            )}
            <span class="player-gap" />
            {button(
              { kind: 'skip-idle' },
              'Skip idle time',
              <>
                <Icon name="skip" /> <span class="player-word">Skip idle</span>
              </>,
              { pressed: skipsIdle },
            )}
            <label class="player-speed">
              <span class="hidden-text">Speed</span>
              <select
                value={String(speed)}
                name="speed"
                onChange={(event) => setSpeed(Number(event.currentTarget.value))}
              >
                {speeds.map((choice) => (
                  <option key={choice} value={String(choice)}>
                    {choice}×
                  </option>
                ))}
              </select>
            </label>
            {button({ kind: 'copy-link' }, 'Copy a link to this moment', <Icon name="link" />)}
            {button({ kind: 'help' }, 'Keyboard shortcuts', <Icon name="keyboard" />)}
            {button({ kind: 'full-screen' }, 'Full screen', <Icon name="fullscreen" />)}
          </div>
        </div>
      </div>
      {events.length > 0 && <EventList events={events} at={at} seek={seek} />}
      {help && <KeysHelp close={() => setHelp(false)} />}
    </section>
  );
}

function useFrames(id: string | undefined): readonly Frame[] | undefined {
  const [frames, setFrames] = useState<readonly Frame[]>();
  useEffect(() => {
    setFrames(undefined);
    if (id === undefined) return;
    const abort = new AbortController();
    fetchFrames(gateway.videoUrl(id), abort.signal).then(
      (found) => setFrames(found),
      // The timeline goes without its bars.
      () => undefined,
    );
    return () => abort.abort();
  }, [id]);
  return frames;
}

/** Whether a key pressed here is for the control itself: a button's Space, a list's arrows, a text. */
function meansSomethingTo(element: HTMLElement, key: string): boolean {
  switch (element.tagName) {
    case 'SELECT':
      return key === ' ' || key.startsWith('Arrow') || key === 'Home' || key === 'End' || /^\d$/.test(key);
    case 'BUTTON':
    case 'A':
      return key === ' ' || key === 'Enter';
    case 'INPUT':
      // The slider's own steps are of no use here; ours are.
      return (element as HTMLInputElement).type !== 'range';
    default:
      return element.tagName === 'TEXTAREA' || element.isContentEditable;
  }
}

async function toggleFullScreen(element: HTMLElement | null): Promise<void> {
  if (document.fullscreenElement !== null) await document.exitFullscreen();
  // A browser that refuses has said so itself.
  else await element?.requestFullscreen().catch(() => undefined);
}
