/** Traffic moved from one group to another: what the gateway said, and when. */
export interface Move {
  atMs: number;
  to: string;
  reason: string;
}

/** Where the streams of a rehearsal are sent to. */
export interface Front {
  /** An OpenAI base URL, ending in `/v1`. */
  baseUrl: string;
  apiKey?: string;
  /** The group that serves now. */
  active(): string;
  /** Moves since the start, the latest last. */
  moves: readonly Move[];
  /** Called at each move. */
  onMove?: (move: Move) => void;
}
