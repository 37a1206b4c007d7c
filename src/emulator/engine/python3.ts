import { pathToFileURL } from "node:url";
import { launchServer } from "./main.ts";

/** Stands in for the image's `python3`: runs the modules that exist here and refuses all others as Python does. */
async function main(argv: readonly string[]): Promise<void> {
  const [option, module, ...rest] = argv;
  if (option === "--version" || option === "-V") return console.log("Python 3.12.11");
  if (option === "-m" && module === "sglang.launch_server") return launchServer(rest);
  if (option === "-m" && module === "tandem.device_plugin")
    return (await load(process.env.EMULATOR_DEVICE_PLUGIN)).main(rest);
  if (option === "-m" && module === "tandem.fault") return (await import("./fault-client.ts")).main(rest);
  console.error(
    option === "-m"
      ? `/usr/bin/python3: No module named ${module ?? ""}`
      : "python3: this image runs `-m sglang.launch_server` only",
  );
  process.exit(1);
}

/** The device plugin brings gRPC, which no engine should hold in memory: in the image it is a file of its own. */
async function load(path: string | undefined): Promise<{ main(argv: readonly string[]): Promise<void> }> {
  if (path === undefined) return import("../gpu/device-plugin-main.ts");
  const bundle = (await import(pathToFileURL(path).href)) as {
    default: { main(argv: readonly string[]): Promise<void> };
  };
  return bundle.default;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
