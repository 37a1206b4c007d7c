import { expect, test } from "vitest";
import { repair } from "../../src/drill/cluster/repair.ts";
import type { Engine } from "../../src/machines/local/engine.ts";
import { containerName, LABEL, ownerId } from "../../src/machines/local/labels.ts";

interface State {
  Running: boolean;
  Paused: boolean;
  Status: string;
  Pid: number;
}

const HOME = "/nowhere";
const on = (Pid: number): State => ({ Running: true, Paused: false, Status: "running", Pid });
const off: State = { Running: false, Paused: false, Status: "exited", Pid: 0 };

/** An engine whose machine is in these states, look by look, the last one for ever; thawing it fails. */
function engineOf(states: State[]) {
  const asked: string[] = [];
  const find = async () => {
    const [State] = states.length > 1 ? states.splice(0, 1) : states;
    const Labels = { [LABEL.owner]: ownerId({ home: HOME }) };
    return { Id: "id", Name: `/${containerName("s", "gpu-a")}`, State, Config: { Labels } };
  };
  const call = async (method: string, path: string) => {
    asked.push(`${method} ${path}`);
    if (path.endsWith("/unpause")) throw new Error("it died at that moment");
    return {};
  };
  return { asked, engine: { home: HOME, api: { find, call } } as unknown as Engine };
}

test.each([
  ["is off when it is looked at again", [on(7), on(7), off], true],
  ["is off a moment later", [on(7), on(7), on(7), on(7), off], true],
  ["is on again, as another process", [on(7), on(7), on(9)], false],
  ["is on again a moment later", [on(7), on(7), on(7), on(9)], false],
])("a frozen machine that %s wants no thawing", async (_name, states, powered) => {
  const { engine, asked } = engineOf([...states]);
  await repair(engine, "s", "gpu-a", "server-freeze");
  expect(asked.includes("POST /containers/id/start")).toBe(powered);
});

test("one that runs on as it was, and cannot be thawed, is a failure", async () => {
  await expect(repair(engineOf([on(7)]).engine, "s", "gpu-a", "server-freeze")).rejects.toThrow("died at that moment");
});
