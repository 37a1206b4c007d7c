import { readFileSync } from "node:fs";
import { execa } from "execa";
import { readKeyPair, readLocalBmcs } from "../../src/emulator/bmc/credentials.ts";
import { stackFiles } from "../../src/infra/stack/stack-files.ts";
import { readStackSecrets } from "../../src/infra/stack/stack-secrets.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { parseKubeconfig } from "../../src/kube/kubeconfig.ts";
import type { Remote } from "../../src/machines/server/remote.ts";

/** Everything of a stack that nobody else may read: what its parts show each other, and a line of the administrator's key. */
export async function secretsOf(stack: string): Promise<Record<string, string>> {
  const { "gpu-a": bmc } = await readLocalBmcs(stack, { "gpu-a": "" });
  const files = stackFiles(stack);
  const { key } = parseKubeconfig(readFileSync(files.kubeconfig, "utf8"));
  const secrets: Record<string, string> = {
    ...(await readStackSecrets(stack)),
    "admin's key": String(key).split("\n")[1] ?? "",
    "password of gpu-a's BMC": bmc?.password ?? "",
    "key of the BMCs": (await readKeyPair(stack))?.key.split("\n")[1] ?? "",
    passphrase: readFileSync(files.passphrase, "utf8").trim(),
  };
  // One that is missing would be found nowhere, and the search would say that all is well.
  for (const [name, text] of Object.entries(secrets)) if (text.length < 20) throw new Error(`no ${name} to search for`);
  return secrets;
}

/** A text as it is, and as it looks within base64 of something longer, at each of the three places where it can begin. */
export function shapesOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const encoded = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  return [secret, ...encoded];
}

/** Which of these secrets a text holds, by name. */
export function secretsIn(text: string, secrets: Readonly<Record<string, string>>): string[] {
  return Object.keys(secrets).filter((name) => shapesOf(secrets[name] as string).some((shape) => text.includes(shape)));
}

const patternsOf = (secrets: Readonly<Record<string, string>>) => Object.values(secrets).flatMap(shapesOf).join("\n");

/** Files below these folders of this computer that hold one. */
export async function filesWith(
  folders: readonly string[],
  secrets: Readonly<Record<string, string>>,
): Promise<string[]> {
  const { stdout, exitCode, stderr } = await execa("grep", ["-rlaF", "-D", "skip", "-f", "-", ...folders], {
    input: patternsOf(secrets),
    reject: false,
  });
  if (exitCode === undefined || exitCode > 1) throw new Error(stderr);
  return stdout.split("\n").filter((path) => path !== "");
}

// What was written since the machine was made: files of every mount but the kernel's own, the journal as text (its files may be
// compressed), and what the programs were started with. The patterns never get on a command line.
const SERVER = `
patterns=$(cat)
{ find / \\( -path /proc -o -path /sys -o -path /dev -o -path '/run/containerd/*/rootfs' \\) -prune -o -type f -newer /etc/machine-id -size -64M -print0 |
  xargs -0 grep -laFs -f <(printf '%s' "$patterns") || true; } | sort
{ journalctl --no-pager -o cat || true; } | { grep -caF -f <(printf '%s' "$patterns") || true; } | sed 's/^/journal: /'
for one in /proc/[0-9]*/cmdline; do grep -qaFs -f <(printf '%s' "$patterns") "$one" && printf 'command: %s\\n' "$(tr '\\0' ' ' < "$one" | head -c 40)"; done || true`;

/** Files, log lines (by their number) and command lines of a server that hold one. */
export async function serverPlacesWith(remote: Remote, secrets: Readonly<Record<string, string>>): Promise<string[]> {
  const found = await remote.run(SERVER, { step: "search for secrets", input: patternsOf(secrets) });
  return found.split("\n").filter((line) => line !== "" && line !== "journal: 0");
}

interface Resources {
  resources: { name: string; kind: string; verbs: string[] }[];
}

/** Objects of the cluster, of whatever kind but Secret, that hold one: `kind namespace/name`. */
export async function objectsWith(client: KubeClient, secrets: Readonly<Record<string, string>>): Promise<string[]> {
  const get = <Result>(path: string) => client.json<Result>({ method: "GET", path });
  const { groups } = await get<{ groups: { preferredVersion: { groupVersion: string } }[] }>("/apis");
  const roots = ["/api/v1", ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)];
  const found: string[] = [];
  for (const root of roots) {
    const { resources } = await get<Resources>(root);
    for (const { name, kind, verbs } of resources) {
      if (!verbs.includes("list") || name.includes("/") || name === "secrets") continue;
      const { items } = await get<{ items: { metadata: { name: string; namespace?: string } }[] }>(`${root}/${name}`);
      for (const item of items)
        if (secretsIn(JSON.stringify(item), secrets).length > 0)
          found.push(`${kind} ${item.metadata.namespace ?? ""}/${item.metadata.name}`);
    }
  }
  return found;
}
