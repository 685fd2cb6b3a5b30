/** Stroke icons on a 20 by 20 grid, drawn for Oriel. */
const paths = {
  desktops: 'M3 4.5h14v9H3zM7.5 17h5M10 13.5V17',
  sessions:
    'M2.5 10S5.2 5 10 5s7.5 5 7.5 5-2.7 5-7.5 5-7.5-5-7.5-5zM10 12.200a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.400z',
  recordings: 'M3 4.500h14v11H3zM3 8h14M6.5 4.500V8M10 4.500V8M13.5 4.500V8M8.5 10v3.500l3-1.750z',
  targets: 'M3.5 3.500h13v5h-13zM3.5 11.500h13v5h-13zM6.5 6h.01M6.5 14h.01',
  users:
    'M7.5 9a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.500zM2.5 16.500c0-3 2-5 5-5s5 2 5 5M13 4a2.5 2.5 0 0 1 0 4.800M14.5 11.800c1.9.6 3 2.2 3 4.7',
  audit: 'M5 2.500h7l3.5 3.500v11.500H5zM12 2.500V6h3.500M7.5 9.500h5M7.5 12h5M7.5 14.500h3',
  settings:
    'M3 6h8M15 6h2M3 14h2M9 14h8M13 8.200a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.400zM7 16.200a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.400z',
  storage:
    'M10 8c3.600 0 6.500-1.100 6.500-2.500S13.600 3 10 3 3.500 4.100 3.500 5.500 6.400 8 10 8zM3.500 5.500v9c0 1.400 2.900 2.500 6.500 2.500s6.500-1.100 6.500-2.500v-9M3.500 10c0 1.400 2.900 2.500 6.500 2.500s6.500-1.100 6.500-2.500',
  search: 'M9 14.500a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l4 4',
  menu: 'M3 5.500h14M3 10h14M3 14.500h14',
  close: 'M5 5l10 10M15 5L5 15',
  back: 'M12 4.500L6.5 10l5.5 5.5',
  keyboard: 'M2.5 5.500h15v9h-15zM5.5 8.500h.01M8.5 8.500h.01M11.5 8.500h.01M14.5 8.500h.01M6.5 11.800h7',
  fit: 'M3 4.500h14v11H3zM6 10h8M8 8l-2 2 2 2M12 8l2 2-2 2',
  actual: 'M3 4.500h14v11H3zM6.5 8.500L8 7.500v5M12 8.500l1.5-1v5M10.2 8.800h.01M10.2 11.500h.01',
  fullscreen: 'M3.5 7.500v-4h4M12.5 3.500h4v4M16.5 12.500v4h-4M7.5 16.500h-4v-4',
  stop: 'M10 3v6M6 5.200a6.5 6.5 0 1 0 8 0',
  add: 'M10 4v12M4 10h12',
  edit: 'M4 16l.8-3.500L13 4.300l2.7 2.7-8.2 8.200zM11.5 5.800l2.7 2.7',
  remove: 'M4 5.500h12M8 5.500V3.500h4v2M5.5 5.500l.7 11h7.600l.7-11M8.5 8.500v5M11.5 8.500v5',
  download: 'M10 3v9M6.5 9l3.5 3.500L13.5 9M3.5 16.500h13',
  play: 'M6.5 4l9 6-9 6z',
  pause: 'M7 4.500v11M13 4.500v11',
  previous: 'M14.5 4.500l-7 5.500 7 5.500zM5 4.500v11',
  next: 'M5.500 4.500l7 5.500-7 5.500zM15 4.500v11',
  skip: 'M3 5l5.500 5L3 15zM10 5l5.500 5-5.500 5zM17.500 5v10',
  link: 'M8.500 11.500l3-3M9 6.500l2-2a3.200 3.200 0 0 1 4.500 4.500l-2 2M11 13.500l-2 2A3.200 3.200 0 0 1 4.500 11l2-2',
  check: 'M4.500 10.500l3.500 3.500 7.500-8',
  skipped: 'M6 10h8',
  warning: 'M10 3l7.5 13.500h-15zM10 8v4M10 14.300h.01',
  user: 'M10 9.500a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM4 17c0-3.3 2.4-5.5 6-5.500s6 2.2 6 5.5',
  bell: 'M4.500 14h11l-1.300-2V8.500a4.200 4.200 0 0 0-8.400 0V12zM8.300 16.500a1.800 1.800 0 0 0 3.400 0M10 3v1.200',
  key: 'M7 12.500a4 4 0 1 1 3.5-2.100L16.5 16.500M13.5 13.500l1.8-1.8',
  shield: 'M10 2.500l6 2.200v4.500c0 4-2.5 6.8-6 8.3-3.5-1.5-6-4.3-6-8.300V4.700zM7.3 9.800l2 2 3.6-3.7',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}

/** The mark: an oriel window, three panes seen from outside. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect class="logo-ground" width="32" height="32" rx="7" />
      <path class="logo-panes" d="M6 11.2 11 8v16l-5-3.2zM12.5 7.5h7v17h-7zM21 8l5 3.2v9.6L21 24z" />
      <path class="logo-bars" d="M6 15.6h5M12.5 15.6h7M21 15.6h5" />
    </svg>
  );
}
