import { once } from "node:events";
import { createConnection } from "node:net";
import type { RankProcess } from "./rank-processes.ts";

const TIMEOUT_MS = 5_000;
/** Where the emulated engine listens in its container (`EMULATOR_CONTROL_SOCKET`). */
const SOCKET = "run/tandem/engine.sock";

/** Gives an order to the emulated engine of a container on this computer, through the files of one of its ranks. */
export async function orderEngine([rank]: readonly RankProcess[], order: object): Promise<void> {
  if (rank === undefined) throw new Error("no rank runs there");
  const socket = createConnection(`/proc/${rank.pid}/root/${SOCKET}`);
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
  socket.write(`${JSON.stringify(order)}\n`);
  const [answer] = (await once(socket.setEncoding("utf8"), "data")) as [string];
  socket.destroy();
  const { ok, error } = JSON.parse(answer.split("\n")[0] ?? "") as { ok: boolean; error?: string };
  if (!ok) throw new Error(`the engine refused ${JSON.stringify(order)}: ${error}`);
}
