import { readFile } from "node:fs/promises";
import { TandemError } from "../../errors.ts";
import { stackFiles } from "../../infra/stack/stack-files.ts";
import { readRecord } from "../../infra/stack/stack-record.ts";
import { type KubeClient, kubeClient } from "../../kube/client.ts";
import { unknownStack } from "../stack-access.ts";

/** A way to the ModelService of one stack: an API server, as somebody, and the object's place there. */
export interface ServiceAccess {
  stack: string;
  namespace: string;
  client: KubeClient;
  path: string;
}

export interface ServiceOptions {
  stack: string;
  /** Of somebody who did not make the stack: their own rights apply. */
  kubeconfig?: string;
}

/**
 * The stack's own kubeconfig where `tandem up` made it on this computer, else the one that is named.
 *
 * @throws TandemError `E_NO_STACK`, `E_KUBECONFIG`
 */
export async function serviceAccess({ stack, kubeconfig }: ServiceOptions): Promise<ServiceAccess> {
  const record = kubeconfig === undefined ? await readRecord(stack) : undefined;
  if (kubeconfig === undefined && record === undefined) throw unknownStack(stack);
  const namespace = record?.namespace ?? `tandem-${stack}`;
  const file = kubeconfig ?? stackFiles(stack).kubeconfig;
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new TandemError({
      code: "E_KUBECONFIG",
      what: `the kubeconfig ${file} cannot be read`,
      why: error.message,
      fix: "name another one with --kubeconfig, or run `tandem up` to make it again",
    });
  });
  const path = `/apis/tandem.dev/v1alpha1/namespaces/${namespace}/modelservices/${stack}`;
  return { stack, namespace, client: kubeClient(text), path };
}

/** Runs `work` with a connection that is closed afterwards, whatever happens. */
export async function withService<Result>(
  options: ServiceOptions,
  work: (access: ServiceAccess) => Promise<Result>,
): Promise<Result> {
  const access = await serviceAccess(options);
  try {
    return await work(access);
  } finally {
    await access.client.close();
  }
}
