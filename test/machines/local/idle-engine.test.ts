import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { engineDir } from "../../../src/machines/home.ts";
import { cleanLocal } from "../../../src/machines/local/clean.ts";
import { endIdleEngine } from "../../../src/machines/local/idle-engine.ts";
import { builderPrefix } from "../../../src/machines/local/labels.ts";
import { imageLock } from "../../../src/machines/local/machine-image.ts";
import { withLock } from "../../../src/machines/lock.ts";
import { type OnDaemon, startFakeDaemon } from "../../support/fake-daemon.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const temporary = temporaryFolders();
let home: string;
let daemon: Awaited<ReturnType<typeof startFakeDaemon>>;
beforeEach(async () => {
  home = temporary();
  daemon = await startFakeDaemon(engineDir(home));
});
afterEach(() => daemon.end());

const nobody = async () => false;

describe.skipIf(process.platform !== "linux")("the private daemon", () => {
  test("ends when nothing is on it, once", async () => {
    const said: string[] = [];
    const end = () => endIdleEngine({ home, inUse: nobody, onProgress: (line) => said.push(line) });
    expect(await end()).toBe(true);
    expect(daemon.runs()).toBe(false);
    expect(await end()).toBe(false);
    expect(said).toEqual(["ending the private container daemon: no machine is on it"]);
  });

  test.each<[string, OnDaemon]>([
    ["a machine of some stack", { containers: [{ Names: ["/tandem-other-gpu-a"] }] }],
    ["a container of somebody else", { containers: [{ Names: ["/somebody"] }] }],
    ["the build of another home", { containers: [{ Names: [`/${builderPrefix({ home: "/other" })}bake`] }] }],
    ["a network without a machine", { networks: [{ Name: "tandem-other" }] }],
  ])("stays with %s", async (_what, there) => {
    daemon.put(there);
    expect(await endIdleEngine({ home, inUse: nobody })).toBe(false);
    expect(daemon.runs()).toBe(true);
  });

  test("stays while a command is at work that has made nothing yet, also one that began just now", async () => {
    expect(await endIdleEngine({ home, inUse: async () => true })).toBe(false);
    let asked = 0;
    expect(await endIdleEngine({ home, inUse: async () => ++asked === 2 })).toBe(false);
    expect(await withLock(imageLock({ home }), undefined, () => endIdleEngine({ home, inUse: nobody }))).toBe(false);
    expect(daemon.runs()).toBe(true);
  });

  test("stays when the last stack goes while another one's first `up` is at work, and goes when nobody is", async () => {
    let others = true;
    const goes = () => cleanLocal("last", { home, inUse: async () => others });
    await goes();
    expect(daemon.runs()).toBe(true);
    others = false;
    await goes();
    expect(daemon.runs()).toBe(false);
  });

  test("is left alone when it was killed", async () => {
    await daemon.end();
    expect(await endIdleEngine({ home, inUse: nobody })).toBe(false);
  });
});
