import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { pino } from "pino";
import { TandemError } from "../errors.ts";
import { kubeClient } from "../kube/client.ts";
import { subscribe } from "../stream/subscribe.ts";
import { reconcilerConfig } from "./config.ts";
import { serveDashboard } from "./dashboard/serve.ts";
import { listen } from "./listen.ts";
import { ReconcilerMetrics } from "./metrics.ts";
import { Reconciler } from "./reconciler.ts";

// `main.ts [--kubeconfig FILE]`: one replica of the reconciler of one ModelService. Settings are environment variables.
const log = pino({ name: "reconciler", level: process.env.TANDEM_LOG_LEVEL ?? "info" });

// A function, since a CommonJS bundle cannot await at its top.
void main();

async function main(): Promise<void> {
  try {
    const config = reconcilerConfig(process.env, process.argv.slice(2));
    const client = kubeClient(config.kubeconfig);
    const metrics = new ReconcilerMetrics();
    // Chance, because a container that starts anew keeps its host name: it is not the one whose lease it finds.
    const identity = config.identity ?? `${hostname()}-${randomBytes(3).toString("hex")}`;
    const reconciler = new Reconciler({ ...config, client, identity, subscribe, log, metrics });
    const server = await listen(config.listen, metrics.registry, () => reconciler.isTurning());
    const { dashboard } = config;
    const page =
      dashboard === null
        ? null
        : await serveDashboard({ ...dashboard, ...reconciler.board, secret: config.adminToken, log });
    reconciler.start();
    log.info(
      { identity, listening: server.url, dashboard: page?.url ?? null, api: client.server },
      "the reconciler runs",
    );
    let stopping = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.on(signal, () => {
        if (stopping) process.exit(1);
        stopping = true;
        server.close();
        page?.close();
        void reconciler
          .stop()
          .then(() => client.close())
          .finally(() => process.exit(0));
      });
  } catch (error) {
    log.fatal(error instanceof TandemError ? error.toJSON() : { error: String(error) }, "the reconciler cannot start");
    process.exitCode = 2;
  }
}
