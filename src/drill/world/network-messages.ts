/** What the rehearsal asks of the process that holds the cables. */
export type NetworkOrder =
  | { order: "open"; id: number; server: string; target: number; watch: boolean; patient: boolean }
  | { order: "cut"; id: number; server: string }
  | { order: "mend"; id: number; server: string; reset: boolean }
  /** Process groups to end if the rehearsal itself is killed. */
  | { order: "keep"; id: number; processGroup: number };

export type NetworkReport =
  | { report: "done"; id: number; atMs: number; port?: number }
  | { report: "failed"; id: number; error: string }
  /** A stream's request crossed the cable towards a server. */
  | { report: "request"; server: string; stream: string; atMs: number };
