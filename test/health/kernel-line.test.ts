import fc from "fast-check";
import { expect, test } from "vitest";
import { parseKernelLine } from "../../src/health/kernel-line.ts";

test.each([
  {
    // Read from the kernel's log of a server with an H200 and the open driver 580.159.04.
    when: "a rank writes where it must not",
    line: "3,360,92769832,-;NVRM: Xid (PCI:0000:00:06): 31, pid=842, name=sglang::schedul, channel 0x0000000a, intr 00000000. MMU Fault: ENGINE GRAPHICS GPC1 GPCCLIENT_T1_8 faulted @ 0x0_00000000. Fault is of type FAULT_PDE ACCESS_TYPE_VIRT_WRITE",
    then: { kind: "xid", code: 31, pci: "0000:00:06", sequence: 360, uptimeUs: 92769832 },
  },
  {
    when: "a GPU falls off the bus",
    line: "3,1052,81234567,-;NVRM: Xid (PCI:0000:0B:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.",
    then: { kind: "xid", code: 79, pci: "0000:0b:00", sequence: 1052, uptimeUs: 81234567 },
  },
  {
    when: "the driver gives its own verdict",
    line: "4,7,9,-;NVRM: Xid (PCI:0000:3b:00): 154, GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)",
    then: { kind: "recovery-action", action: "gpu-reset" },
  },
  {
    when: "the verdict is a number without a name",
    line: "4,7,9,-;NVRM: Xid (PCI:0000:3b:00): 154, GPU recovery action changed from 0x1 to 0x5",
    then: { kind: "recovery-action", action: "bus-reset" },
  },
  {
    when: "the verdict is known by its name alone",
    line: "4,7,9,-;NVRM: Xid (PCI:0000:3b:00): 154, GPU recovery action changed from 0x0 (None) to 0x5 (Recover IMEX Domain)",
    then: { kind: "recovery-action", action: "recover-imex-domain" },
  },
  {
    when: "the verdict has the place of a name, but not the name",
    line: "4,7,9,-;NVRM: Xid (PCI:0000:3b:00): 154, GPU recovery action changed from 0x0 (None) to 0x6 (Something Else)",
    then: { kind: "xid", code: 154 },
  },
  {
    when: "the verdict is one we do not know",
    line: "4,7,9,-;NVRM: Xid (PCI:0000:3b:00): 154, GPU recovery action changed from 0x0 (None) to 0x9 (Something New)",
    then: { kind: "xid", code: 154 },
  },
  {
    when: "an NVSwitch link fails",
    line: "3,1,2,-;nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 20034, Fatal, Link 30 LTSSM Fault Up",
    then: { kind: "sxid", code: 20034, fatal: true, pci: "0000:c1:00" },
  },
  {
    when: "an NVSwitch error is not fatal",
    line: "3,1,2,-;nvidia-nvswitch0: SXid (PCI:0000:c1:00.0): 12028, Non-fatal, Link 5 egress non-posted PRIV error",
    then: { kind: "sxid", fatal: false },
  },
])("$when", ({ line, then }) => expect(parseKernelLine(line)).toMatchObject(then));

test.each([
  {
    when: "user space wrote it (facility 1)",
    line: "11,1,5,-;NVRM: Xid (PCI:0000:0b:00): 79, GPU has fallen off the bus.",
  },
  { when: "it is quoted by another program", line: "3,1,5,-;kubelet: saw NVRM: Xid (PCI:0000:0b:00): 79" },
  { when: "it is a continuation line", line: " SUBSYSTEM=pci" },
  { when: "it is empty", line: "" },
])("nothing when $when", ({ line }) => expect(parseKernelLine(line)).toBeNull());

test("never throws, and never reads user space as the kernel", () => {
  fc.assert(
    fc.property(fc.nat(2047), fc.string(), (priority, text) => {
      const parsed = parseKernelLine(`${priority},1,5,-;${text}`);
      if (priority >> 3 !== 0) expect(parsed).toBeNull();
    }),
  );
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (line) => void parseKernelLine(line)));
});
