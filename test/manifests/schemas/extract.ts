import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { parse } from "yaml";

// Writes kubernetes.schema.json anew from the Go modules of the pinned releases. Needed when either is raised or a new kind of
// object is rendered; the tests only read the result: `node bin/tandem-dev test/manifests/schemas/extract.ts`.

const KUBERNETES = "k8s.io/kubernetes@v1.36.3";
const LEADER_WORKER_SET = "sigs.k8s.io/lws@v0.9.0";
const CRD = "config/crd/bases/leaderworkerset.x-k8s.io_leaderworkersets.yaml";

/** OpenAPI file of the release, and the kinds of it that a stack may render. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  api__v1: ["ConfigMap", "Namespace", "Secret", "Service", "ServiceAccount"],
  "apis__admissionregistration.k8s.io__v1": ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"],
  "apis__apiextensions.k8s.io__v1": ["CustomResourceDefinition"],
  apis__apps__v1: ["DaemonSet", "Deployment"],
  "apis__networking.k8s.io__v1": ["NetworkPolicy"],
  apis__policy__v1: ["PodDisruptionBudget"],
  "apis__rbac.authorization.k8s.io__v1": ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
  "apis__scheduling.k8s.io__v1": ["PriorityClass"],
};

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Schema = { [key: string]: Json };

const definitions: Record<string, Json> = {};
const kinds: Record<string, string> = {};

async function moduleFolder(module: string): Promise<string> {
  const { stdout } = await execa("go", ["mod", "download", "-json", module], { env: { GOFLAGS: "-mod=mod" } });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

/**
 * A schema without its prose, closed: the API server drops unknown fields with a warning (or refuses them when asked to
 * be strict), and either way the object is not what its author meant.
 */
function closed(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== "object") return schema;
  const { description: _1, default: _2, format, properties, ...rest } = schema;
  const out: Schema = {};
  for (const [key, value] of Object.entries(rest)) {
    if (key === "$ref") out.$ref = String(value).replace("#/components/schemas/", "#/$defs/");
    else if (!key.startsWith("x-kubernetes-") || key === "x-kubernetes-list-map-keys") out[key] = closed(value);
    else if (key === "x-kubernetes-int-or-string") out.type = ["integer", "string"];
  }
  if (format === "int32") Object.assign(out, { minimum: -(2 ** 31), maximum: 2 ** 31 - 1, ...out });
  if (properties !== undefined) {
    const fields = Object.entries(properties as Schema).map(([name, field]) => [name, closed(field)]);
    out.properties = Object.fromEntries(fields);
    if (schema["x-kubernetes-preserve-unknown-fields"] !== true) out.additionalProperties = false;
  }
  return out;
}

/** Gives every larger part that occurs anywhere a name, so that the same part is written once. */
function shared(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(shared);
  if (schema === null || typeof schema !== "object") return schema;
  const out = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, shared(value)]));
  const text = JSON.stringify(out);
  if (out.type !== "object" || text.length < 200) return out;
  const name = `lws.${createHash("sha256").update(text).digest("hex").slice(0, 8)}`;
  definitions[name] = out;
  return { $ref: `#/$defs/${name}` };
}

function take(schemas: Record<string, Schema>, name: string): void {
  if (name in definitions) return;
  const schema = closed(schemas[name] ?? {}) as Schema;
  definitions[name] = schema;
  for (const [, other = ""] of JSON.stringify(schema).matchAll(/"#\/\$defs\/([^"]+)"/g)) take(schemas, other);
}

const kubernetes = await moduleFolder(KUBERNETES);
for (const [file, names] of Object.entries(KINDS)) {
  const path = join(kubernetes, "api/openapi-spec/v3", `${file}_openapi.json`);
  const { schemas } = (JSON.parse(readFileSync(path, "utf8")) as { components: { schemas: Record<string, Schema> } })
    .components;
  for (const kind of names) {
    const found = Object.entries(schemas).find(
      ([name]) => /^io\.k8s\.(api|apiextensions-apiserver\.pkg\.apis)\./.test(name) && name.endsWith(`.${kind}`),
    );
    if (found === undefined) throw new Error(`${path} has no ${kind}`);
    const [name, schema] = found;
    const [{ group, version }] = schema["x-kubernetes-group-version-kind"] as [{ group: string; version: string }];
    kinds[`${group === "" ? "" : `${group}/`}${version}/${kind}`] = `#/$defs/${name}`;
    take(schemas, name);
  }
}

const lws = parse(readFileSync(join(await moduleFolder(LEADER_WORKER_SET), CRD), "utf8"), { maxAliasCount: -1 });
const { schema } = lws.spec.versions.find((version: { name: string }) => version.name === "v1");
const leaderWorkerSet = closed(schema.openAPIV3Schema) as Schema & { properties: Schema };
// A CRD leaves metadata to the API server.
leaderWorkerSet.properties.metadata = { $ref: "#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" };
const root = shared(leaderWorkerSet) as { $ref: string };
kinds["leaderworkerset.x-k8s.io/v1/LeaderWorkerSet"] = root.$ref;

const about =
  "Kubernetes' own schemas without descriptions, closed against unknown fields. Written by test/manifests/schemas/extract.ts.";
const source = [`${KUBERNETES} api/openapi-spec/v3`, `${LEADER_WORKER_SET} ${CRD}`];
// One definition a line: small, and a new release still shows what has changed.
const lines = Object.entries(definitions)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, definition]) => `${JSON.stringify(name)}: ${JSON.stringify(definition)}`);
writeFileSync(
  new URL("kubernetes.schema.json", import.meta.url),
  `{"about": ${JSON.stringify(about)},\n"source": ${JSON.stringify(source)},\n"kinds": ${JSON.stringify(kinds)},\n"$defs": {\n${lines.join(",\n")}\n}}\n`,
);
