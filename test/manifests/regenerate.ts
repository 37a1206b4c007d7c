import { readdirSync, rmSync } from "node:fs";
import { writeFolder } from "../../src/cli/write-folder.ts";
import {
  FILE_HEADER,
  GROUPS_FOLDER,
  GROUPS_HEADER,
  groupFiles,
  manifestFiles,
} from "../../src/manifests/manifest-files.ts";
import { renderGroups, renderManifests } from "../../src/manifests/render.ts";
import { STACKS, stackPlan } from "../support/stacks.ts";

// `npm run manifests`: writes manifests/<stack>/*.yaml anew for every spec in stacks/, and drops those of a spec that is gone.
for (const name of STACKS) {
  const { files, removed } = writeFolder(`manifests/${name}`, manifestFiles(renderManifests(stackPlan(name))), {
    header: FILE_HEADER,
  });
  writeFolder(`manifests/${name}/${GROUPS_FOLDER}`, groupFiles(renderGroups(stackPlan(name))), {
    header: GROUPS_HEADER,
  });
  process.stdout.write(`manifests/${name}: ${files.length} files, ${removed.length} old ones removed\n`);
}
for (const name of readdirSync("manifests")) {
  if (!STACKS.includes(name) && name !== "monitoring") rmSync(`manifests/${name}`, { recursive: true });
}
