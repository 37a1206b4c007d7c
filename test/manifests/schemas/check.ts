import { readFileSync } from "node:fs";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { drillDefinition } from "../../../src/manifests/drill/crd.ts";
import type { Manifest } from "../../../src/manifests/manifest.ts";
import { modelServiceDefinition } from "../../../src/manifests/model-service/crd.ts";
import { closed } from "./closed.ts";

interface KubernetesSchemas {
  about: string;
  source: string[];
  kinds: Record<string, string>;
  $defs: Record<string, object>;
}

const schemas = JSON.parse(
  readFileSync(new URL("kubernetes.schema.json", import.meta.url), "utf8"),
) as KubernetesSchemas;

const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true });
ajv.addKeyword({
  keyword: "x-kubernetes-list-map-keys",
  type: "array",
  metaSchema: { type: "array", items: { type: "string" } },
  // Two entries with one key: server-side apply refuses them.
  validate: (keys: string[], list: Record<string, unknown>[]) =>
    new Set(list.map((entry) => JSON.stringify(keys.map((key) => entry[key])))).size === list.length,
});
ajv.addFormat("byte", /^[A-Za-z0-9+/]*={0,2}$/);
ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
ajv.addSchema({ $id: "kubernetes", $defs: schemas.$defs });

/** Our own kinds, from the definitions that the same stack renders. */
const schemaOf = ({ spec }: Manifest) =>
  closed((spec as { versions: { schema: { openAPIV3Schema: object } }[] }).versions[0]?.schema.openAPIV3Schema ?? {});
const ours: Record<string, object> = {
  "tandem.dev/v1alpha1/ModelService": schemaOf(modelServiceDefinition()),
  "tandem.dev/v1alpha1/Drill": schemaOf(drillDefinition()),
};

const compiled = new Map<string, ValidateFunction>();

/** Everything that Kubernetes 1.36.3 or LeaderWorkerSet v0.9.0 has against an object's form; empty when nothing. */
export function schemaProblems(manifest: Manifest): string[] {
  const key = `${manifest.apiVersion}/${manifest.kind}`;
  const reference = schemas.kinds[key];
  const own = ours[key];
  if (reference === undefined && own === undefined) return [`no schema of ${key}: add it to extract.ts`];
  const validate = compiled.get(key) ?? ajv.compile(own ?? { $ref: `kubernetes${reference}` });
  compiled.set(key, validate);
  return validate(manifest) ? [] : (validate.errors ?? []).map(sentence);
}

function sentence({ instancePath, message, params }: ErrorObject): string {
  const detail = "additionalProperty" in params ? ` (${params.additionalProperty})` : "";
  return `${instancePath || "/"}: ${message}${detail}`;
}
