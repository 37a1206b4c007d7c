import { parse, stringify } from "yaml";
import { parseSpec } from "../../src/spec/parse.ts";
import type { LocatedProblem } from "../../src/spec/problem.ts";

const DIGEST = "0123456789abcdef".repeat(4);
export const IMAGE = `lmsysorg/sglang:v0.5.23@sha256:${DIGEST}`;

/** A spec for four real servers without any problem. */
export const GOOD = `name: prod
provision: {kind: ssh, identityFile: ~/.ssh/id_ed25519, knownHosts: ./known_hosts}
servers:
  gpu-a: {address: 10.0.0.11, bmc: {address: 10.0.9.11}, failureDomain: {rack: r1}}
  gpu-b: {address: 10.0.0.12, failureDomain: {rack: r1}}
  gpu-c: {address: 10.0.0.13, failureDomain: {rack: r2}}
  gpu-d: {address: 10.0.0.14, failureDomain: {rack: r2}}
controlPlane: {cp-1: {address: 10.0.0.10}}
groups:
  a: [gpu-a, gpu-b]
  b: [gpu-c, gpu-d]
model: {preset: deepseek-v3, weights: /models/deepseek-v3}
engine: {image: "${IMAGE}"}
network: {interface: ens10f0, rdma: {kind: infiniband, devices: [mlx5_0, mlx5_1]}}
failover: {standby: hot}
gateway: {address: 10.0.0.100, on: [cp-1, gpu-c]}
`;

/** The good spec with values set by path (`servers.gpu-b.address`); undefined removes. */
export function changed(changes: Record<string, unknown>): string {
  const spec = parse(GOOD) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const steps = path.split(".");
    const last = steps.pop() ?? "";
    let at = spec;
    for (const step of steps) {
      at[step] ??= {};
      at = at[step] as Record<string, unknown>;
    }
    if (value === undefined) delete at[last];
    else at[last] = value;
  }
  return stringify(spec);
}

/** Everything that was said about a text: problems, or the warnings of a good one. */
export function problemsOf(text: string): LocatedProblem[] {
  const result = parseSpec(text, "test.yaml");
  return result.ok ? result.warnings : result.problems;
}

/** `CODE path` of each problem: what a table of examples compares. */
export function briefly(problems: readonly LocatedProblem[]): string[] {
  return problems.map(({ code, path }) => `${code} ${path.join(".")}`);
}
