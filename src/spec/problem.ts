/** Where a value sits in the spec: `["servers", "gpu-a", "address"]`. */
export type SpecPath = readonly (string | number)[];

/** One thing wrong (or worth a warning) with a spec. `path` is empty where it concerns the whole file. */
export interface Problem {
  code: string;
  severity: "error" | "warning";
  path: SpecPath;
  what: string;
  why: string;
  fix: string;
}

/** A problem with its place in the text; line and column count from 1. */
export interface LocatedProblem extends Problem {
  file: string;
  line: number;
  column: number;
}

/** `servers.gpu-a.address`, `groups.a[1]`: the way people write a path. */
export function formatPath(path: SpecPath): string {
  return path.reduce<string>(
    (text, step) => (typeof step === "number" ? `${text}[${step}]` : text === "" ? step : `${text}.${step}`),
    "",
  );
}

/** Shorthand for the rules: an error at a path. */
export function problem(code: string, path: SpecPath, text: { what: string; why: string; fix: string }): Problem {
  return { code, severity: "error", path, ...text };
}

export function warning(code: string, path: SpecPath, text: { what: string; why: string; fix: string }): Problem {
  return { code, severity: "warning", path, ...text };
}
