import { existsSync, readFileSync } from "node:fs";
import { execa } from "execa";
import { z } from "zod";
import { stackDir } from "../../machines/home.ts";
import { findEngine } from "../../machines/local/engine.ts";
import { bridgeName } from "../../machines/local/labels.ts";
import { recordOf } from "../../machines/process-record.ts";
import { replaceFile } from "../../machines/replace-file.ts";
import { readKeyPair, readLocalBmcs } from "./credentials.ts";
import { BMC_PORT, bmcFiles } from "./keeper.ts";
import { localPower } from "./local-power.ts";
import { startBmc } from "./redfish.ts";

// `main.ts STACK FILE`: the BMCs of a local stack, each on the address that FILE gives it, on the bridge that the machines
// share. `keeper.ts` starts it; it says "ready" or what is wrong over the channel to it.
const LOOK_EVERY_MS = 5000;
const Servers = z.record(z.string(), z.ipv4());

const [, , stack = "", file = ""] = process.argv;
try {
  // Before anything else, by itself: whoever started it may be killed at any moment.
  const record = await recordOf(process.pid);
  await replaceFile(bmcFiles(stackDir(stack)).process, JSON.stringify(record), 0o600);
  const servers = Servers.parse(JSON.parse(readFileSync(file, "utf8")));
  const engine = await findEngine();
  if (engine === undefined) throw new Error("there is no engine");
  const tls = await readKeyPair(stack);
  if (tls === undefined) throw new Error("there is no certificate");
  const known = await readLocalBmcs(stack, servers);
  for (const [server, { user, password }] of Object.entries(known)) {
    const host = servers[server] ?? "";
    // It goes with the bridge.
    await execa("ip", ["address", "replace", `${host}/32`, "dev", bridgeName(engine, stack)]);
    const power = localPower(engine, stack, server);
    await startBmc({ host, port: BMC_PORT, user, password, server, power, tls });
  }
  process.send?.("ready");
  // Without its stack it is nobody's, whoever took that away.
  setInterval(() => existsSync(file) || process.exit(0), LOOK_EVERY_MS).unref();
} catch (error) {
  process.send?.({ error: (error as Error).message });
  process.exitCode = 1;
  process.disconnect?.();
}
