import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { RequestCounts } from './api/requests.ts';
import { hasRole, useIdentity } from './identity.tsx';
import { administration, type Entry, entryOf, work } from './navigation.ts';
import { Icon, Logo } from './ui/icon.tsx';
import { useStanding } from './ui/use-counts.ts';
import { useNotifications } from './ui/use-notifications.ts';

/** The frame around every page but the desktop itself: navigation, who is signed in, and the page. */
export function Shell({ children }: { readonly children: ComponentChildren }) {
  const { path } = useLocation();
  const [open, setOpen] = useState(false);
  const { unread } = useNotifications();
  const { counts, sessionSwitch } = useStanding();
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => setOpen(false), [path]);
  useEffect(() => {
    if (!open) return undefined;
    const closeOnEscape = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape') return;
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener('keydown', closeOnEscape);
    return () => document.removeEventListener('keydown', closeOnEscape);
  }, [open]);
  return (
    <div class="shell" data-menu={open ? 'open' : 'closed'}>
      <a class="skip-link" href="#main">
        Skip to the page
      </a>
      <header class="top-bar">
        <button
          ref={button}
          type="button"
          class="icon-button"
          aria-label={open ? 'Close the menu' : 'Open the menu'}
          aria-expanded={open}
          aria-controls="side-bar"
          onClick={() => setOpen(!open)}
        >
          <Icon name={open ? 'close' : 'menu'} />
        </button>
        <a class="brand" href="/">
          <Logo /> Oriel
        </a>
        <BellLink unread={unread} current={path === '/notifications'} />
      </header>
      <section class="side-bar" id="side-bar" aria-label="Menu">
        <a class="brand" href="/">
          <Logo /> Oriel
        </a>
        <nav aria-label="Main">
          <Entries entries={work} path={path} counts={counts} />
          <Entries heading="Administration" entries={administration} path={path} />
        </nav>
        <BellLink unread={unread} current={path === '/notifications'} />
        <SignedIn />
      </section>
      <main id="main" tabIndex={-1}>
        {sessionSwitch?.stopped && (
          <div class="note note-warning stopped" role="status" data-testid="stopped">
            <Icon name="stop" />
            <p class="note-text">
              <span class="strong">New sessions are stopped</span>
              <span>
                by {sessionSwitch.by}
                {sessionSwitch.reason !== '' && `: ${sessionSwitch.reason}`}
              </span>
            </p>
          </div>
        )}
        {children}
      </main>
    </div>
  );
}

interface EntriesProps {
  readonly heading?: string;
  readonly entries: readonly Entry[];
  readonly path: string;
  readonly counts?: RequestCounts | undefined;
}

function Entries({ heading, entries, path, counts }: EntriesProps) {
  const { user } = useIdentity();
  const visible = entries.filter((entry) => hasRole(user, ...entry.roles));
  if (visible.length === 0) return null;
  return (
    <>
      {heading !== undefined && <h2 class="nav-heading">{heading}</h2>}
      <ul class="nav">
        {visible.map((entry) => (
          <li key={entry.path}>
            <a href={entry.path} aria-current={entry === entryOf(path) ? 'page' : undefined}>
              <Icon name={entry.icon} />
              {entry.label}
              <Waiting count={counts === undefined ? 0 : (entry.waiting?.(counts) ?? 0)} />
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}

function Waiting({ count }: { readonly count: number }) {
  if (count === 0) return null;
  return (
    <span class="nav-count" data-testid="waiting">
      {count > 99 ? '99+' : count}
    </span>
  );
}

/** What one was told, with how much of it is unread. */
function BellLink({ unread, current }: { readonly unread: number; readonly current: boolean }) {
  return (
    <a class="bell" href="/notifications" aria-current={current ? 'page' : undefined} data-testid="bell">
      <Icon name="bell" />
      <span class="bell-text">Notifications</span>
      {unread > 0 && (
        <span class="bell-count" data-testid="unread">
          {unread > 99 ? '99+' : unread}
          <span class="hidden-text"> unread</span>
        </span>
      )}
    </a>
  );
}

function SignedIn() {
  const { user, signOut } = useIdentity();
  return (
    <div class="signed-in">
      <Icon name="user" />
      <span class="signed-in-name" data-testid="signed-in">
        {user.username}
        <span class="quiet small">{user.roles.join(', ') || 'no role'}</span>
      </span>
      <a class="icon-button" href="/account" aria-label="Your account" title="Your account" data-testid="account">
        <Icon name="key" />
      </a>
      <button type="button" class="button quiet-button" onClick={signOut} data-testid="sign-out">
        Sign out
      </button>
    </div>
  );
}
