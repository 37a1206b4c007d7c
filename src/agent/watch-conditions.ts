import { readFileSync, statSync } from "node:fs";
import * as z from "zod/mini";
import { alignedTimer } from "../stream/aligned-timer.ts";
import { monitorState } from "./monitor-state.ts";
import type { Emit, Source } from "./source.ts";

const EVERY_MS = 1_000;
/** The reason in place of the writer's own, where the Node has no condition of that type any more. */
const GONE = "NoLongerOnTheNode";

const Conditions = z.array(
  z.object({ type: z.string(), status: z.enum(["True", "False", "Unknown"]), reason: z.string() }),
);

/**
 * Passes on the node conditions that others wrote (node-problem-detector, NVSentinel, kubelet). The reporter beside this
 * agent reads them from the API server and puts them into a file, so that nothing here waits for an API server.
 */
export function watchConditions({ path, emit }: { path: string; emit: Emit }): Source {
  const tell = monitorState(emit, "conditions");
  const told = new Map<string, string>();
  let version = "";
  const look = () => {
    try {
      const { mtimeMs, ino } = statSync(path);
      if (version === `${mtimeMs} ${ino}`) return;
      version = `${mtimeMs} ${ino}`;
      const present = Conditions.parse(JSON.parse(readFileSync(path, "utf8")));
      for (const condition of present) {
        const now = `${condition.status} ${condition.reason}`;
        if (told.get(condition.type) === now) continue;
        told.set(condition.type, now);
        emit({ kind: "condition", ...condition });
      }
      for (const type of told.keys()) {
        if (present.some((condition) => condition.type === type)) continue;
        // Its writer was uninstalled: nobody says anything about it any more, neither good nor bad.
        told.delete(type);
        emit({ kind: "condition", type, status: "Unknown", reason: GONE });
      }
      tell("working");
    } catch (error) {
      // Not there yet: the reporter has not reached an API server, which is no fault of this server.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") tell("failed", (error as Error).message.slice(0, 200));
    }
  };
  const end = alignedTimer(EVERY_MS, Date.now, look);
  look();
  return { stop: end };
}
