import { TandemError } from "../../errors.ts";
import { isPassing, KubeError } from "../../kube/errors.ts";
import type { ServiceAccess } from "./access.ts";

/** An answer of the API server as a sentence that a person can act on; anything else is thrown on as it is. */
export function kubeTrouble(error: unknown, { stack, namespace, client }: ServiceAccess, doing: string): unknown {
  if (error instanceof KubeError && (error.status === 401 || error.status === 403)) {
    return new TandemError({
      code: "E_FORBIDDEN",
      what: `you may not ${doing} stack ${stack}`,
      why: missingRight(error),
      fix: `ask to be put into the group tandem:${stack}:operators, which the role \`operator\` in namespace ${namespace} is bound to (docs/operations.md)`,
      cause: error,
    });
  }
  if (error instanceof KubeError && error.status === 404) {
    return new TandemError({
      code: "E_NO_MODEL_SERVICE",
      what: `stack ${stack} has no ModelService`,
      why: `there is no modelservice ${stack} in namespace ${namespace} of ${client.server}`,
      fix: "run `tandem up` with its spec, or name another stack with --stack",
      cause: error,
    });
  }
  if (error instanceof KubeError && error.status === 422) {
    return new TandemError({
      code: "E_REQUEST_INVALID",
      what: `stack ${stack} does not take this request`,
      why: error.message,
      fix: "use the `tandem` of the release that the stack was made with, or run `tandem up` with this one",
      cause: error,
    });
  }
  if (isPassing(error)) {
    return new TandemError({
      code: "E_NO_API_SERVER",
      what: `the API server of stack ${stack} does not answer`,
      why: `${client.server}: ${(error as Error).message}`,
      fix: "traffic does not need it; when it is back, run the same command again",
      cause: error,
    });
  }
  return error;
}

/** `User "jane" cannot patch resource "modelservices" …` is what Kubernetes says; who, what and where is what is missing. */
function missingRight(error: KubeError): string {
  if (error.status === 401)
    return "the API server does not know who you are: the certificate or token of the kubeconfig is not valid (any more)";
  const match =
    /User "([^"]*)" cannot (\w+) resource "([^"]*)"(?: in API group "([^"]*)")?(?:.* in the namespace "([^"]*)")?/.exec(
      error.message,
    );
  if (match === null) return error.message;
  const [, user, verb, resource, group, namespace] = match;
  return `user "${user}" has no right to ${verb} ${resource}${group ? `.${group}` : ""}${namespace ? ` in namespace ${namespace}` : ""}`;
}
