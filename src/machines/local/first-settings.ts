import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../lock.ts";
import { replaceFile } from "../replace-file.ts";

/** What one kernel was set to before the first of several homes changed it, and the homes that still count on the change. */
interface FirstSettings {
  values: Record<string, string>;
  homes: string[];
}

/** Where the kernel's settings lie, and the record that all homes of a computer share. */
export interface SettingsPlace {
  sysctls: string;
  record: string;
}

/** The record is as short-lived as the settings themselves: both are gone after a boot. */
export const THIS_COMPUTER: SettingsPlace = { sysctls: "/proc/sys", record: "/run/tandem-host-settings.json" };

/** Notes that `home` changes settings from now on. Only the first home saves their values: a later one would find ours. */
export async function joinSettings(home: string, names: readonly string[], place = THIS_COMPUTER): Promise<void> {
  await withRecord(place, async (record) => {
    const { values = await readAll(names, place), homes = [] } = record ?? {};
    return homes.includes(home) ? record : { values, homes: [...homes, home] };
  });
}

/**
 * Notes that `home` is done, and puts the first values back if it was the last. A home whose folder is gone is not waited
 * for.
 *
 * @returns the settings that went back to another value than they had
 */
export async function leaveSettings(home: string, place = THIS_COMPUTER): Promise<string[]> {
  const changed: string[] = [];
  await withRecord(place, async (record) => {
    if (record === undefined) return undefined;
    const homes = record.homes.filter((other) => other !== home && existsSync(other));
    if (homes.length > 0) return { ...record, homes };
    for (const [name, value] of Object.entries(record.values)) {
      if ((await readSetting(name, place)) === value) continue;
      await writeFile(join(place.sysctls, name), value);
      changed.push(name);
    }
    return undefined;
  });
  return changed;
}

/** A sysctl by its path below /proc/sys; `undefined` where the kernel has none. */
export async function readSetting(name: string, { sysctls } = THIS_COMPUTER): Promise<string | undefined> {
  return readFile(join(sysctls, name), "utf8").then(
    (text) => text.trim(),
    () => undefined,
  );
}

async function readAll(names: readonly string[], place: SettingsPlace): Promise<Record<string, string>> {
  const rows = await Promise.all(names.map(async (name) => [name, await readSetting(name, place)] as const));
  return Object.fromEntries(rows.filter((row): row is [string, string] => row[1] !== undefined));
}

async function withRecord(
  { record: path }: SettingsPlace,
  change: (record: FirstSettings | undefined) => Promise<FirstSettings | undefined>,
): Promise<void> {
  await withLock(`${path}.lock`, undefined, async () => {
    const text = await readFile(path, "utf8").catch(() => undefined);
    const after = await change(text === undefined ? undefined : (JSON.parse(text) as FirstSettings));
    if (after === undefined) return rm(path, { force: true });
    // Half a file would be restored as if it were all.
    await replaceFile(path, JSON.stringify(after, undefined, 2));
  });
}
