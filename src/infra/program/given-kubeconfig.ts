import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { TandemError } from "../../errors.ts";

/**
 * The content of the kubeconfig that a spec names for a cluster of somebody else. In a preview it may come later: whoever
 * looks at a change need not be able to make it.
 *
 * @param spec path of the spec, for the message
 * @throws TandemError E_KUBECONFIG where the file cannot be read
 */
export function givenKubeconfig(file: string, spec: string): pulumi.Input<string> {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" && pulumi.runtime.isDryRun()) return pulumi.unknown as unknown as string;
    throw new TandemError({
      code: "E_KUBECONFIG",
      what: `the cluster of ${spec} cannot be reached`,
      why: `its kubeconfig ${file} cannot be read: ${code === "ENOENT" ? "there is no such file" : `the system says ${code}`}`,
      fix: `put it there, or name another one as \`provision.kubeconfig\` in ${spec}`,
      cause,
    });
  }
}
