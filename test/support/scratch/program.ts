import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { TandemError } from "../../../src/errors.ts";
import { tellPlainly } from "../../../src/infra/program/tell-plainly.ts";

interface Wanted {
  name: string;
  args: Record<string, unknown>;
  /** Takes its content from the digest of this other resource. */
  contentFrom?: string;
  /** Its password is in this file, because configuration is written to the history as it is. */
  passwordFile?: string;
}

class File extends pulumi.CustomResource {
  declare readonly digest: pulumi.Output<string>;
  constructor(name: string, args: pulumi.Inputs) {
    super("filebox:index:File", name, { ...args, digest: undefined });
  }
}

tellPlainly();
const config = new pulumi.Config("scratch");
const failure = config.get("failure");
if (failure === "throw") throw new Error("thrown at the top of the program");
if (failure === "told") {
  throw new TandemError({ code: "E_SCRATCH", what: "it cannot be", why: "for this reason", fix: "do that" });
}
if (failure === "reject") void Promise.reject(new Error("rejected in the program"));

const files = new Map<string, File>();
for (const { name, args, contentFrom, passwordFile } of JSON.parse(config.require("files")) as Wanted[]) {
  const content = contentFrom ? files.get(contentFrom)?.digest : args.content;
  const password = passwordFile ? pulumi.secret(readFileSync(passwordFile, "utf8")) : undefined;
  files.set(name, new File(name, { ...args, content, password }));
}
export const digests = Object.fromEntries([...files].map(([name, { digest }]) => [name, digest]));
