/** A fault that somebody might put into the production code, as a change of its text. */
export interface Mutant {
  name: string;
  /** Below `src`. */
  file: string;
  find: string;
  put: string;
}

export const MUTANTS: readonly Mutant[] = [];
