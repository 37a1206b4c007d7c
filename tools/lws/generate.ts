import { writeFile } from "node:fs/promises";
import { LWS_MANIFESTS, lwsModule, renderLwsManifests } from "./render.ts";

// Run with the path of a kubectl; needs Go with the modules of tools/kubernetes in its cache.
const [kubectl = "kubectl"] = process.argv.slice(2);
const module = await lwsModule();
if (module === undefined)
  throw new Error("Go's module cache has no sigs.k8s.io/lws: run `go mod download` in tools/kubernetes");
await writeFile(LWS_MANIFESTS, await renderLwsManifests(kubectl, module));
