import { open, rename } from "node:fs/promises";

/**
 * Writes a file as a whole or not at all: whoever reads it, and a run that comes after a kill or a power cut, finds the old
 * text or the new one. For one writer at a time: two at once would share the draft.
 *
 * @param mode of the file; the default leaves it to the umask
 */
export async function replaceFile(path: string, text: string, mode?: number): Promise<void> {
  const draft = `${path}.new`;
  const file = await open(draft, "w", mode);
  try {
    await file.writeFile(text);
    // Without it a rename may reach the disk before what it names.
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}
