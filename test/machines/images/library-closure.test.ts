import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { libraryClosure, parseLoaderList } from "../../../src/machines/images/library-closure.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const folder = temporaryFolders();

describe("what the loader prints", () => {
  test("libraries, the loader under the name that programs ask for, no vdso", () => {
    const text = [
      "\tlinux-vdso.so.1 (0x00007ffd)",
      "\tlibmnl.so.0 => /lib/x86_64-linux-gnu/libmnl.so.0 (0x00007f)",
      "\t/lib64/ld-linux-x86-64.so.2 (0x00007f)",
    ].join("\n");
    expect(parseLoaderList(text, "iptables")).toEqual([
      { path: "lib/x86_64-linux-gnu/libmnl.so.0", from: "/lib/x86_64-linux-gnu/libmnl.so.0" },
      { path: "lib64/ld-linux-x86-64.so.2", from: "/lib64/ld-linux-x86-64.so.2" },
    ]);
  });

  test("with a root of its own, paths are those inside it and the loader is its own", () => {
    const text = [
      "\tlibc.so.6 => /r/lib/libc.so.6 (0x00007f)",
      "\t/lib64/ld-linux-x86-64.so.2 => /r/lib/ld-linux-x86-64.so.2 (0x00007f)",
    ].join("\n");
    expect(parseLoaderList(text, "p", { root: "/r", loader: "/r/lib/ld-linux-x86-64.so.2" })).toEqual([
      { path: "lib/libc.so.6", from: "/r/lib/libc.so.6" },
      { path: "lib64/ld-linux-x86-64.so.2", from: "/r/lib/ld-linux-x86-64.so.2" },
    ]);
  });

  test.each([
    ["\tlibgone.so.1 => not found", {}, "libgone.so.1"],
    ["\tlibc.so.6 => /lib/libc.so.6 (0x1)", { root: "/r", loader: "/r/ld" }, "found only outside"],
  ])("%j is refused", (text, options, why) => {
    expect(() => parseLoaderList(text, "p", options)).toThrow(why);
  });

  test("a static program needs nothing", () => {
    expect(parseLoaderList("\tstatically linked\n", "p")).toEqual([]);
  });
});

const program = "/bin/ls";

test.skipIf(process.platform !== "linux" || !existsSync(program))("a program runs with its closure alone", async () => {
  const root = folder();
  const files = await libraryClosure([program]);
  for (const file of [...files, { path: "bin/ls", from: program }]) {
    if (!("from" in file)) throw new Error(`${file.path} is no copy of a file`);
    const to = join(root, file.path);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(file.from, to);
  }
  const loader = files.find(({ path }) => /ld-[^/]*$|ld-linux/.test(path))?.path ?? "";
  const libraries = [...new Set(files.map(({ path }) => join(root, dirname(path))))].join(":");
  // The copied loader looks nowhere else.
  const listed = execFileSync(
    join(root, loader),
    ["--inhibit-cache", "--library-path", libraries, join(root, "bin/ls"), root],
    {
      encoding: "utf8",
    },
  );
  expect(listed.split("\n")).toContain("bin");
});
