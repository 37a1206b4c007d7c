/** What an agent must know about the engine of its server; SGLang's own command line tells it. */
export interface EngineArguments {
  nodeRank: number;
  tpSize: number;
  port: number;
  /** Where the engine listens, as a client on the same server calls it. */
  host: string;
  apiKey: string | null;
  /** Of the group's leader; null for a group of one server. */
  leader: string | null;
}

/** Reads a launcher's command line, or returns null for a program that is no launcher. */
export function engineArguments(argv: readonly string[]): EngineArguments | null {
  if (!argv.some((part) => part === "sglang.launch_server" || part.endsWith("/sglang") || part === "sglang"))
    return null;
  const value = (...names: string[]): string | null => {
    for (let at = argv.length - 1; at >= 0; at--) {
      const part = argv[at] ?? "";
      if (names.includes(part)) return argv[at + 1] ?? null;
      const name = names.find((candidate) => part.startsWith(`${candidate}=`));
      if (name !== undefined) return part.slice(name.length + 1);
    }
    return null;
  };
  const number = (fallback: number, ...names: string[]): number => {
    const text = value(...names);
    return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : fallback;
  };
  const host = value("--host") ?? "127.0.0.1";
  return {
    nodeRank: number(0, "--node-rank"),
    tpSize: number(1, "--tp-size", "--tensor-parallel-size", "--tp"),
    port: number(30_000, "--port"),
    host: host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host,
    apiKey: value("--api-key"),
    leader: value("--dist-init-addr", "--nccl-init-addr")?.replace(/:\d+$/, "") ?? null,
  };
}

/** `sglang::scheduler_DP1_PP0_TP3_EP3` → the rank in the whole group, as in SGLang: `pp * tpSize + tp`. */
export function rankOfTitle(title: string, tpSize: number): number | null {
  if (!title.startsWith("sglang::scheduler")) return null;
  const part = (name: string) => Number(new RegExp(`_${name}(\\d{1,4})(?:_|$)`).exec(title)?.[1] ?? 0);
  return part("PP") * tpSize + part("TP");
}

/** LeaderWorkerSet calls the leader of group `a` `sglang-a-0.sglang-a.NAMESPACE`. */
export function groupOfLeader(leader: string | null): string | null {
  return /^sglang-([a-z0-9]([-a-z0-9]*[a-z0-9])?)-\d+\./.exec(leader ?? "")?.[1] ?? null;
}
