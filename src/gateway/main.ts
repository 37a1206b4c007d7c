import { rmSync, writeFileSync } from "node:fs";
import { pino } from "pino";
import { TandemError } from "../errors.ts";
import { subscribe } from "../stream/subscribe.ts";
import { followApiKeys } from "./api-keys-file.ts";
import { readApiKeys, readGatewayConfig, readSecrets } from "./config.ts";
import { serveGateway } from "./serve.ts";

// `main.ts CONFIG.json`: one gateway replica. Secrets come from the environment, see `readSecrets`.
const log = pino({ name: "gateway", level: process.env.TANDEM_LOG_LEVEL ?? "info" });

try {
  const path = process.argv[2] ?? process.env.TANDEM_GATEWAY_CONFIG;
  if (path === undefined) throw new Error("want the path of a configuration file");
  const { TANDEM_SERVING_FILE: servingFile } = process.env;
  if (servingFile !== undefined) rmSync(servingFile, { force: true });
  const file = readGatewayConfig(path);
  const keys = readApiKeys(process.env);
  const config = { ...file, keys: [...file.keys, ...keys] };
  const running = await serveGateway(config, readSecrets(process.env), { subscribe, log });
  const { TANDEM_API_KEYS_FILE: keysFile } = process.env;
  if (keysFile !== undefined)
    followApiKeys(keysFile, keys, (next) => running.gateway.keys.replace([...file.keys, ...next]), log);
  // Whoever waits for this very process cannot ask over ports that it shares.
  if (servingFile !== undefined) writeFileSync(servingFile, "");
  log.info({ url: running.url, admin: running.adminUrl }, "gateway serves");
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      log.info({ signal, requests: running.gateway.traffic.riders.size }, "drains and stops");
      void running.stop().then(() => process.exit(0));
    });
} catch (error) {
  log.fatal(error instanceof TandemError ? error.toJSON() : { error: String(error) }, "the gateway cannot start");
  process.exitCode = 2;
}
