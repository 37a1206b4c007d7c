import { parse } from "yaml";
import { type KubeClient, type KubeRequest, kubeClient } from "../../src/kube/client.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { ACCESS_SECRET, GROUP_LABEL, RECONCILER_LEASE } from "../../src/manifests/names.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";

/** One thing that an account may or may not do to one object. */
export interface Act {
  verb: "get" | "patch" | "update" | "delete";
  group: string;
  version: string;
  /** Plural, with `/status` where it is that. */
  resource: string;
  name: string;
  /** None for a kind that belongs to no namespace. */
  namespace?: string;
  body?: object;
}

/** What each account may do of {@link roleActs}. The gateways' pods have no account of their own: nothing is bound to `default`. */
export const MAY: Readonly<Record<string, readonly string[]>> = {
  agent: ["patch nodes/status"],
  default: [],
  engine: [],
  reconciler: [
    "patch modelservices/status",
    "patch modelservices",
    "delete pods",
    "patch nodes",
    "patch leaderworkersets",
    "update leases",
  ],
};

export const nameOf = ({ verb, resource }: Act): string => `${verb} ${resource}`;

/** Whatever makes a group active, or leads to it. None changes anything: dry runs, and names that nobody has. */
export function roleActs({ name, namespace, spec }: ServingPlan): Act[] {
  const [server = ""] = Object.keys(spec.servers);
  const request = { id: "1", kind: "switchover", target: "b", by: "test", at: new Date().toISOString() };
  const service = { group: "tandem.dev", version: "v1alpha1", namespace, name };
  const core = { group: "", version: "v1" };
  // Of a version that is long past, so that it is refused as late, and not as forbidden.
  const lease = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { namespace, name: RECONCILER_LEASE, resourceVersion: "1" },
  };
  const leases = { group: "coordination.k8s.io", version: "v1", resource: "leases", namespace };
  const sets = { group: "leaderworkerset.x-k8s.io", version: "v1", resource: "leaderworkersets", namespace };
  return [
    { verb: "patch", ...service, resource: "modelservices/status", body: { status: { active: "b" } } },
    { verb: "patch", ...service, resource: "modelservices", body: { spec: { request } } },
    { verb: "delete", ...core, resource: "pods", namespace, name: "nobody" },
    {
      verb: "patch",
      ...core,
      resource: "nodes",
      name: server,
      body: { metadata: { labels: { [GROUP_LABEL]: "b" } } },
    },
    { verb: "patch", ...core, resource: "nodes/status", name: server, body: { status: {} } },
    { verb: "patch", ...sets, name: "nobody", body: { spec: { replicas: 0 } } },
    { verb: "update", ...leases, name: RECONCILER_LEASE, body: lease },
    { verb: "get", ...core, resource: "secrets", namespace, name: ACCESS_SECRET },
  ];
}

/**
 * Does it all as one service account, with a token of its own.
 *
 * @param admin somebody who may make tokens, and their kubeconfig
 * @returns names of what the API server says the account may do, and of what it did not refuse when it was tried
 */
export async function tryActs(
  admin: { client: KubeClient; kubeconfig: string },
  { namespace, account }: { namespace: string; account: string },
  acts: readonly Act[],
): Promise<{ said: string[]; done: string[] }> {
  const { status } = await admin.client.json<{ status: { token: string } }>({
    method: "POST",
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 600 } },
  });
  const config = parse(admin.kubeconfig) as { users: { name: string }[] };
  const users = config.users.map(({ name }) => ({ name, user: { token: status.token } }));
  const client = kubeClient(JSON.stringify({ ...config, users }));
  try {
    const found = await Promise.all(
      acts.map(async (act) => ({ act, said: await review(client, act), done: await attempt(client, act) })),
    );
    const names = (way: "said" | "done") => found.filter((one) => one[way]).map(({ act }) => nameOf(act));
    return { said: names("said"), done: names("done") };
  } finally {
    await client.close();
  }
}

async function review(client: KubeClient, { verb, group, resource: path, name, namespace }: Act): Promise<boolean> {
  const [resource, subresource] = path.split("/");
  const resourceAttributes = { verb, group, resource, subresource, name, namespace };
  const api = "authorization.k8s.io/v1";
  const { status } = await client.json<{ status: { allowed: boolean } }>({
    method: "POST",
    path: `/apis/${api}/selfsubjectaccessreviews`,
    body: { apiVersion: api, kind: "SelfSubjectAccessReview", spec: { resourceAttributes } },
  });
  return status.allowed;
}

/** Rights are looked at before all else: whoever hears that it is not there, late or not valid had them. */
async function attempt(client: KubeClient, act: Act): Promise<boolean> {
  try {
    await client.json(requestOf(act));
    return true;
  } catch (error) {
    if (!(error instanceof KubeError) || ![403, 404, 409, 422].includes(error.status)) throw error;
    return error.status !== 403;
  }
}

function requestOf({ verb, group, version, resource, name, namespace, body }: Act): KubeRequest {
  const [kind, subresource] = resource.split("/");
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const place = `${root}${namespace === undefined ? "" : `/namespaces/${namespace}`}/${kind}/${name}`;
  const path = subresource === undefined ? place : `${place}/${subresource}`;
  if (verb === "get") return { method: "GET", path };
  const query = { dryRun: "All" };
  if (verb === "delete") return { method: "DELETE", path, query };
  if (verb === "update") return { method: "PUT", path, query, body };
  return { method: "PATCH", path, query, body, contentType: "application/merge-patch+json" };
}
