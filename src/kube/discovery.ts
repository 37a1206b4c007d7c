import type { KubeClient } from "./client.ts";
import { isNotFound } from "./errors.ts";

export interface ObjectReference {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string | undefined;
}

interface ResourceList {
  resources: { name: string; kind: string; namespaced: boolean }[];
}

/** Thrown while a CustomResourceDefinition is not served yet, or for a kind that does not exist at all. */
export class UnknownKind extends Error {
  constructor(apiVersion: string, kind: string, server: string) {
    super(`${server} serves no kind ${kind} in ${apiVersion}`);
    this.name = "UnknownKind";
  }
}

/** Finds the URL of objects from what the API server says it serves; asked once per apiVersion. */
export interface Discovery {
  path(reference: ObjectReference, signal?: AbortSignal): Promise<string>;
}

export function discovery(client: KubeClient): Discovery {
  const lists = new Map<string, Promise<ResourceList>>();
  const fetchList = async (apiVersion: string, signal: AbortSignal | undefined): Promise<ResourceList> => {
    try {
      return await client.json<ResourceList>({ method: "GET", path: groupPath(apiVersion), signal });
    } catch (error) {
      lists.delete(apiVersion);
      if (isNotFound(error)) return { resources: [] };
      throw error;
    }
  };
  return {
    async path(reference, signal) {
      const { apiVersion, kind, name, namespace } = reference;
      let list = lists.get(apiVersion);
      if (!list) {
        list = fetchList(apiVersion, signal);
        lists.set(apiVersion, list);
      }
      // A subresource such as `deployments/scale` has a kind too.
      const resource = (await list).resources.find((entry) => entry.kind === kind && !entry.name.includes("/"));
      if (!resource) {
        // A definition may be added any moment: an absence is never remembered.
        lists.delete(apiVersion);
        throw new UnknownKind(apiVersion, kind, client.server);
      }
      const scope = resource.namespaced ? `/namespaces/${namespace ?? "default"}` : "";
      return `${groupPath(apiVersion)}${scope}/${resource.name}/${encodeURIComponent(name)}`;
    },
  };
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
