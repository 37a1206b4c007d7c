/**
 * One reason why a spec is refused. `path` names the field (`["engine", "layout"]`), so that the place in the file can
 * be shown beside it; pure code that has no file leaves `line` and `column` (both from 1) out.
 */
export interface Problem {
  code: string;
  path: (string | number)[];
  what: string;
  why: string;
  fix: string;
  line?: number;
  column?: number;
}
