import type { RefObject } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type Stretch, skipTarget } from './activity.ts';

export interface Playback {
  /** Milliseconds from the start. */
  readonly at: number;
  readonly durationMs: number;
  readonly playing: boolean;
  readonly waiting: boolean;
  readonly speed: number;
  /** The browser cannot play this video. */
  readonly broken: boolean;
  /** Where it is or is about to be, at this very moment: keys come faster than pages are drawn. */
  position(): number;
  seek(at: number): void;
  toggle(): void;
  setSpeed(speed: number): void;
}

interface PlaybackOptions {
  /** Until the video says how long it is; for one that grows, as far as it goes. */
  readonly durationMs: number;
  readonly startAt: number | undefined;
  /** Jumped over while playing. */
  readonly skipped: readonly Stretch[];
}

/** A `<video>` element's playing, as values and actions. */
export function usePlayback(video: RefObject<HTMLVideoElement | null>, options: PlaybackOptions): Playback {
  const [at, setAt] = useState(options.startAt ?? 0);
  // A video that grows says that it is endless.
  const [finiteMs, setDuration] = useState<number>();
  const durationMs = finiteMs ?? options.durationMs;
  const [playing, setPlaying] = useState(false);
  const [waiting, setWaiting] = useState(false);
  const [speed, setSpeedState] = useState(1);
  const [broken, setBroken] = useState(false);
  /** Where to go when the seek under way is done: a dragged slider asks faster than a video can seek. */
  const next = useRef<number | undefined>(undefined);
  const startAt = useRef(options.startAt);
  const skipped = useRef(options.skipped);
  skipped.current = options.skipped;

  const seek = useCallback(
    (to: number) => {
      const element = video.current;
      if (element === null) return;
      const end = Number.isFinite(element.duration) ? element.duration * 1000 : Number.POSITIVE_INFINITY;
      const target = Math.min(end, Math.max(0, to));
      setAt(target);
      if (element.readyState === 0) startAt.current = target;
      else if (element.seeking) next.current = target;
      else element.currentTime = target / 1000;
    },
    [video],
  );

  const position = useCallback(() => {
    const element = video.current;
    const present = element === null || element.readyState === 0 ? startAt.current : element.currentTime * 1000;
    return next.current ?? present ?? 0;
  }, [video]);

  useEffect(() => {
    const element = video.current;
    if (element === null) return;
    const abort = new AbortController();
    const on = (type: string, run: () => void) => element.addEventListener(type, run, { signal: abort.signal });
    const moved = (): void => {
      if (next.current !== undefined || element.seeking) return;
      const now = element.currentTime * 1000;
      const target = element.paused ? undefined : skipTarget(skipped.current, now);
      if (target === undefined) setAt(now);
      else seek(target);
    };
    on('loadedmetadata', () => {
      if (Number.isFinite(element.duration)) setDuration(element.duration * 1000);
      if (startAt.current !== undefined) seek(startAt.current);
      startAt.current = undefined;
    });
    on('durationchange', () => {
      if (Number.isFinite(element.duration)) setDuration(element.duration * 1000);
    });
    on('timeupdate', moved);
    on('seeked', () => {
      const target = next.current;
      next.current = undefined;
      if (target === undefined) moved();
      else element.currentTime = target / 1000;
    });
    on('play', () => setPlaying(true));
    on('pause', () => setPlaying(false));
    on('waiting', () => setWaiting(true));
    for (const type of ['playing', 'canplay', 'pause', 'seeked']) on(type, () => setWaiting(false));
    on('ratechange', () => setSpeedState(element.playbackRate));
    on('error', () => setBroken(true));
    return () => abort.abort();
  }, [video, seek]);

  const toggle = useCallback(() => {
    const element = video.current;
    if (element === null) return;
    // A refusal (no video, no permission) shows as not playing; the error event says the rest.
    if (element.paused) element.play().catch(() => undefined);
    else element.pause();
  }, [video]);
  const setSpeed = useCallback(
    (to: number) => {
      if (video.current === null) return;
      // Both, because loading resets the one to the other.
      video.current.defaultPlaybackRate = to;
      video.current.playbackRate = to;
    },
    [video],
  );

  return useMemo(
    () => ({ at, durationMs, playing, waiting, speed, broken, position, seek, toggle, setSpeed }),
    [at, durationMs, playing, waiting, speed, broken, position, seek, toggle, setSpeed],
  );
}
