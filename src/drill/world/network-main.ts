import { rmSync } from "node:fs";
import { monotonicMs } from "../clock.ts";
import { Cable } from "./cable.ts";
import type { Link, NetworkOrder, NetworkReport } from "./network-messages.ts";
import { ProcessGroups } from "./process-groups.ts";
import { StreamSpotter } from "./spotter.ts";

// The cables of all emulated servers, in a process of their own: a power cut kills every process of a server, and its
// cable must outlive them to keep silent. It also cleans up after a rehearsal that was killed.

const folder = process.argv[2] ?? "";
const cables = new Map<string, Cable>();
const processGroups = new ProcessGroups();
const tell = (report: NetworkReport): void => {
  // The rehearsal may be gone already; `disconnect` deals with that.
  if (process.connected) process.send?.(report, () => {});
};

function cableOf(server: string, link: Link): Cable {
  const key = `${server} ${link}`;
  const cable = cables.get(key) ?? new Cable();
  cables.set(key, cable);
  return cable;
}

const LINKS: readonly Link[] = ["engine", "management"];
function cablesOf(server: string, link?: Link): Cable[] {
  return LINKS.filter((one) => link === undefined || one === link).map((one) => cableOf(server, one));
}

async function obey(order: NetworkOrder): Promise<NetworkReport> {
  const { id } = order;
  switch (order.order) {
    case "open": {
      const { server, link, target, watch, patient, dark } = order;
      const spotter = new StreamSpotter((stream) => tell({ report: "request", server, stream, atMs: monotonicMs() }));
      const port = await cableOf(server, link).open(target, {
        patient,
        dark,
        ...(watch ? { tap: (bytes: Buffer, connection: number) => spotter.look(bytes, connection) } : {}),
      });
      return { report: "done", id, atMs: monotonicMs(), port };
    }
    case "cut": {
      const atMs = monotonicMs();
      await Promise.all(cablesOf(order.server, order.link).map((cable) => cable.cut()));
      return { report: "done", id, atMs };
    }
    case "mend":
      await Promise.all(cablesOf(order.server, order.link).map((cable) => cable.mend(order)));
      return { report: "done", id, atMs: monotonicMs() };
    case "keep":
      processGroups.add(order.processGroup);
      return { report: "done", id, atMs: monotonicMs() };
    case "forget-ended":
      processGroups.forgetEnded();
      return { report: "done", id, atMs: monotonicMs() };
  }
}

process.on("message", (order: NetworkOrder) => {
  obey(order).then(tell, (error: unknown) => tell({ report: "failed", id: order.id, error: String(error) }));
});
process.on("disconnect", () => {
  processGroups.kill();
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
// Ctrl-C is for the rehearsal: it ends this process when it has used the cables for the last time.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
