/** Milliseconds by a clock that all processes of this machine share: what one of them stamps, another can compare. */
export function machineClock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
