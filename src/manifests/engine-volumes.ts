import { CACHE_DIR } from "../plan/env.ts";
import type { ServingPlan } from "../plan/serving-plan.ts";
import { gibQuantity } from "./quantity.ts";

/** Volumes of an engine pod with their mounts, in one list so that neither can be forgotten. */
export function engineVolumes(plan: ServingPlan): { volume: object; mount: object }[] {
  const { rdma } = plan.spec.network;
  const volumes = [
    {
      // NCCL and ZMQ pass tensors through shared memory. It counts against the memory limit; bounded, so it cannot eat it.
      volume: {
        name: "shm",
        emptyDir: { medium: "Memory", sizeLimit: gibQuantity(plan.spec.engine.resources.shmGiB) },
      },
      mount: { name: "shm", mountPath: "/dev/shm" },
    },
    {
      // `Directory`, not `DirectoryOrCreate`: an empty folder would send the engine looking for the path on the internet.
      volume: { name: "weights", hostPath: { path: plan.model.weightsPath, type: "Directory" } },
      mount: { name: "weights", mountPath: plan.model.weightsPath, readOnly: true },
    },
    {
      // Compiling DeepGEMM kernels takes ten minutes and more; kept on every server, also on those that stand by.
      volume: { name: "kernel-cache", hostPath: { path: CACHE_DIR, type: "DirectoryOrCreate" } },
      mount: { name: "kernel-cache", mountPath: CACHE_DIR },
    },
  ];
  if (rdma.kind === "none" || rdma.resource !== undefined) return volumes;
  return [
    ...volumes,
    {
      volume: { name: "infiniband", hostPath: { path: "/dev/infiniband", type: "Directory" } },
      mount: { name: "infiniband", mountPath: "/dev/infiniband" },
    },
  ];
}
