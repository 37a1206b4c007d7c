import { TandemError } from "../../errors.ts";
import type { KubeClient } from "../../kube/client.ts";
import { kubeObjects, type LiveObject } from "../../kube/objects.ts";
import { waitFor } from "../../kube/wait.ts";

export interface LeaseName {
  namespace: string;
  name: string;
}

const referenceTo = (lease: LeaseName) => ({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", ...lease });

/** Empty while nobody holds it. */
const holderOf = (lease: LiveObject | null) =>
  (lease?.spec as { holderIdentity?: string } | undefined)?.holderIdentity ?? "";

/** Who holds a Lease, by the name that it gave itself; empty while nobody does. */
export async function leaseHolder(client: KubeClient, lease: LeaseName): Promise<string> {
  return holderOf(await kubeObjects(client).get(referenceTo(lease)));
}

/** Resolves when somebody else than `before` holds it; false if nobody did within `deadlineMs`. */
export async function leasePassed(
  client: KubeClient,
  lease: LeaseName,
  before: string,
  deadlineMs: number,
): Promise<boolean> {
  const check = (object: LiveObject | null) => {
    const holder = holderOf(object);
    return holder !== "" && holder !== before
      ? ({ ok: true } as const)
      : { ok: false as const, why: `held by ${holder}` };
  };
  const { signal } = new AbortController();
  try {
    await waitFor(client, kubeObjects(client), referenceTo(lease), check, { deadlineMs, signal });
    return true;
  } catch (error) {
    if (error instanceof TandemError && error.code === "E_WAIT") return false;
    throw error;
  }
}
