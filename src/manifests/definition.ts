import type { Manifest } from "./manifest.ts";
import { object, type Schema } from "./model-service/fields.ts";
import { PART_OF } from "./names.ts";

export interface DefinitionParts {
  apiVersion: string;
  kind: string;
  plural: string;
  singular: string;
  shortNames?: readonly string[];
  columns: readonly object[];
  /** The top-level fields of the kind's own. */
  fields: Readonly<Record<string, Schema>>;
  /** Those of `fields` that an object may lack. */
  optional: readonly string[];
  description: string;
}

/** Name of the definition of a kind: `drills.tandem.dev`. */
export function definitionName({ apiVersion, plural }: Pick<DefinitionParts, "apiVersion" | "plural">): string {
  return `${plural}.${apiVersion.split("/")[0]}`;
}

/** The definition of one of Tandem's own kinds, with a status of its own. Like every definition it belongs to no namespace. */
export function definition(parts: DefinitionParts): Manifest {
  const { apiVersion, kind, plural, singular, shortNames, columns, fields, optional, description } = parts;
  const [group, version] = apiVersion.split("/");
  const common = { apiVersion: { type: "string" }, kind: { type: "string" }, metadata: { type: "object" } } as const;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: definitionName(parts), labels: { ...PART_OF } },
    spec: {
      group,
      scope: "Namespaced",
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular,
        ...(shortNames === undefined ? {} : { shortNames }),
        categories: ["tandem"],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              ...object({ ...common, ...fields }, ["apiVersion", "kind", "metadata", ...optional]),
              description,
            },
          },
        },
      ],
    },
  };
}
