import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { gateway } from '../api/gateway.ts';
import type { Recording } from '../api/types.ts';
import { formatBytes, formatClock, formatMoment } from '../format.ts';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { useResource } from '../ui/use-resource.ts';

export function RecordingPage() {
  const { params } = useRoute();
  const id = params.id ?? '';
  const { value: recording, error, reload } = useResource((signal) => gateway.recording(id, signal), 5000);
  return (
    <Page
      title={recording?.target.name ?? 'Recording'}
      intro={recording && `${recording.user.username} as ${recording.account.username}`}
      actions={
        <>
          <a class="button" href="/recordings">
            <Icon name="back" /> All recordings
          </a>
          {recording?.state === 'ready' && (
            <a class="button primary" href={gateway.downloadUrl(id)} download data-testid="download">
              <Icon name="download" /> Download MP4
            </a>
          )}
        </>
      }
    >
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {recording === undefined && error === undefined && <Loading what="the recording" />}
      {recording !== undefined && <Content recording={recording} />}
    </Page>
  );
}

function Content({ recording }: { readonly recording: Recording }) {
  return (
    <>
      {recording.state === 'ready' && <Player recording={recording} />}
      {recording.state === 'recording' && (
        <EmptyState icon="recordings" title="The session still goes on">
          <p>The video can be played when it is over. An administrator can watch it live.</p>
        </EmptyState>
      )}
      {recording.state === 'finishing' && (
        <EmptyState icon="recordings" title="The video is being finished">
          <p>This takes a moment. The page shows it by itself.</p>
        </EmptyState>
      )}
      {recording.state === 'failed' && (
        <EmptyState icon="warning" title="There is no video of this session">
          <p>The session ended before anything could be recorded, or recording it failed. The audit log says more.</p>
        </EmptyState>
      )}
      <dl class="facts">
        <Fact name="Started">{formatMoment(recording.startedAt)}</Fact>
        {recording.endedAt !== null && <Fact name="Ended">{formatMoment(recording.endedAt)}</Fact>}
        {recording.durationMs !== null && <Fact name="Length">{formatClock(recording.durationMs)}</Fact>}
        {recording.bytes !== null && <Fact name="Size">{formatBytes(recording.bytes)}</Fact>}
        {recording.endCode !== null && (
          <Fact name="How it ended">
            <code>{recording.endCode}</code>
          </Fact>
        )}
      </dl>
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const speeds = [0.5, 1, 1.5, 2, 4, 8, 16] as const;

/** The browser's own video controls, and beside them what they lack: speeds for reviewing, and steps. */
function Player({ recording }: { readonly recording: Recording }) {
  const video = useRef<HTMLVideoElement>(null);
  const [speed, setSpeed] = useState(1);
  const [broken, setBroken] = useState(false);

  const changeSpeed = (next: number): void => {
    setSpeed(next);
    if (video.current !== null) video.current.playbackRate = next;
  };
  const step = (seconds: number): void => {
    if (video.current !== null) video.current.currentTime += seconds;
  };

  return (
    <div class="player">
      {/* A session's recording has no sound, so there is nothing to caption. */}
      <video
        ref={video}
        src={gateway.videoUrl(recording.id)}
        poster={gateway.thumbnailUrl(recording.id)}
        controls
        preload="metadata"
        aria-label={`Recording of ${recording.target.name}`}
        data-testid="player"
        onLoadedMetadata={() => changeSpeed(speed)}
        onError={() => setBroken(true)}
      >
        <track kind="captions" />
      </video>
      {broken && (
        <p class="note note-error" role="alert">
          <Icon name="warning" /> The browser could not play the video. Download it and try a media player.
        </p>
      )}
      <div class="player-tools">
        <button type="button" class="button" onClick={() => step(-10)}>
          −10 s
        </button>
        <button type="button" class="button" onClick={() => step(10)}>
          +10 s
        </button>
        <fieldset class="segments">
          <legend class="hidden-text">Speed</legend>
          {speeds.map((choice) => (
            <label key={choice}>
              <input
                type="radio"
                name="speed"
                value={choice}
                checked={choice === speed}
                onChange={() => changeSpeed(choice)}
              />
              <span>{choice}×</span>
            </label>
          ))}
        </fieldset>
      </div>
    </div>
  );
}
