import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { POLICY } from "../../src/reconciler/dashboard/answers.ts";
import type { ServedDashboard } from "../../src/reconciler/dashboard/serve.ts";
import type { Dashboard } from "../../src/report/dashboard/dashboard.ts";
import { certificateForLoopback } from "../support/certificate.ts";
import { bearer, csrfOf, keysOf, login, OPERATOR, servePage, VIEWER } from "./dashboard-fixture.ts";
import { Stage } from "./stage.ts";

let stage: Stage;
let page: ServedDashboard;
let url: string;
let keys = keysOf();
beforeAll(async () => {
  stage = await Stage.open();
  const reconciler = stage.reconciler("r1");
  page = await servePage(reconciler, () => keys);
  url = page.url;
  await stage.until("both groups serve", () => stage.condition("Redundant") === "True");
});
afterAll(async () => {
  page?.close();
  await stage?.close();
});

const state = async (from = url) =>
  (await (await fetch(`${from}/state`, { headers: bearer(VIEWER) })).json()) as Dashboard;
const post = (path: string, headers: Record<string, string>, form: Record<string, string>) =>
  fetch(url + path, { method: "POST", headers, body: new URLSearchParams(form), redirect: "manual" });

describe("who may come in", () => {
  test.each([
    ["GET", "/"],
    ["GET", "/state"],
    ["GET", "/events"],
    ["GET", "/switchover"],
    ["GET", "/drill"],
    ["POST", "/switchover"],
    ["POST", "/drill"],
    ["POST", "/logout"],
  ])("without a key %s %s is refused, and says nothing of the stack's state", async (method, path) => {
    for (const headers of [{}, bearer("dash-wrong"), { cookie: "tandem-prod=eyJ.x" }] as Record<string, string>[]) {
      const response = await fetch(url + path, { method, headers });
      expect(response.status).toBe(401);
      expect(await response.text()).not.toContain("gpu-a");
    }
  });

  test("a wrong key is told so, many are not logged any more, and the right one still comes in", async () => {
    expect(await (await post("/login", {}, { key: "wrong" })).text()).toContain("This key opens nothing here.");
    const tries = await Promise.all(Array.from({ length: 40 }, () => post("/login", {}, { key: "wrong" })));
    expect(tries.map(({ status }) => status)).toContain(429);
    expect((await post("/login", {}, { key: VIEWER })).status).toBe(303);
  });

  test("a viewer may look only", async () => {
    for (const path of ["/switchover", "/drill"]) {
      expect((await fetch(url + path, { headers: bearer(VIEWER) })).status).toBe(403);
      expect((await post(path, bearer(VIEWER), { to: "b", epoch: "1" })).status).toBe(403);
    }
    expect(stage.service.spec.request).toBeUndefined();
  });

  test("every answer carries the policy; the cookie is HttpOnly and SameSite=Strict", async () => {
    const response = await post("/login", {}, { key: VIEWER });
    expect(response.headers.get("set-cookie")).toMatch(
      /^tandem-prod=\S+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    );
    for (const path of ["/", "/state"]) {
      const { headers } = await fetch(url + path, { headers: bearer(VIEWER) });
      expect(headers.get("content-security-policy")).toBe(POLICY);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("cache-control")).toBe("no-store");
    }
    expect(POLICY).not.toContain("unsafe");
  });
});

describe("a session", () => {
  let cookie: string;
  beforeAll(async () => {
    cookie = await login(url, OPERATOR);
  });

  test.each([
    ["no token", {}, {}],
    ["another session's", {}, { csrf: "x".repeat(43) }],
    ["the right one, from another site", { "sec-fetch-site": "cross-site" }, { csrf: "own" }],
    ["the right one, from another origin", { origin: "http://evil.example" }, { csrf: "own" }],
  ] as [string, Record<string, string>, Record<string, string>][])(
    "a form with %s is refused",
    async (_name, headers, more) => {
      const own = await csrfOf(url, cookie);
      const form = { to: "b", epoch: "1", ...more, ...(more.csrf === "own" ? { csrf: own } : {}) };
      for (const path of ["/switchover", "/drill", "/logout"])
        expect((await post(path, { cookie, ...headers }, form)).status).toBe(403);
      expect(stage.service.spec.request).toBeUndefined();
    },
  );

  test("a plan that is not true any more is refused, with the new one", async () => {
    const csrf = await csrfOf(url, cookie);
    const response = await post("/switchover", { cookie }, { to: "b", epoch: "77", csrf });
    expect(response.status).toBe(409);
    expect(await response.text()).toContain("traffic has moved since you looked");
    expect(stage.service.spec.request).toBeUndefined();
  });

  test("what is no form, or too long, is refused", async () => {
    const body = `csrf=${"x".repeat(9_000)}`;
    const headers = { cookie, "content-type": "application/x-www-form-urlencoded" };
    expect((await fetch(`${url}/switchover`, { method: "POST", headers, body })).status).toBe(400);
    expect((await fetch(`${url}/switchover`, { method: "POST", headers: { cookie }, body: "x" })).status).toBe(400);
    expect((await fetch(`${url}/switchover`, { method: "DELETE", headers: { cookie } })).status).toBe(405);
    expect((await fetch(`${url}/nothing`, { headers: { cookie } })).status).toBe(404);
  });

  test("it goes on at the other replica, and ends with its key, also for what it has opened", async () => {
    const other = await servePage(stage.reconciler("r3"), () => keys);
    try {
      expect((await fetch(`${other.url}/`, { headers: { cookie } })).status).toBe(200);
      const stream = await fetch(`${url}/events`, { headers: { cookie } });
      const reader = stream.body?.getReader();
      expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toContain("retry: 1000");
      keys = keys.filter(({ name }) => name !== "operator");
      expect((await fetch(`${url}/`, { headers: { cookie } })).status).toBe(401);
      const drained = async () => {
        for (;;) if ((await reader?.read())?.done !== false) return "ended";
      };
      expect(await drained().catch(() => "cut")).toMatch(/ended|cut/);
    } finally {
      keys = keysOf();
      other.close();
    }
  });

  test("both replicas show the same, also the one that only looks on", async () => {
    const other = await servePage(stage.reconciler("r4"), () => keys);
    try {
      const ofOther = await vi.waitUntil(
        async () => {
          const seen = await state(other.url);
          return seen.groups.length === 2 && seen.gateways.every(({ answers }) => answers) && seen;
        },
        { timeout: 20_000 },
      );
      const { by, at, ...here } = await state();
      expect(ofOther.by).toBe("r4");
      expect(ofOther).toMatchObject({
        active: here.active,
        epoch: here.epoch,
        takeover: here.takeover,
        decision: here.decision,
      });
      expect(ofOther.groups.map(({ servers }) => servers.map(({ gpus }) => gpus.length))).toEqual([
        [8, 8],
        [8, 8],
      ]);
    } finally {
      other.close();
    }
  });
});

test("with a certificate it is served over TLS, and its cookie goes no other way", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dashboard-tls-"));
  const { cert, key } = certificateForLoopback();
  const files = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key") };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  const secure = await servePage(stage.reconciler("r5"), () => keys, files);
  const dispatcher = new Agent({ connect: { ca: cert } });
  try {
    expect(secure.url).toMatch(/^https:/);
    const body = new URLSearchParams({ key: VIEWER }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const answered = await request(`${secure.url}/login`, { method: "POST", headers, body, dispatcher });
    expect(answered.statusCode).toBe(303);
    expect(answered.headers["set-cookie"]).toMatch(
      /^__Host-tandem-prod=\S+; Path=\/; HttpOnly; SameSite=Strict; .*; Secure$/,
    );
  } finally {
    await dispatcher.close();
    secure.close();
    rmSync(folder, { recursive: true });
  }
});
