import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A port of this computer that answers as a server without power does: not at all, not even a SYN. */
export interface DeafPort {
  url: string;
  close(): Promise<void>;
}

/** Listens with room for one connection, tells its port, and stands still. */
const LISTENER = `
  const server = require("node:net").createServer();
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    process.stdout.write(String(server.address().port) + "\\n", () => process.kill(process.pid, "SIGSTOP"));
  });
`;
/** The kernel takes one more than the backlog; all after these wait for a SYN to be answered. */
const FILLERS = 4;

export async function deafPort(): Promise<DeafPort> {
  const child = spawn(process.execPath, ["-e", LISTENER], { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = await once(child.stdout, "data");
  const port = Number(String(said));
  const fillers = Array.from({ length: FILLERS }, () => connect(port, "127.0.0.1").on("error", () => {}));
  await full(fillers);
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      for (const filler of fillers) filler.destroy();
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

/** Until one of them is left waiting though others were taken. */
async function full(fillers: readonly Socket[]): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end; await delay(20)) {
    const taken = fillers.filter(({ readyState }) => readyState === "open").length;
    if (taken > 0 && taken < fillers.length) return;
  }
  throw new Error("the kernel took every connection");
}
