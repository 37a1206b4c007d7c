import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Files that take longest, by name: one of them that begins last leaves a core idle until it ends. Vitest knows from the run
 * before, and takes the size of the files where there was none.
 */
const LONGEST = [
  "drill/protection",
  "drill/scenarios",
  "sim/mutants/mutants",
  "readiness/defects",
  "reconciler/crash",
  "rehearsal/faults",
  "drill/blind",
  "sim/simulator",
  "cli/service",
  "emulator/engine-faults",
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at < 0 ? LONGEST.length : at;
    };
    const projects = [...new Set(sorted.map(({ project }) => project.name))];
    const place = ({ project }: TestSpecification) => projects.indexOf(project.name);
    return sorted.toSorted((a, b) => place(a) - place(b) || rank(a) - rank(b));
  }
}
