/** What a person needs to act on a failure: what went wrong, why, how to fix it, and a code to search for. */
export interface TandemErrorInit {
  code: string;
  what: string;
  why: string;
  fix: string;
  cause?: unknown;
}

/** An error an operator can act on. Anything else that is thrown is our bug and keeps its stack. */
export class TandemError extends Error {
  readonly code: string;
  readonly what: string;
  readonly why: string;
  readonly fix: string;

  constructor({ code, what, why, fix, cause }: TandemErrorInit) {
    super(`${what}: ${why}\n  fix: ${fix}  [${code}]`, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.what = what;
    this.why = why;
    this.fix = fix;
  }

  /** The form printed by `--output json`; never carries the cause, which may hold a command line with a secret. */
  toJSON(): Omit<TandemErrorInit, "cause"> {
    return { code: this.code, what: this.what, why: this.why, fix: this.fix };
  }
}
