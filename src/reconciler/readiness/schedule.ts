/** How often each part is proved, milliseconds. Ours: every defect must show within a minute, and a standby has time. */
export interface Schedule {
  look: number;
  /** The arguments of the standby's engine, and of the active one. */
  info: number;
  activeInfo: number;
  answers: number;
  /** After something was wrong: recovery is seen sooner. */
  again: number;
  shapes: number;
  /** So long a group is left alone with production shapes after it began to stand by, and after a sign that it may be needed. */
  settle: number;
  /** Of a short request: well above what a busy engine needs, well below the minute in which a defect must show. */
  shortTimeout: number;
  longTimeout: number;
}

export const SCHEDULE: Schedule = {
  look: 1_000,
  info: 10_000,
  activeInfo: 60_000,
  answers: 15_000,
  again: 5_000,
  shapes: 600_000,
  settle: 60_000,
  shortTimeout: 20_000,
  longTimeout: 60_000,
};
