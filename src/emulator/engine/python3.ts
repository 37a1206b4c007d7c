import { launchServer } from "./main.ts";

/** Stands in for the image's `python3`: runs the modules that exist here and refuses all others as Python does. */
async function main(argv: readonly string[]): Promise<void> {
  const [option, module, ...rest] = argv;
  if (option === "-m" && module === "sglang.launch_server") return launchServer(rest);
  if (option === "-m" && module === "tandem.device_plugin")
    return (await import("../gpu/device-plugin-main.ts")).main();
  if (option === "-m" && module === "tandem.fault") return (await import("./fault-client.ts")).main(rest);
  console.error(
    option === "-m"
      ? `/usr/bin/python3: No module named ${module ?? ""}`
      : "python3: this image runs `-m sglang.launch_server` only",
  );
  process.exit(1);
}

await main(process.argv.slice(2));
