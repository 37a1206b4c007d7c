import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as pulumi from "@pulumi/pulumi";
import { localBmcs, readLocalBmcs } from "../emulator/bmc/credentials.ts";
import { emulatorManifests } from "../emulator/manifests.ts";
import { declareStack } from "../infra/program/declare-stack.ts";
import { tellPlainly } from "../infra/program/tell-plainly.ts";
import { readBmcCredentials } from "../infra/stack/bmc-credentials.ts";
import { readPrepared } from "../infra/stack/prepared.ts";
import { assertSameSpec } from "../infra/stack/spec-digest.ts";
import { stackFiles } from "../infra/stack/stack-files.ts";
import { readStackSecrets } from "../infra/stack/stack-secrets.ts";
import { loadPlan } from "./load-plan.ts";

// The Pulumi program (Pulumi.yaml names it). It only gathers what a stack is declared from: the spec that the stack's
// configuration names, and what `tandem up` has made on this computer.
tellPlainly();
// Pulumi notes the place of every resource by a stack, and its runner has each stack mapped through source maps, of which
// there are none: Node strips types in place.
Reflect.deleteProperty(Error, "prepareStackTrace");
const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const file = resolve(root, new pulumi.Config("tandem").require("spec"));
const { plan, text } = loadPlan(file);
assertSameSpec(text, file);
const outputs = declareStack({
  plan,
  file,
  prepared: await readPrepared(plan.name),
  secrets: await readStackSecrets(plan.name),
  isThere: existsSync(stackFiles(plan.name).kubeconfig),
  bmcs: { ...(await readLocalBmcs(plan.name, localBmcs(plan))), ...readBmcCredentials(plan.spec, file) },
  more: plan.spec.provision.kind === "local" ? emulatorManifests(plan) : [],
});
export const { namespace, kubeconfig } = outputs;
