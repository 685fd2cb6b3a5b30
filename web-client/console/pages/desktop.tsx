import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso';
import type { Notice } from '../../viewer/remote-desktop.ts';
import { gateway } from '../api/gateway.ts';
import type { Account, Session, Target } from '../api/types.ts';
import type { SessionQuestion } from '../api/vault.ts';
import { ClipboardMenu } from '../desktop/clipboard-panel.tsx';
import { CredentialDialog, TypeSecretDialog } from '../desktop/credential-dialog.tsx';
import { keyboardLayout } from '../desktop/keyboard-setting.ts';
import { FrozenNote, Messages } from '../desktop/notices.tsx';
import { Connecting, EndPanel } from '../desktop/overlays.tsx';
import { FullscreenButton, KeysMenu, PictureMenu, ScalingButton, Toolbar } from '../desktop/toolbar.tsx';
import { useDesktop, useLeaveWarning } from '../desktop/use-desktop.ts';
import { hasRole, useIdentity } from '../identity.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { EmptyState, ErrorNote, Loading } from '../ui/feedback.tsx';
import { Icon } from '../ui/icon.tsx';
import { useStepUp } from '../ui/step-up.tsx';
import { useResource } from '../ui/use-resource.ts';
import { useTitle } from '../ui/use-title.ts';
import { accountName, desktopPath } from './desktops.tsx';

/** The request is over that the session was open by. */
const accessOver: ReadonlySet<string> = new Set(['access_revoked', 'access_expired', 'access_returned']);
/** Ends after which the desktop opens again only with a new request. */
const asksAnew: ReadonlySet<string> = new Set([...accessOver, 'request_required', 'request_not_available']);

/** `/desktop/:targetId`: chooses the account where there are several, then the desktop fills the window. */
export function Desktop() {
  const { params, query } = useRoute();
  const targetId = params.targetId ?? '';
  const { value: target, error, reload } = useResource((signal) => gateway.target(targetId, signal));
  useTitle(target?.name ?? 'Desktop');

  if (error !== undefined && target === undefined) {
    return (
      <main class="alone" data-state="failed">
        <ErrorNote error={error} retry={reload} />
        <a class="button" href="/">
          Back to desktops
        </a>
      </main>
    );
  }
  if (target === undefined) {
    return (
      <main class="alone" data-state="connecting">
        <Loading what="the desktop" />
      </main>
    );
  }
  const only = target.accounts.length === 1 ? target.accounts[0] : undefined;
  const account = only ?? target.accounts.find(({ id }) => id === query.account);
  if (account === undefined) return <AccountChooser target={target} />;
  const key = `${target.id} ${account.id} ${query.request ?? ''}`;
  return <OpenDesktop key={key} target={target} account={account} requestId={query.request} />;
}

function AccountChooser({ target }: { readonly target: Target }) {
  const { user } = useIdentity();
  if (target.accounts.length === 0) {
    return (
      <main class="alone">
        <EmptyState icon="key" title={`${target.name} has no account yet`}>
          <p>Oriel signs in for you, with an account that an administrator has added to the target.</p>
          {hasRole(user, 'vault-admin') ? (
            <a class="button primary" href="/admin/targets">
              Add an account
            </a>
          ) : (
            <a class="button" href="/">
              Back to desktops
            </a>
          )}
        </EmptyState>
      </main>
    );
  }
  return (
    <main class="alone">
      <div class="panel">
        <h1>{target.name}</h1>
        <p class="quiet">Which account do you want to use?</p>
        <ul class="choices" data-testid="accounts">
          {target.accounts.map((account) => (
            <li key={account.id}>
              <a class="choice" href={desktopPath(target, account.id)}>
                <Icon name="user" /> {accountName(account)}
              </a>
            </li>
          ))}
        </ul>
        <a class="button" href="/">
          Back to desktops
        </a>
      </div>
    </main>
  );
}

interface OpenDesktopProps {
  readonly target: Target;
  readonly account: Account;
  /** The request that gives access; none where the policy asks nothing. */
  readonly requestId: string | undefined;
}

function OpenDesktop({ target, account, requestId }: OpenDesktopProps) {
  const { route } = useLocation();
  const page = useRef<HTMLDivElement>(null);
  const first = useRef<HTMLAnchorElement>(null);
  const [confirming, setConfirming] = useState(false);
  const stepUp = useStepUp();
  const [sessionId, setSessionId] = useState<string>();
  const [typing, setTyping] = useState(false);
  const view = useDesktop({
    label: target.name,
    ticket: async ({ width, height }) => {
      const size = { width, height, keyboardLayout: await keyboardLayout() };
      const of = requestId === undefined ? {} : { requestId };
      const fields = { targetId: target.id, accountId: account.id, ...of, ...size };
      const opened = await stepUp.guard(() => gateway.openSession(fields));
      setSessionId(opened.id);
      return opened.ticket;
    },
    lookUpEnd: async () => (sessionId === undefined ? null : (await gateway.sessionEnd(sessionId)).end),
    leave: () => first.current?.focus(),
  });
  const { desktop, state, end } = view;
  const active = state === 'active';
  const over = end !== undefined && (state === 'ended' || state === 'failed');
  const session = useSession(sessionId, state, view.asked);
  useLeaveWarning(active);
  useEffect(() => {
    if (!active) setConfirming(false);
  }, [active]);

  const messages = (
    <Messages
      messages={view.messages}
      dismiss={(message) => {
        view.dismiss(message);
        desktop?.focus();
      }}
    />
  );

  return (
    <div class="desktop-page" ref={page}>
      <Toolbar
        title={target.name}
        detail={accountName(account)}
        home="/"
        first={first}
        status={<Status state={state} latency={view.latency} />}
      >
        {desktop !== undefined && active && (
          <>
            {view.clipboard !== undefined && (
              <ClipboardMenu desktop={desktop} sessionId={sessionId ?? ''} state={view.clipboard} />
            )}
            <KeysMenu
              desktop={desktop}
              typeSecret={session?.typesSecret === true ? () => setTyping(true) : undefined}
            />
            <PictureMenu desktop={desktop} mode={view.mode} latency={view.latency} />
            <ScalingButton scaling={view.scaling} change={view.setScaling} />
            <FullscreenButton desktop={desktop} page={page.current} />
          </>
        )}
        {(active || state === 'connecting') && (
          <button
            type="button"
            class="tool tool-danger"
            onClick={() => (active ? setConfirming(true) : route('/'))}
            data-testid="end-session"
          >
            <Icon name="stop" />
            <span class="tool-text">{active ? 'End session' : 'Cancel'}</span>
          </button>
        )}
      </Toolbar>
      {view.notice !== undefined && isShown(view.notice) && (active || state === 'connecting') && (
        <p class="notice" role="status" data-testid="notice">
          <Icon name="sessions" /> {view.notice.message}
        </p>
      )}
      {view.reconnecting && active && (
        <p class="notice" role="status" data-testid="reconnecting">
          <Icon name="sessions" /> The connection to {target.name} was lost. Reconnecting…
        </p>
      )}
      <main class="desktop-place">
        <div class="desktop-fill" ref={view.place} />
        {view.frozen !== undefined && active && <FrozenNote notice={view.frozen} />}
        {!over && messages}
        {state === 'connecting' && <Connecting name={target.name} step={view.step} />}
        {over && (
          <EndPanel
            title={endTitle(state, view.wasActive, end.code)}
            failed={state === 'failed' && !accessOver.has(end.code)}
            reason={end}
            messages={messages}
          >
            {asksAnew.has(end.code) ? (
              <a class="button primary" href={`/requests/new?account=${account.id}`} data-testid="request-access">
                Request access
              </a>
            ) : (
              <button type="button" class="button primary" onClick={view.again} data-testid="try-again">
                {state === 'ended' ? 'Open again' : view.wasActive ? 'Connect again' : 'Try again'}
              </button>
            )}
            {requestId !== undefined && (
              <a class="button" href={`/requests/${encodeURIComponent(requestId)}`}>
                See the request
              </a>
            )}
            <a class="button" href="/">
              Back to desktops
            </a>
          </EndPanel>
        )}
      </main>
      {stepUp.dialog}
      {sessionId !== undefined && session?.asks != null && (
        <CredentialDialog
          key={view.asked}
          sessionId={sessionId}
          question={session.asks}
          name={target.name}
          close={(answered) => {
            session.answered();
            if (answered) desktop?.focus();
            else if (active) desktop?.endSession();
            else route('/');
          }}
        />
      )}
      {typing && active && sessionId !== undefined && (
        <TypeSecretDialog
          sessionId={sessionId}
          account={accountName(account)}
          close={() => {
            setTyping(false);
            desktop?.focus();
          }}
        />
      )}
      {confirming && (
        <Dialog
          title="End this session?"
          action="End session"
          danger
          testId="confirm-end"
          perform={async () => desktop?.endSession()}
          close={() => {
            setConfirming(false);
            desktop?.focus();
          }}
        >
          <p>You are disconnected from {target.name}. To close your programs there too, sign out inside the desktop.</p>
        </Dialog>
      )}
    </div>
  );
}

interface SessionFacts {
  readonly asks: SessionQuestion | null;
  readonly typesSecret: boolean;
  /** The question is answered, or given up. */
  answered(): void;
}

/** What the gateway says of the session: looked up when it is there, and each time that it asks for something. */
function useSession(id: string | undefined, state: string, asked: number): SessionFacts | undefined {
  const [facts, setFacts] = useState<Pick<Session, 'asks' | 'typesSecret'>>();
  useEffect(() => {
    if (id === undefined) return undefined;
    const abort = new AbortController();
    // One that connects has nothing to say before it asks, and may be over before it is looked up.
    const isThere = state === 'active' || (state === 'connecting' && asked > 0);
    if (!isThere) setFacts(undefined);
    else gateway.session(id, abort.signal).then(setFacts, () => undefined);
    return () => abort.abort();
  }, [id, state, asked]);
  return facts && { ...facts, answered: () => setFacts({ ...facts, asks: null }) };
}

function Status({ state, latency }: { readonly state: string; readonly latency: number | undefined }) {
  if (state === 'connecting') return <span class="status">Connecting…</span>;
  if (state !== 'active') return null;
  return (
    <span class="status status-good" title={latency === undefined ? undefined : 'To the gateway and back'}>
      <span class="dot" aria-hidden="true" />
      <span class="hidden-text">Connected</span>
      {latency !== undefined && `${Math.max(1, Math.round(latency))} ms`}
    </span>
  );
}

/** One that says that something is over clears what stood there before. */
function isShown({ code, viewers = 1 }: Notice): boolean {
  return viewers > 0 && code !== 'idle_over';
}

function endTitle(state: 'ended' | 'failed', wasActive: boolean, code: string): string {
  if (accessOver.has(code)) return 'Your access has ended';
  if (state === 'ended') return 'The session has ended';
  return wasActive ? 'The session broke off' : 'The desktop could not be opened';
}
