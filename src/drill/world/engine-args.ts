export interface EnginePlace {
  nodeRank: number;
  httpPort: number;
  /** Where this server reaches rank 0's rendezvous; rank 0 listens there itself. */
  distPort: number;
}

/**
 * The plan's command line on loopback: everything as on a server, only addresses and ports are those of this machine, and
 * what Kubernetes would expand is expanded.
 */
export function engineArgs(args: readonly string[], place: EnginePlace): string[] {
  const own: Record<string, string> = {
    "--host": "127.0.0.1",
    "--port": String(place.httpPort),
    "--node-rank": String(place.nodeRank),
    "--dist-init-addr": `127.0.0.1:${place.distPort}`,
  };
  // Without `python3`: that is the program which stands in for it.
  return args.slice(1).map((word, at, words) => own[words[at - 1] ?? ""] ?? word);
}
