import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { unary } from "../wire/serve.ts";
import { type ProgramRun, runProgram } from "./run-program.ts";

/**
 * The Node.js language host: the part of Pulumi that starts a program. Methods that only code generation and packaging
 * need are left out; gRPC answers them with UNIMPLEMENTED, which the CLI understands.
 *
 * @param engineAddress where the CLI listens; the program logs there.
 */
export function languageHost(engineAddress: string): UntypedServiceImplementation {
  const running = new Set<ChildProcess>();
  return {
    handshake: unary(() => new language.LanguageHandshakeResponse()),
    getPluginInfo: unary(() => {
      const info = new plugin.PluginInfo();
      info.setVersion(sdkVersion());
      return info;
    }),
    // The one provider of this project is named in Pulumi.yaml, so there is nothing to be looked for in node_modules.
    getRequiredPackages: unary(() => new language.GetRequiredPackagesResponse()),
    getRequiredPlugins: unary(() => new language.GetRequiredPluginsResponse()),
    runtimeOptionsPrompts: unary(() => new language.RuntimeOptionsResponse()),
    about: unary(() => {
      const about = new language.AboutResponse();
      about.setExecutable(process.execPath);
      about.setVersion(process.version);
      about.getMetadataMap().set("@pulumi/pulumi", sdkVersion());
      return about;
    }),
    getProgramDependencies: unary(() => {
      const dependency = new language.DependencyInfo();
      dependency.setName("@pulumi/pulumi");
      dependency.setVersion(sdkVersion());
      const response = new language.GetProgramDependenciesResponse();
      response.setDependenciesList([dependency]);
      return response;
    }),
    run: unary(async (request: language.RunRequest) => {
      const response = new language.RunResponse();
      const end = await runProgram(programRun(request, engineAddress), (child) => {
        running.add(child);
        child.once("exit", () => running.delete(child));
      });
      if (end.kind === "bail") response.setBail(true);
      if (end.kind === "error") response.setError(end.message);
      return response;
    }),
    // The CLI sends this on Ctrl-C: the program has its own process group and does not see the terminal's signal.
    cancel: unary(() => {
      for (const child of running) child.kill("SIGINT");
      return new empty.Empty();
    }),
  };
}

/** Reads a `RunRequest`. `pwd` and `program` are what old CLIs send; `info` holds the same for new ones. */
export function programRun(request: language.RunRequest, engineAddress: string): ProgramRun {
  const info = request.getInfo();
  const workingDirectory = info?.getProgramDirectory() || request.getPwd();
  const entryPoint = info?.getEntryPoint() || request.getProgram() || ".";
  const nodeArgs = info?.getOptions()?.toJavaScript().nodeargs;
  return {
    monitorAddress: request.getMonitorAddress(),
    engineAddress,
    project: request.getProject(),
    stack: request.getStack(),
    organization: request.getOrganization() || "organization",
    workingDirectory: request.getPwd() || workingDirectory,
    rootDirectory: info?.getRootDirectory() || workingDirectory,
    entryPoint,
    args: request.getArgsList(),
    dryRun: request.getDryrun(),
    parallel: request.getParallel(),
    config: Object.fromEntries(request.getConfigMap().toArray()),
    secretKeys: request.getConfigsecretkeysList(),
    nodeArgs: typeof nodeArgs === "string" ? nodeArgs.split(/\s+/).filter(Boolean) : [],
  };
}

function sdkVersion(): string {
  const file = createRequire(import.meta.url).resolve("@pulumi/pulumi/package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
