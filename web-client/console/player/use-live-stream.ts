import type { RefObject } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api/request.ts';
import { LiveStream } from './live-stream.ts';
import type { Frame } from './mp4-frames.ts';

interface LiveState {
  readonly frames: readonly Frame[] | undefined;
  /** How far the video goes now; nothing while nothing is known. */
  readonly edgeMs: number | undefined;
  /** The picture stays at the live edge. */
  readonly following: boolean;
  readonly ended: boolean;
  /** The browser cannot play it. */
  readonly broken: boolean;
  /** The gateway does not give it. */
  readonly refusal: ApiError | undefined;
  follow(): void;
  unfollow(): void;
}

/**
 * A recording that goes on, in a `<video>` element.
 *
 * @param id nothing: this is a file that the element plays by itself
 * @param fromEdge whether to begin at the live edge
 */
export function useLiveStream(
  video: RefObject<HTMLVideoElement | null>,
  id: string | undefined,
  fromEdge: boolean,
): LiveState {
  const stream = useRef<LiveStream | undefined>(undefined);
  const begin = useRef(fromEdge);
  const [frames, setFrames] = useState<readonly Frame[]>();
  const [edgeMs, setEdge] = useState<number>();
  const [following, setFollowing] = useState(false);
  const [ended, setEnded] = useState(false);
  const [broken, setBroken] = useState(false);
  const [refusal, setRefusal] = useState<ApiError>();

  useEffect(() => {
    const element = video.current;
    if (id === undefined || element === null) return;
    if (typeof MediaSource === 'undefined') {
      setBroken(true);
      return;
    }
    const live = new LiveStream(id, element, {
      frames: setFrames,
      edge: setEdge,
      following: setFollowing,
      ended: () => setEnded(true),
      broken: (error) => (error === undefined ? setBroken(true) : setRefusal(error)),
    });
    stream.current = live;
    setFollowing(true);
    if (begin.current) live.follow();
    else live.unfollow();
    return () => {
      stream.current = undefined;
      live.close();
      setFrames(undefined);
      setEdge(undefined);
      setFollowing(false);
      setEnded(false);
    };
  }, [video, id]);

  const follow = useCallback(() => stream.current?.follow(), []);
  const unfollow = useCallback(() => stream.current?.unfollow(), []);
  return { frames, edgeMs, following: following && !ended, ended, broken, refusal, follow, unfollow };
}
