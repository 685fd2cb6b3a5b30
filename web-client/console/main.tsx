import { render } from 'preact';
import { App } from './app.tsx';
import '../viewer/remote-desktop.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/shell.css';
import './styles/pages.css';
import './styles/account.css';
import './styles/requests.css';
import './styles/access.css';
import './styles/player.css';
import './styles/desktop.css';
import './styles/audit.css';
import './styles/forced-colors.css';

/** A page that cannot be had twice within this is not there, whatever one reloads. */
const RELOAD_AGAIN_AFTER_MS = 10_000;

// After the gateway was updated, an open page asks for parts of it that are gone: the new ones are a reload away.
window.addEventListener('vite:preloadError', (event) => {
  const last = Number(sessionStorage.getItem('reloaded') ?? 0);
  if (Date.now() - last < RELOAD_AGAIN_AFTER_MS) return;
  event.preventDefault();
  sessionStorage.setItem('reloaded', String(Date.now()));
  location.reload();
});

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
