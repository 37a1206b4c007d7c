import { expect, test } from "vitest";
import { isRevisionToBlame } from "../../src/failover/failed-revision.ts";

const crash = { remedy: "restart-group", revision: "v2" } as const;
const silence = { remedy: "failover-reboot", revision: "v2" } as const;

test.each([
  { when: "it crashed once: anything may have ended it", crashes: [crash], then: false },
  { when: "it crashed twice", crashes: [crash, crash], then: true },
  { when: "one of the two was a server that fell silent", crashes: [crash, silence], then: false },
  {
    when: "a server of the group was silent at one of the two",
    crashes: [crash, { ...crash, inSilence: true }],
    then: false,
  },
  { when: "one of the two was with the revision before", crashes: [{ ...crash, revision: "v1" }, crash], then: false },
  {
    when: "one is of a release that did not write it down",
    crashes: [{ remedy: "restart-group" }, crash],
    then: false,
  },
  { when: "another group has served with it", crashes: [crash, crash], served: ["v1", "v2"], then: false },
  { when: "it has served with it itself", crashes: [crash, crash], served: ["v2", "v1"], then: false },
  {
    when: "no group ever served: there is none to go back to",
    crashes: [crash, crash],
    served: [null, null],
    then: false,
  },
  { when: "only the other group ever served", crashes: [crash, crash], served: [null, "v1"], then: true },
] as const)("$when", ({ crashes, then, ...rest }) => {
  const served = "served" in rest ? rest.served : ["v1", "v1"];
  expect(isRevisionToBlame("v2", crashes, served)).toBe(then);
});
