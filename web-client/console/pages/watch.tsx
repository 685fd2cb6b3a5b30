import { useRef, useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { gateway } from '../api/gateway.ts';
import type { ApiError } from '../api/request.ts';
import { supervision } from '../api/supervision.ts';
import { FrozenNote } from '../desktop/notices.tsx';
import { EndPanel } from '../desktop/overlays.tsx';
import { FullscreenButton, ScalingButton, Toolbar } from '../desktop/toolbar.tsx';
import { useDesktop } from '../desktop/use-desktop.ts';
import { ErrorNote, Loading } from '../ui/feedback.tsx';
import { Icon } from '../ui/icon.tsx';
import { toApiError, useResource } from '../ui/use-resource.ts';
import { useTitle } from '../ui/use-title.ts';
import { type SessionAction, SessionActionDialog } from './session-actions.tsx';

/** `/sessions/:id/watch`: somebody else's desktop, live and only to look at. */
export function Watch() {
  const { params } = useRoute();
  const id = params.id ?? '';
  const page = useRef<HTMLDivElement>(null);
  const first = useRef<HTMLAnchorElement>(null);
  const [asked, setAsked] = useState<SessionAction>();
  const [notReleased, setNotReleased] = useState<ApiError>();
  const { value: session, reload } = useResource((signal) => gateway.session(id, signal));
  const view = useDesktop({
    label: 'Live view of a remote desktop',
    ticket: async () => (await gateway.watchSession(id)).ticket,
    lookUpEnd: async () => (await gateway.sessionEnd(id)).end,
    leave: () => first.current?.focus(),
  });
  const { desktop, state, end } = view;
  const who = session?.user.username;
  useTitle(who === undefined ? 'Live view' : `Watching ${who}`);
  const release = async (): Promise<void> => {
    setNotReleased(undefined);
    await supervision.unfreeze(id).catch((cause: unknown) => setNotReleased(toApiError(cause)));
  };

  return (
    <div class="desktop-page watching" ref={page}>
      <Toolbar
        title={session?.target.name ?? 'Live view'}
        detail={who === undefined ? '' : `${who} as ${session?.account.username ?? ''}`}
        home="/sessions"
        first={first}
        status={
          <span class="status status-watching" data-testid="watching">
            <Icon name="sessions" /> Watching live, view only
          </span>
        }
      >
        {desktop !== undefined && state === 'active' && (
          <>
            <ScalingButton scaling={view.scaling} change={view.setScaling} />
            <FullscreenButton desktop={desktop} page={page.current} />
          </>
        )}
        {state === 'active' && (
          <>
            <button type="button" class="tool" onClick={() => setAsked('message')} data-testid="message">
              <Icon name="edit" />
              <span class="tool-text">Message</span>
            </button>
            <button
              type="button"
              class="tool"
              onClick={() => (view.frozen === undefined ? setAsked('freeze') : void release())}
              data-testid={view.frozen === undefined ? 'freeze' : 'release'}
            >
              <Icon name={view.frozen === undefined ? 'pause' : 'play'} />
              <span class="tool-text">{view.frozen === undefined ? 'Freeze' : 'Release'}</span>
            </button>
            <button type="button" class="tool tool-danger" onClick={() => setAsked('end')} data-testid="end-session">
              <Icon name="stop" />
              <span class="tool-text">End session</span>
            </button>
          </>
        )}
      </Toolbar>
      <main class="desktop-place">
        <div class="desktop-fill" ref={view.place} />
        {view.frozen !== undefined && state === 'active' && <FrozenNote notice={view.frozen} />}
        {view.frozen !== undefined && state === 'active' && notReleased !== undefined && (
          <div class="panel not-released">
            <ErrorNote error={notReleased} retry={release} />
          </div>
        )}
        {state === 'connecting' && (
          <div class="overlay">
            <Loading what="the live view" />
          </div>
        )}
        {end !== undefined && (state === 'ended' || state === 'failed') && (
          <EndPanel
            title={state === 'ended' ? 'The session has ended' : 'The live view has ended'}
            failed={state === 'failed'}
            reason={
              end.code === 'ended_by_user' && who !== undefined ? { ...end, message: `${who} ended the session.` } : end
            }
          >
            <a class="button primary" href="/sessions">
              Back to live sessions
            </a>
            {state === 'failed' && (
              <button type="button" class="button" onClick={view.again} data-testid="try-again">
                Try again
              </button>
            )}
          </EndPanel>
        )}
      </main>
      {asked !== undefined && session !== undefined && (
        <SessionActionDialog action={asked} session={session} done={reload} close={() => setAsked(undefined)} />
      )}
    </div>
  );
}
