import { afterEach, beforeEach, expect, test } from "vitest";
import { type Bmc, startBmc } from "../../../src/emulator/bmc/redfish.ts";

let bmc: Bmc;
let state: "On" | "Off";
let calls: string[];
let release: () => void;
let broken: boolean;

beforeEach(async () => {
  state = "On";
  calls = [];
  broken = false;
  release = () => {};
  const set = async (to: "On" | "Off") => {
    calls.push(to);
    if (broken) throw new Error("the supply does not answer");
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    state = to;
  };
  const power = { state: async () => state, on: () => set("On"), off: () => set("Off") };
  bmc = await startBmc({ host: "127.0.0.1", port: 0, user: "admin", password: "s3cret", server: "gpu-a", power });
});
afterEach(() => bmc.close());

const key = (user = "admin", password = "s3cret") => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
});
const get = (path: string, headers: Record<string, string> = key()) => fetch(bmc.url + path, { headers });
const reset = (body: string) =>
  fetch(`${bmc.url}/redfish/v1/Systems/1/Actions/ComputerSystem.Reset`, {
    method: "POST",
    headers: { ...key(), "content-type": "application/json" },
    body,
  });
const powerState = async () =>
  ((await (await get("/redfish/v1/Systems/1")).json()) as { PowerState: string }).PowerState;

test("only the user with the password sees the system; the service root is open", async () => {
  expect((await get("/redfish/v1/", {})).status).toBe(200);
  for (const headers of [{}, key("admin", "wrong"), key("root"), { authorization: "Bearer s3cret" }] as Record<
    string,
    string
  >[])
    expect((await get("/redfish/v1/Systems/1", headers)).status).toBe(401);
  expect(await (await get("/redfish/v1/Systems/1")).json()).toMatchObject({ HostName: "gpu-a", PowerState: "On" });
  expect(await (await get("/redfish/v1/Systems")).json()).toMatchObject({
    Members: [{ "@odata.id": "/redfish/v1/Systems/1" }],
  });
});

test("a power-off is accepted first and confirmed later", async () => {
  expect((await reset('{"ResetType":"ForceOff"}')).status).toBe(204);
  expect(await powerState()).toBe("PoweringOff");
  expect((await reset('{"ResetType":"On"}')).status).toBe(409);
  release();
  await expect.poll(powerState).toBe("Off");
  await reset('{"ResetType":"On"}');
  expect(await powerState()).toBe("PoweringOn");
  release();
  await expect.poll(powerState).toBe("On");
  expect(calls).toEqual(["Off", "On"]);
});

test("a power-off that does not work is never shown as off", async () => {
  broken = true;
  await reset('{"ResetType":"ForceOff"}');
  await expect
    .poll(async () => (await (await get("/redfish/v1/Systems/1")).json()) as object)
    .toMatchObject({
      PowerState: "On",
      Status: { Health: "Critical" },
    });
});

test.each(["", "{", '{"ResetType":"Nmi"}', "[]"])("a reset of %j is refused and changes nothing", async (body) => {
  expect((await reset(body)).status).toBe(400);
  expect(calls).toEqual([]);
});

test("unknown paths and methods", async () => {
  expect((await get("/redfish/v1/Chassis")).status).toBe(404);
  expect((await get("/redfish/v1/Systems/1/Actions/ComputerSystem.Reset")).status).toBe(405);
});
