import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KubeClient } from "../../src/kube/client.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { DRILL } from "../../src/manifests/drill/resource.ts";
import type { Manifest } from "../../src/manifests/manifest.ts";
import { GROUP_LABEL, STACK_LABEL } from "../../src/manifests/names.ts";
import { renderManifests } from "../../src/manifests/render.ts";
import { askSwitchover } from "../../src/reconciler/dashboard/ask.ts";
import { readDrillNotes } from "../../src/reconciler/dashboard/drill-notes.ts";
import { wellService } from "../report/dashboards.ts";
import { ApiServer } from "../support/api-server.ts";
import { stackPlan } from "../support/stacks.ts";
import { temporaryFolders } from "../support/temporary-folder.ts";

const PLAN = stackPlan("example");
const NAMESPACE = PLAN.namespace;
const RECONCILER = `system:serviceaccount:${NAMESPACE}:reconciler`;
const RESTARTER = "system:serviceaccount:lws-system:lws-controller-manager";
const SERVICE = `/apis/tandem.dev/v1alpha1/namespaces/${NAMESPACE}/modelservices/${PLAN.name}`;
const DRILLS = `/apis/tandem.dev/v1alpha1/namespaces/${NAMESPACE}/drills`;
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const RBAC = `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}`;
/** Where each kind of what this needs is made. */
const PLACES: Record<string, string> = {
  Namespace: "/api/v1/namespaces",
  CustomResourceDefinition: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  Role: `${RBAC}/roles`,
  RoleBinding: `${RBAC}/rolebindings`,
  ValidatingAdmissionPolicy: "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
  ValidatingAdmissionPolicyBinding: "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
  ModelService: SERVICE.slice(0, SERVICE.lastIndexOf("/")),
};

/** As the manifests of LeaderWorkerSet give them to its controller. */
const RESTARTER_RIGHTS: Manifest[] = [
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: "restarter", namespace: NAMESPACE },
    rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["delete"] }],
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: "restarter", namespace: NAMESPACE },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "restarter" },
    subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: RESTARTER }],
  },
];

const folder = temporaryFolders();

// Here, since it needs the tools, which the gate builds after the unit tests.
describe("what the policies of a stack refuse, by a real API server", () => {
  let server: ApiServer;
  let admin: KubeClient;
  let reconciler: KubeClient;
  let restarter: KubeClient;
  const make = async (manifest: Manifest) => {
    const path = PLACES[manifest.kind];
    if (path === undefined) return;
    // A definition takes a moment before its kind is known.
    for (let attempt = 1; ; attempt++) {
      try {
        return void (await admin.json({ method: "POST", path, body: manifest }));
      } catch (error) {
        if (!(error instanceof KubeError) || error.status !== 404 || attempt > 100) throw error;
        await delay(100);
      }
    }
  };
  const patch = (spec: object): Promise<unknown> =>
    reconciler.json({ method: "PATCH", path: SERVICE, contentType: "application/merge-patch+json", body: { spec } });
  const status = (change: object): Promise<unknown> => {
    const contentType = "application/merge-patch+json";
    return admin.json({ method: "PATCH", path: `${SERVICE}/status`, contentType, body: { status: change } });
  };
  const refusal = async (spec: object) =>
    patch(spec).then(
      () => "taken",
      (error: Error) => error.message,
    );

  beforeAll(async () => {
    server = await ApiServer.start(join(folder(), "api"), {
      admin: "admin-token",
      [RECONCILER]: "reconciler-token",
      [RESTARTER]: "restarter-token",
    });
    admin = server.client("admin-token");
    reconciler = server.client("reconciler-token");
    restarter = server.client("restarter-token");
    for (const manifest of renderManifests(PLAN)) await make(manifest);
    for (const right of RESTARTER_RIGHTS) await make(right);
    await status(wellService().status ?? {});
    // The API server reads a new policy with its next look.
    for (let attempt = 0; attempt < 100 && (await refusal({ initialActive: "b" })) === "taken"; attempt++) {
      await patch({ initialActive: "a" }).catch(() => {});
      await delay(100);
    }
  });
  afterAll(() => server?.close());

  const request = (kind: string, target: string) => ({
    request: { id: "x", kind, target, by: "x", at: new Date().toISOString() },
  });

  test.each([
    ["another first group", { initialActive: "b" }, "may write spec.request alone"],
    ["a pause", { pause: { by: "x", at: new Date().toISOString(), reason: "x" } }, "may write spec.request alone"],
    ["another template", { template: { more: 1 } }, "may write spec.request alone"],
    ["a limit", { failover: { maxPerHour: 99 } }, "may write spec.request alone"],
    ["a server that is drained", request("drain", "gpu-a"), "may ask for a switchover alone"],
    ["a group that is rebuilt", request("rebuild", "a"), "may ask for a switchover alone"],
  ])("%s is refused", async (_name, spec, why) => {
    expect(await refusal(spec)).toContain(why);
  });

  test("what its page asks is taken, with the plan that was agreed to", async () => {
    const asked = { target: "b", epoch: 8, by: "operator (dashboard)" };
    const { id } = await askSwitchover(reconciler, SERVICE, asked);
    const { spec } = await admin.json<{ spec: { request: object } }>({ method: "GET", path: SERVICE });
    expect(spec.request).toMatchObject({ id, kind: "switchover", target: "b", by: "operator (dashboard)" });
    await expect(askSwitchover(reconciler, SERVICE, asked)).rejects.toThrow("it is not done");
  });

  describe("a pod that LeaderWorkerSet wants to make anew", () => {
    const serving = (status: "True" | "False") => {
      const known = wellService().status?.conditions ?? [];
      return { conditions: known.map((one) => (one.type === "Serving" ? { ...one, status } : one)) };
    };
    /** A pod of a group, deleted by somebody; what the API server says to it. */
    const deleted = async (group: string, client: KubeClient): Promise<string> => {
      const metadata = { generateName: `sglang-${group}-`, labels: { [GROUP_LABEL]: group } };
      const spec = { containers: [{ name: "engine", image: "none" }] };
      const body = { apiVersion: "v1", kind: "Pod", metadata, spec };
      const pod = await admin.json<{ metadata: { name: string } }>({ method: "POST", path: PODS, body });
      const path = `${PODS}/${pod.metadata.name}`;
      return client.json({ method: "DELETE", path }).then(
        () => "taken",
        (error: Error) => error.message,
      );
    };

    test("stays, while its group is active and serves", async () => {
      await expect.poll(() => deleted("a", restarter), { timeout: 10_000 }).toContain("this group serves");
      expect(await deleted("b", restarter)).toBe("taken");
      // Whoever else may do so still may: people, and the reconciler that isolates a group.
      expect(await deleted("a", reconciler)).toBe("taken");
      expect(await deleted("a", admin)).toBe("taken");
    });

    test("goes, once its group serves no more, or another one is active", async () => {
      await status(serving("False"));
      await expect.poll(() => deleted("a", restarter), { timeout: 10_000 }).toBe("taken");
      await status({ ...serving("True"), active: "b" });
      await expect.poll(() => deleted("b", restarter), { timeout: 10_000 }).toContain("this group serves");
      expect(await deleted("a", restarter)).toBe("taken");
      await status({ active: "a" });
    });
  });

  test("records of drills are read as the table that kubectl shows", async () => {
    const name = "2026-11-28t04-10-00z-server-power";
    const spec = {
      service: PLAN.name,
      kind: "drill",
      scenario: "server-power",
      victim: "gpu-b",
      by: "ops",
      startedAt: "2026-11-28T04:10:00.000Z",
      until: "2026-11-28T04:12:00.000Z",
    };
    const metadata = { name, labels: { [STACK_LABEL]: PLAN.name } };
    await admin.json({ method: "POST", path: DRILLS, body: { ...DRILL, metadata, spec } });
    expect(await readDrillNotes(reconciler, DRILLS, `${STACK_LABEL} in (${PLAN.name})`)).toEqual([
      {
        name,
        scenario: "server-power",
        victim: "gpu-b",
        by: "ops",
        startedAt: spec.startedAt,
        result: null,
        gapSeconds: null,
      },
    ]);
  });
});
