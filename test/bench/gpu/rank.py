"""A rank as SGLang starts one, as far as its server can see: its title, a CUDA context, and memory of the GPU.

Arguments: rank, GiB to take. Prints `ready PID`; then a line `fault` on standard input makes it write where it must not.
"""
import ctypes
import os
import sys

import torch

rank, gib = int(sys.argv[1]), float(sys.argv[2])
title = f"sglang::scheduler_TP{rank}".encode()
# As setproctitle does: the words of the command line are overwritten where they lie (proc_pid_stat(5), fields 48, 49).
with open("/proc/self/stat") as stat:
    fields = stat.read().rpartition(") ")[2].split()
start, end = int(fields[45]), int(fields[46])
ctypes.memmove(start, title[: end - start - 1].ljust(end - start, b"\0"), end - start)
ctypes.CDLL(None).prctl(15, title[:15], 0, 0, 0)

taken = torch.empty(int(gib * 2**30), dtype=torch.uint8, device="cuda")
taken.fill_(1)
# Memory that the driver has pinned is what makes the end of a real rank slow.
pinned = torch.empty(2 * 2**30, dtype=torch.uint8, pin_memory=True)
torch.cuda.synchronize()
print(f"ready {os.getpid()}", flush=True)
for line in sys.stdin:
    if line.strip() == "fault":
        import cupy

        wild = cupy.RawKernel(r'extern "C" __global__ void wild(int *to) { *to = 1; }', "wild")
        wild((1,), (1,), (cupy.uint64(16),))
        try:
            torch.cuda.synchronize()
        except Exception as error:
            print(f"fault {type(error).__name__}", flush=True)
            os._exit(1)
