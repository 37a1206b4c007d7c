import { TandemError } from "../../errors.ts";
import { type Expectation, type Finding, judgeServer } from "./judge-server.ts";
import type { Remote } from "./remote.ts";
import { script } from "./script.ts";
import { parseServerFacts, type ServerFacts } from "./server-facts.ts";

export interface PreflightReport {
  server: string;
  facts: ServerFacts;
  findings: Finding[];
}

/** Ports of Kubernetes' own programs, by role. */
const NODE_PORTS = { gpu: [10250, 10256], "control-plane": [6443, 2379, 2380, 10250, 10256, 10257, 10259] } as const;

/**
 * Looks at a server and says everything that is in the way, all at once. Changes nothing on it.
 *
 * @param now our clock, ms since 1970
 * @throws only what {@link Remote.run} throws: a server that cannot be reached has no findings
 */
export async function preflight(
  remote: Pick<Remote, "run"> & { target: { name: string } },
  wanted: Expectation,
  { signal, now = Date.now }: { signal?: AbortSignal | undefined; now?: () => number } = {},
): Promise<PreflightReport> {
  const options = { step: "preflight", timeoutMs: 60_000, ...(signal ? { signal } : {}) };
  // The connection is opened first: its handshake would count as doubt about the server's clock.
  await remote.run(":", options);
  const beforeMs = now();
  const nanoseconds = await remote.run("date +%s%N", options);
  const afterMs = now();
  const text = await remote.run(script("preflight"), {
    ...options,
    values: {
      ports: [...NODE_PORTS[wanted.role], ...wanted.ports].join(" "),
      peers: wanted.peers.join(" "),
      own_address: wanted.address,
      paths: [
        "/var/lib/containerd",
        "/var/lib/kubelet",
        ...(wanted.role === "control-plane" ? ["/var/lib/etcd"] : []),
        ...(wanted.weights ? [wanted.weights.path] : []),
      ].join(" "),
    },
  });
  const facts = parseServerFacts(`${text}clock\t${nanoseconds.trim()}\n`, { beforeMs, afterMs });
  return { server: remote.target.name, facts, findings: judgeServer(facts, wanted) };
}

/**
 * Each server is judged by itself, while others are prepared already: what is said is true of this one alone.
 *
 * @throws TandemError E_PREFLIGHT, which lists every finding of severity "error", if there is any
 */
export function assertFit({ server, findings }: Omit<PreflightReport, "facts">, resume: string): void {
  const errors = findings.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return;
  const lines = errors.map(({ code, what, why, fix }) => `\n  ${server}: ${what}: ${why}\n    fix: ${fix}  [${code}]`);
  throw new TandemError({
    code: "E_PREFLIGHT",
    what: `${server} is not fit`,
    why: lines.join(""),
    fix: `remove these causes, then run \`${resume}\`; nothing was changed on this server`,
  });
}
