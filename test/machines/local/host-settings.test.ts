import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { joinSettings, leaveSettings } from "../../../src/machines/local/first-settings.ts";
import { assertSpace, plannedHostSettings } from "../../../src/machines/local/host-settings.ts";

it("says how much space there is and how much is needed, also for a folder that is not there yet", async () => {
  const folder = join(tmpdir(), "not", "there", "yet");
  await expect(assertSpace(folder, 0, "nothing")).resolves.toBeUndefined();
  const refused = assertSpace(folder, 1e9, "the machine image");
  await expect(refused).rejects.toMatchObject({ code: "E_NO_SPACE" });
  await expect(refused).rejects.toThrow(/\d+\.\d GiB are free at .*, 1000000000 GiB are needed/);
});

it.skipIf(process.platform !== "linux")("plans to raise limits for many machines and never to lower them", async () => {
  const many = await plannedHostSettings(10_000);
  expect(many).toContainEqual(expect.objectContaining({ name: "fs.inotify.max_user_instances", wanted: "240128" }));
  const none = await plannedHostSettings(0);
  for (const { name, present, wanted } of none.filter((row) => row.name.startsWith("fs."))) {
    expect(Number(wanted), name).toBeGreaterThan(Number(present));
  }
});

it("puts back what was there before the first of several homes, when the last has gone, in whatever order they go", async () => {
  const orders = ["a b c", "a c b", "b a c", "b c a", "c a b", "c b a"];
  for (const order of orders.map((text) => text.split(" "))) {
    const folder = mkdtempSync(join(tmpdir(), "tandem-settings-"));
    const place = { sysctls: join(folder, "sys"), record: join(folder, "record.json") };
    const setting = join(place.sysctls, "kernel/panic");
    mkdirSync(join(place.sysctls, "kernel"), { recursive: true });
    writeFileSync(setting, "1\n");
    const homes = ["a", "b", "c"].map((name) => join(folder, name));
    for (const home of homes) {
      mkdirSync(home);
      await joinSettings(home, ["kernel/panic", "kernel/not_here"], place);
      await joinSettings(home, ["kernel/panic"], place);
      // What kubelet does, of which the next home must not think that it was always so.
      writeFileSync(setting, "10\n");
    }
    for (const [at, name] of order.entries()) {
      // A home that somebody has deleted never says goodbye.
      if (name === "b" && at < 2) rmSync(join(folder, "b"), { recursive: true });
      else expect(await leaveSettings(join(folder, name), place)).toEqual(at === 2 ? ["kernel/panic"] : []);
    }
    expect(readFileSync(setting, "utf8").trim()).toBe("1");
    expect(existsSync(place.record)).toBe(false);
    expect(await leaveSettings(join(folder, "a"), place)).toEqual([]);
    rmSync(folder, { recursive: true });
  }
});
