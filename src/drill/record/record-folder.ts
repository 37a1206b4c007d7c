import { join } from "node:path";
import { tandemHome } from "../../machines/home.ts";

/** Where the records of a stack lie, of rehearsals and of its cluster: they stay when the stack is taken down. */
export function recordsDir(stack: string, home: string = tandemHome()): string {
  return join(home, "records", stack);
}
