/** Runs one named part of a command and shows it: a line when it begins to matter, one with its seconds when it is done. */
export type Phase = <Result>(title: string, work: (say: (line: string) => void) => Promise<Result>) => Promise<Result>;

/** Phases as lines of text, each with the seconds since the command began. */
export function phaseLines(print: (line: string) => void, now: () => number = () => performance.now()): Phase {
  const began = now();
  const stamp = () => `${((now() - began) / 1000).toFixed(1).padStart(6)} s`;
  return async (title, work) => {
    const start = now();
    const result = await work((line) => print(`${stamp()}  ${title}: ${line}`));
    print(`${stamp()}  ${title}: done in ${((now() - start) / 1000).toFixed(1)} s`);
    return result;
  };
}
