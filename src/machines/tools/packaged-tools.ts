import { access } from "node:fs/promises";
import { join } from "node:path";
import { engineDir } from "../home.ts";
import { findEngine } from "../local/engine.ts";
import { MACHINE_SUITE } from "../local/machine-files.ts";
import type { ToolListing, ToolWay } from "./list-tools.ts";

/** What comes as a Debian package where it is needed, not from the catalogue. Starts and fetches nothing. */
export async function listPackagedTools(home?: string): Promise<ToolListing[]> {
  return [await engineListing(home), cniListing()];
}

async function engineListing(home?: string): Promise<ToolListing> {
  const listing = { name: "container engine", about: "runs the machines of a local stack" };
  const fromPackage: ToolWay = {
    way: "package",
    state: "open",
    why: "docker.io of this computer's Debian or Ubuntu, unpacked under TANDEM_HOME and not installed",
  };
  const running: ToolWay = { way: "path", state: "open", why: "no Docker runs here that can run machines" };
  let engine: Awaited<ReturnType<typeof findEngine>>;
  try {
    engine = await findEngine(home === undefined ? {} : { home });
  } catch (error) {
    // A Docker that cannot run machines is what the list has to say, not a reason to print none.
    running.state = "off";
    running.why = String(error instanceof Error ? error.message : error)
      .split("\n", 1)
      .join();
  }
  if (engine) {
    const { kind, version, socketPath, api } = engine;
    await api.close();
    const used = { state: "used", why: `it listens at ${socketPath}` } as const;
    return {
      ...listing,
      version,
      source: kind === "host" ? "path" : "package",
      path: socketPath,
      ways: kind === "host" ? [{ ...running, ...used }, fromPackage] : [running, { ...fromPackage, ...used }],
    };
  }
  const folder = join(engineDir(home), "root");
  const unpacked = await access(folder).then(
    () => true,
    () => false,
  );
  const ways = [running, fromPackage];
  if (!unpacked) return { ...listing, version: "-", source: "missing", ways };
  return { ...listing, version: "-", source: "package", path: folder, ways };
}

function cniListing(): ToolListing {
  return {
    name: "CNI plug-ins",
    about: "ptp, host-local, portmap on every node",
    version: MACHINE_SUITE,
    source: "package",
    ways: [
      {
        way: "package",
        state: "used",
        why: `containernetworking-plugins: in the image of local machines, installed on servers by their preparation`,
      },
    ],
  };
}
