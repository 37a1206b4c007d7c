import { expect, test } from "vitest";
import { boundaryOf } from "../bench/kills/boundary.ts";

test.each([
  ["   3.8 s  machine image: done in 0.8 s", { name: "machine image: done" }],
  ["   3.1 s  machine image: starting the private container daemon", null],
  ["@ updating....", null],
  [" +  tandem:infra:Cluster local creating (0s) ", null],
  [" +  tandem:index:LocalMachine gpu-a creating (0s) ", { name: "LocalMachine: creating", machine: "gpu-a" }],
  [" +  tandem:index:LocalMachine gpu-c created (3s) boot", { name: "LocalMachine: created", machine: "gpu-c" }],
  [
    " +  tandem:index:PreparedServer gpu-d creating (2s) 2/5 container runtime",
    { name: "PreparedServer: container runtime", machine: "gpu-d" },
  ],
  [
    " +  tandem:index:PreparedServer cp-1 creating (3s) 4/5 7 image archives",
    { name: "PreparedServer: image archives", machine: "cp-1" },
  ],
  [
    " +  tandem:index:WorkerNode gpu-c creating (12s) 3/7 labels of gpu-c",
    { name: "WorkerNode: labels of server", machine: "gpu-c" },
  ],
  [" +  tandem:index:Manifest Service/tandem-local/active created (1s) ", { name: "other object: created" }],
  [
    " +  tandem:index:Manifest Deployment/lws-system/lws-controller-manager creating (0s) 0 of 1 replicas ready",
    { name: "Deployment: creating" },
  ],
  [" ~  tandem:index:WorkerNode gpu-a updating (0s) [diff: ~x]", { name: "WorkerNode: creating", machine: "gpu-a" }],
  [
    " ~  tandem:index:PreparedServer gpu-a updating (3s) [diff: ~node]; 3/5 Kubernetes v1.36.3",
    { name: "PreparedServer: Kubernetes v1.36.3", machine: "gpu-a" },
  ],
])("%s", (line, boundary) => {
  expect(boundaryOf(line)).toEqual(boundary);
});
