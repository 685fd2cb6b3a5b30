/** Where profiled processes leave their profiles. */
export const PROFILE_VARIABLE = 'BENCH_PROFILE';
/** Begins a profile, and ends it. */
export const PROFILE_SIGNAL = 'SIGUSR2';
