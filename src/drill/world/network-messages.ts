/** A server has two cables: that of its engine, and that of its management, where its agent is heard. */
export type Link = "engine" | "management";

/** What the rehearsal asks of the process that holds the cables. Without a link both of a server are meant. */
export type NetworkOrder =
  | {
      order: "open";
      id: number;
      server: string;
      link: Link;
      target: number;
      watch: boolean;
      patient: boolean;
      dark: boolean;
    }
  | { order: "cut"; id: number; server: string; link?: Link }
  | { order: "mend"; id: number; server: string; link?: Link; reset: boolean }
  /** Process groups to end if the rehearsal itself is killed. */
  | { order: "keep"; id: number; processGroup: number }
  /** One of them ended, and its number may soon be another's. */
  | { order: "forget-ended"; id: number };

export type NetworkReport =
  | { report: "done"; id: number; atMs: number; port?: number }
  | { report: "failed"; id: number; error: string }
  /** A stream's request crossed the cable towards a server. */
  | { report: "request"; server: string; stream: string; atMs: number };
