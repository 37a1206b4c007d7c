import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeEngine } from "../../src/machines/local/engine.ts";
import { formatAddress, parseSubnet } from "../../src/machines/local/subnets.ts";

const root = join(import.meta.dirname, "../..");
const has = (program: string) =>
  (process.env.PATH ?? "").split(":").some((folder) => existsSync(join(folder, program)));

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "tandem-obstacle-"));
});
afterEach(async () => {
  // Beside the tools that could not be had, a container daemon may have been made ready.
  await removeEngine({ home: join(home, "home") });
  rmSync(home, { recursive: true, force: true });
});

/** `tandem up` on a computer that has nothing of ours yet; `before` are words that run it. */
async function up(
  change: (spec: string) => string,
  { env = {}, before = [] }: { env?: Record<string, string>; before?: string[] } = {},
) {
  const spec = join(home, "local.yaml");
  writeFileSync(spec, change(readFileSync(join(root, "stacks/local.yaml"), "utf8")));
  const [program = "", ...args] = [...before, process.execPath, join(root, "src/cli/main.ts"), "up", spec];
  const { exitCode, all } = await execa(program, args, {
    cwd: root,
    all: true,
    reject: false,
    stdin: "ignore",
    env: { NO_COLOR: "1", TANDEM_HOME: join(home, "home"), ...env },
  });
  return { exitCode, text: all };
}

/** A network that this computer is on. */
function ownNetwork(): string | undefined {
  // By a card, and not of a stack that may be up here meanwhile.
  const text = execFileSync("ip", ["-4", "-json", "route", "show", "scope", "link"], { encoding: "utf8" });
  const routes = JSON.parse(text || "[]") as { dst: string; dev?: string }[];
  const own = routes.filter(({ dev = "tandem-" }) => !/^(tandem-|docker|br-)/.test(dev));
  return own.map(({ dst }) => dst).find((dst) => /^\d.*\/(1[6-9]|2\d)$/.test(dst));
}

test.runIf(process.platform === "linux" && has("ip") && ownNetwork() !== undefined)(
  "a subnet that this computer is on is refused before anything is built, with one that is free",
  async () => {
    const { text: taken, first } = parseSubnet(ownNetwork() ?? "");
    const prefix = formatAddress(first).replace(/\d+$/, "");
    const { exitCode, text } = await up((spec) => spec.replaceAll("10.231.0.", prefix));
    expect(exitCode, text).toBe(1);
    expect(text).toContain(`subnet ${prefix}0/24 overlaps ${taken}`);
    expect(text).toMatch(/fix: choose another network in the spec; \S+ is free here[\s\S]+\[E_SUBNET_TAKEN\]/);
    expect(text).not.toContain("tools");
  },
);

/** The stack of this spec may be up on this computer; another home could not have its network. */
const elsewhere = (spec: string) => spec.replaceAll("10.231.0.", "10.237.77.");
// A port where nobody listens is what a computer without a way out meets.
const OFFLINE = { GOPROXY: "http://127.0.0.1:9", GOFLAGS: "", GOSUMDB: "off" };

test.runIf(process.platform === "linux" && has("go"))(
  "without a network the proxy that was not reached is named, and nothing is in the way of the next try",
  async () => {
    for (const _attempt of [1, 2]) {
      const { exitCode, text } = await up(elsewhere, { env: OFFLINE });
      expect(exitCode, text).toBe(1);
      expect(text).toMatch(
        /could not be built: its sources were not fetched: http:\/\/127\.0\.0\.1:9 cannot be reached/,
      );
      expect(text).toMatch(
        /fix: connect this computer[\s\S]+GOPROXY[\s\S]+run the same command again[\s\S]+\[E_NO_NETWORK\]/,
      );
    }
  },
);

test.runIf(process.platform === "linux" && process.getuid?.() === 0 && has("go") && has("unshare"))(
  "a full disk is named with what it has and what is needed; with room, the same command goes on to the next step",
  async () => {
    const folder = join(home, "home");
    mkdirSync(folder);
    // A disk of its own for TANDEM_HOME, which goes with the command.
    const onDisk = (size: string) => ({
      env: OFFLINE,
      before: ["unshare", "-m", "sh", "-c", `mount -t tmpfs -o size=${size} tmpfs "$0" && exec "$@"`, folder],
    });
    const full = await up(elsewhere, onDisk("1m"));
    expect(full.exitCode, full.text).toBe(1);
    expect(full.text).toMatch(/not enough disk space for building tools: 0\.0 GiB are free at \S+, 8 GiB are needed/);
    expect(full.text).toMatch(/fix: free some space[\s\S]+\[E_NO_SPACE\]/);
    expect((await up(elsewhere, onDisk("9g"))).text).toContain("[E_NO_NETWORK]");
  },
);
