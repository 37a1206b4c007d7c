/** Something that keeps a server from its task, or may. */
export interface Finding {
  severity: "error" | "warning";
  code: string;
  what: string;
  why: string;
  fix: string;
}

export const error = (code: string, what: string, why: string, fix: string): Finding => ({
  severity: "error",
  code,
  what,
  why,
  fix,
});
export const warning = (code: string, what: string, why: string, fix: string): Finding => ({
  severity: "warning",
  code,
  what,
  why,
  fix,
});
