import type { KubeClient } from "./client.ts";
import { discovery, type ObjectReference, UnknownKind } from "./discovery.ts";
import { isNotFound } from "./errors.ts";

/** An object as the API server returns it. */
export interface LiveObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [field: string]: unknown;
  };
  [field: string]: unknown;
}

export interface ApplyOptions {
  fieldManager: string;
  /** Take fields over from other managers; without it a conflict is an error that names them. */
  force?: boolean;
  dryRun?: boolean;
  signal?: AbortSignal;
}

/** Reading and writing of any object by its kind. */
export interface KubeObjects {
  get(reference: ObjectReference, signal?: AbortSignal): Promise<LiveObject | null>;
  apply(manifest: object, options: ApplyOptions): Promise<LiveObject>;
  /** Dependents go first (foreground); true if the object was still there. `uid` protects a namesake made since. */
  remove(reference: ObjectReference, uid?: string, signal?: AbortSignal): Promise<boolean>;
  path(reference: ObjectReference, signal?: AbortSignal): Promise<string>;
}

export function kubeObjects(client: KubeClient): KubeObjects {
  const kinds = discovery(client);
  const nullIfGone = async <Result>(work: Promise<Result>): Promise<Result | null> => {
    try {
      return await work;
    } catch (error) {
      if (isNotFound(error) || error instanceof UnknownKind) return null;
      throw error;
    }
  };
  return {
    path: (reference, signal) => kinds.path(reference, signal),
    get: (reference, signal) =>
      nullIfGone(
        kinds.path(reference, signal).then((path) => client.json<LiveObject>({ method: "GET", path, signal })),
      ),
    async apply(manifest, { fieldManager, force, dryRun, signal }) {
      return client.json<LiveObject>({
        method: "PATCH",
        path: await kinds.path(referenceTo(manifest), signal),
        query: { fieldManager, force: String(force ?? false), ...(dryRun ? { dryRun: "All" } : {}) },
        contentType: "application/apply-patch+yaml",
        body: manifest,
        signal,
      });
    },
    async remove(reference, uid, signal) {
      const preconditions = uid === undefined ? {} : { preconditions: { uid } };
      const path = await nullIfGone(kinds.path(reference, signal));
      if (path === null) return false;
      const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Foreground", ...preconditions };
      return (await nullIfGone(client.json({ method: "DELETE", path, body, signal }))) !== null;
    },
  };
}

export function referenceTo(manifest: object): ObjectReference {
  const { apiVersion, kind, metadata } = manifest as LiveObject;
  return { apiVersion, kind, name: metadata.name, ...(metadata.namespace ? { namespace: metadata.namespace } : {}) };
}

/** `apps/v1/Deployment lws-system/lws-controller-manager`, as ids and messages have it. */
export function printReference({ apiVersion, kind, name, namespace }: ObjectReference): string {
  return `${apiVersion}/${kind} ${namespace ? `${namespace}/` : ""}${name}`;
}
