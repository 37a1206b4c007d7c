import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
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
