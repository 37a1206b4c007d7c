import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchLwsModule, LWS_MANIFESTS, renderLwsManifests } from "./render.ts";

// Run with the path of a kubectl; needs Go.
const [kubectl = "kubectl"] = process.argv.slice(2);
const cache = await mkdtemp(join(tmpdir(), "tandem-lws-module-"));
try {
  await writeFile(LWS_MANIFESTS, await renderLwsManifests(kubectl, await fetchLwsModule(cache)));
} finally {
  await rm(cache, { recursive: true });
}
