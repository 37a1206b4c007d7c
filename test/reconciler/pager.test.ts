import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Page } from "../../src/reconciler/webhook/deliver.ts";
import { Pager, type Trouble } from "../../src/reconciler/webhook/pager.ts";

const TROUBLE: Trouble = {
  stack: "prod",
  namespace: "tandem-prod",
  reason: "no-intact-group",
  detail: "a lost gpu-a, b lost gpu-c",
  fix: "start gpu-a or gpu-c",
  active: "a",
  epoch: 7,
  since: "2026-01-01T00:00:00Z",
};
const TIMES = { holdMs: 0, overMs: 50, firstPauseMs: 5, lastPauseMs: 20, refusedPauseMs: 10 };

/** A pager that answers with these status codes in turn, then with 202. */
class Listener {
  /** Those that were taken. */
  readonly pages: Page[] = [];
  /** Of all, also of those that were not taken. */
  readonly tried: Page["action"][] = [];
  readonly headers: IncomingHttpHeaders[] = [];
  answers: number[] = [];
  readonly #server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part) => {
      text += part;
    });
    request.on("end", () => {
      const status = this.answers.shift() ?? 202;
      this.headers.push(request.headers);
      const page = JSON.parse(text) as Page;
      this.tried.push(page.action);
      if (status < 300) this.pages.push(page);
      response.writeHead(status).end("a secret of the other side");
    });
  });

  async url(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v2/KEY-1234`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

let folder: string;
let listener: Listener;
let pager: Pager;
let problems: string[];
const make = (times = {}) =>
  new Pager({ folder, onProblem: (why) => problems.push(why), onTold: () => {}, times: { ...TIMES, ...times } });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "pager-"));
  listener = new Listener();
  writeFileSync(join(folder, "url"), `${await listener.url()}\n`);
  problems = [];
  pager = make();
});
afterEach(async () => {
  await pager.close();
  listener.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("a person is needed", () => {
  test("is told once, however often it is decided, with a key of its own and in words to act on", async () => {
    for (let at = 0; at < 100; at++) pager.see({ ...TROUBLE, detail: `${at} s`, since: `later ${at}` }, at / 10);
    await expect.poll(() => listener.pages.length).toBe(1);
    pager.see({ ...TROUBLE, detail: "other words" }, 20);
    expect(listener.pages[0]).toEqual({
      version: 1,
      action: "trigger",
      dedupeKey: "tandem/tandem-prod/prod/no-intact-group",
      ...TROUBLE,
      detail: expect.any(String),
      since: "later 0",
    });
    expect(listener.headers[0]?.["content-type"]).toBe("application/json");
    expect(problems).toEqual([]);
  });

  test("and told when it is over, after its trigger, whatever came between", async () => {
    pager.see(TROUBLE, 0);
    pager.see(null, 30);
    pager.see(TROUBLE, 40);
    pager.see(null, 60);
    await expect.poll(() => listener.pages.length).toBe(1);
    pager.see(null, 95);
    await expect.poll(() => listener.pages.map(({ action }) => action)).toEqual(["trigger", "resolve"]);
    expect(new Set(listener.pages.map(({ dedupeKey }) => dedupeKey)).size).toBe(1);
  });

  test("two troubles are two keys", async () => {
    pager.see(TROUBLE, 0);
    pager.see({ ...TROUBLE, reason: "not-fenced" }, 1);
    await expect.poll(() => new Set(listener.pages.map(({ dedupeKey }) => dedupeKey)).size).toBe(2);
  });

  test("a decision of a moment wakes nobody up", async () => {
    pager = make({ holdMs: 3_000 });
    pager.see(TROUBLE, 0);
    pager.see(TROUBLE, 2_999);
    pager.see(null, 6_000);
    pager.see(TROUBLE, 6_001);
    pager.see(null, 20_000);
    await pager.close();
    expect(listener.pages).toEqual([]);
  });
});

describe("a listener that has trouble of its own", () => {
  test("is tried until it takes the page; each kind of failure is told once, without the address", async () => {
    listener.answers = [500, 503, 503, 429];
    pager.see(TROUBLE, 0);
    await expect.poll(() => listener.pages.length).toBe(1);
    expect(listener.headers).toHaveLength(5);
    expect(new Set(listener.headers.map((headers) => headers["idempotency-key"])).size).toBe(1);
    expect(problems).toEqual(["the webhook answers 500", "the webhook answers 503", "the webhook answers 429"]);
    expect(problems.join()).not.toMatch(/KEY-1234|secret/);
  });

  test("an address that is mended while it is tried is used", async () => {
    const good = await new Listener().url().catch(() => "");
    expect(good).not.toBe("");
    const right = `http://127.0.0.1:${new URL((await import("node:fs")).readFileSync(join(folder, "url"), "utf8").trim()).port}/`;
    writeFileSync(join(folder, "url"), "http://127.0.0.1:9/");
    pager.see(TROUBLE, 0);
    await expect.poll(() => problems.length).toBeGreaterThan(0);
    writeFileSync(join(folder, "url"), right);
    writeFileSync(join(folder, "authorization"), "Token abc\n");
    await expect.poll(() => listener.pages.length).toBe(1);
    expect(listener.headers.at(-1)?.authorization).toBe("Token abc");
    expect(problems[0]).toMatch(/does not answer/);
  });

  test("no address at all is told and tried again", async () => {
    rmSync(join(folder, "url"));
    pager.see(TROUBLE, 0);
    await expect.poll(() => problems).toEqual(["the webhook's address cannot be read: ENOENT"]);
  });

  test("what is over before anything was tried is not told at all", async () => {
    pager.see(TROUBLE, 0);
    pager.see(null, 100);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(listener.headers).toEqual([]);
  });

  test("what is over before it was taken is not told late, only ended", async () => {
    listener.answers = Array.from({ length: 1_000 }, () => 500);
    pager.see(TROUBLE, 0);
    await expect.poll(() => listener.headers.length).toBeGreaterThan(1);
    const before = listener.tried.length;
    pager.see(null, 100);
    await expect.poll(() => listener.tried.at(-1)).toBe("resolve");
    listener.answers = [];
    await expect.poll(() => listener.pages.map(({ action }) => action)).toEqual(["resolve"]);
    // One may have been on its way.
    expect(listener.tried.slice(before).filter((action) => action === "trigger").length).toBeLessThanOrEqual(1);
  });

  test("closing ends all tries at once", async () => {
    listener.answers = Array.from({ length: 1_000 }, () => 500);
    pager.see(TROUBLE, 0);
    await expect.poll(() => listener.headers.length).toBeGreaterThan(0);
    await pager.close();
    const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
    // One that was on its way may still come in.
    await pause();
    const tries = listener.headers.length;
    await pause();
    expect(listener.headers.length).toBe(tries);
  });
});
