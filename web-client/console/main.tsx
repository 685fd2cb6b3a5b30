import { render } from 'preact';
import { App } from './app.tsx';
import '../viewer/remote-desktop.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/shell.css';
import './styles/pages.css';
import './styles/player.css';
import './styles/desktop.css';

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
