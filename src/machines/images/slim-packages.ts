import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { OnLoadArgs, OnLoadResult, Plugin } from "esbuild";

/**
 * The client of undici, which is all that our programs use of it: without fetch, WebSocket, caches and mocks it is half as large,
 * and takes several megabytes less of memory, since they are set up when the package is loaded. `request` is that of its index.js.
 */
const UNDICI_CLIENT = `
import Agent from "./lib/dispatcher/agent.js";
import Dispatcher from "./lib/dispatcher/dispatcher.js";
import api from "./lib/api/index.js";
import buildConnector from "./lib/core/connect.js";
import { parseURL } from "./lib/core/util.js";
import { getGlobalDispatcher } from "./lib/global.js";
Object.assign(Dispatcher.prototype, api);
export { Agent, buildConnector };
export function request(target, { dispatcher = getGlobalDispatcher(), ...options } = {}) {
  const { origin, pathname, search } = parseURL(target);
  const method = options.method ?? (options.body ? "PUT" : "GET");
  return api.request.call(dispatcher, { ...options, origin, path: pathname + search, method });
}
`;

/** Zod's sentences in fifty languages, of which ours are English. */
const ZOD_ENGLISH = 'export { default as en } from "./en.js";';

/**
 * Packages without the parts that no program of ours uses. A program that comes to use one of them is not built: its import finds
 * nothing.
 */
export const slimPackages: Plugin = {
  name: "slim-packages",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]node_modules[\\/]undici[\\/]index\.js$/ }, (args) =>
      instead(args, UNDICI_CLIENT, "./lib/dispatcher/agent"),
    );
    onLoad({ filter: /[\\/]node_modules[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, (args) =>
      instead(args, ZOD_ENGLISH, "./en.js"),
    );
  },
};

/** `mark` is in the file that is replaced: another version of the package may look otherwise. */
function instead({ path }: OnLoadArgs, contents: string, mark: string): OnLoadResult {
  if (!readFileSync(path, "utf8").includes(mark))
    throw new Error(`${path} has no ${mark}: it is not the file that we know`);
  return { contents, loader: "js", resolveDir: dirname(path) };
}
