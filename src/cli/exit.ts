/** Exit codes shared by every command: scripts and CI tell the outcomes apart without reading text. */
export const EXIT = { done: 0, refused: 1, failed: 2, unknown: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a code other than 0 without a stack trace; what to say has been printed already. */
export class Exit extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}
