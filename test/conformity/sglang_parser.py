"""Runs the released SGLang argument code without a GPU: one JSON case per line in, one JSON verdict per line out.

usage: python3 -I -S -B sglang_parser.py SGLANG_DIR DEPENDENCIES_DIR

A case is {"id", "argv", "env", "resolve", "gpuMiB", "capability", "quantization", "architecture"}. `argv` is what follows `-m sglang.launch_server`.
A verdict is {"id", "error", "unknown", "deprecated", "warnings", "resolved", "environment"}: `error` is null when SGLang accepts the
line; `unknown` lists flags that only abbreviation made acceptable; `resolved` holds the values that hold after
resolution, `environment` what SGLang reads from the SGLANG_ variables of the case. Device memory and the checkpoint's config.json are stubbed, everything else is SGLang's own code.
The first line out is {"python", "flags"}: every flag as argparse knows it.
"""

import contextlib
import functools
import io
import json
import logging
import os
import sys
import types

SGLANG, DEPENDENCIES = sys.argv[1:3]
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), SGLANG, DEPENDENCIES]

import gpu_stubs  # noqa: E402

gpu_stubs.install()


def bare_package(name):
    """Lets submodules be imported without running the package's own __init__, which pulls in every model there is."""
    module = gpu_stubs.Stub(name)
    module.__path__ = [os.path.join(SGLANG, *name.split("."))]
    sys.modules[name] = module


bare_package("sglang")
bare_package("sglang.srt.configs")

from deepseek_config import config_of, hf_transformers_stub  # noqa: E402

case = {}
hf_transformers_stub(lambda: config_of(case.get("architecture", "deepseek-v3"), case.get("quantization", "fp8")))

from sglang.srt import server_args  # noqa: E402
from sglang.srt.environ import envs  # noqa: E402
from sglang.srt.utils import common  # noqa: E402

common.get_nvgpu_memory_capacity = lambda: float(case.get("gpuMiB", 81559))

import argparse  # noqa: E402

PARSER = argparse.ArgumentParser(prog="sglang serve")
server_args.ServerArgs.add_cli_args(PARSER)
OPTIONS = {option: action for action in PARSER._actions for option in action.option_strings}


def deprecated(action):
    """Some retired flags have an action that says so, for others only the help text does."""
    return type(action).__name__.startswith("Deprecated") or (action.help or "").lstrip("( ").startswith("Deprecated")


def described(action):
    """A flag as plain data. A default that is no plain value is one of SGLang's own objects: null."""
    plain = isinstance(action.default, (str, int, float, bool, list, type(None)))
    return {
        "spellings": list(action.option_strings),
        "type": getattr(action.type, "__name__", None),
        "choices": None if action.choices is None else sorted(map(str, action.choices)),
        "nargs": action.nargs,
        "default": action.default if plain else None,
        "required": action.required,
        "deprecated": deprecated(action),
    }


RESOLVED = (
    "tp_size pp_size dp_size attn_dp_size ep_size nnodes node_rank mem_fraction_static max_running_requests context_length "
    "chunked_prefill_size kv_cache_dtype attention_backend moe_a2a_backend moe_runner_backend page_size quantization "
    "enable_dp_lm_head moe_dense_tp_size ep_num_redundant_experts random_seed"
).split()


class Collect(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def judge():
    # argparse takes any unambiguous beginning of a flag, so each one is also looked up as it is written.
    flags = [word.split("=", 1)[0] for word in case["argv"] if word.startswith("--")]
    verdict = {
        "id": case["id"],
        "error": None,
        "unknown": [flag for flag in flags if flag not in OPTIONS],
        "deprecated": [flag for flag in flags if flag in OPTIONS and deprecated(OPTIONS[flag])],
        "warnings": [],
        "resolved": None,
        "environment": None,
    }
    stderr = io.StringIO()
    log = Collect()
    try:
        with contextlib.redirect_stderr(stderr):
            if not case.get("resolve"):
                PARSER.parse_args(case["argv"])
                return verdict
            args = server_args.prepare_server_args(case["argv"])
            logging.getLogger().handlers = [log]
            args.resolve_once()
            args.check_server_args()
            verdict["resolved"] = resolved(args)
            verdict["environment"] = {
                name: getattr(envs, name).get() if hasattr(envs, name) else "no such variable"
                for name in case.get("env", {})
                if name.startswith("SGLANG_")
            }
    except SystemExit:
        verdict["error"] = stderr.getvalue().strip().splitlines()[-1]
    except Exception as error:
        verdict["error"] = f"{type(error).__name__}: {error}" + where(error)
    verdict["warnings"] = log.lines
    return verdict


def where(error):
    """File and line of the innermost frame: SGLang asserts often carry no message."""
    frame = error.__traceback__
    while frame.tb_next is not None:
        frame = frame.tb_next
    path = frame.tb_frame.f_code.co_filename
    return f" ({os.path.relpath(path, SGLANG)}:{frame.tb_lineno})"


def resolved(args):
    view = server_args.resolving_view(args)
    plain = (str, int, float, bool, type(None))
    return {n: v for n in RESOLVED for v in [getattr(view, n)] if isinstance(v, plain)}


def become(capability):
    """Another GPU from here on: what sglang has asked about the last one is forgotten."""
    if gpu_stubs.CAPABILITY == capability:
        return
    gpu_stubs.CAPABILITY[:] = capability
    for name, module in list(sys.modules.items()):
        if name.startswith("sglang"):
            for value in list(vars(module).values()):
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()


def main():
    global case
    logging.getLogger().handlers = [logging.NullHandler()]
    clean = dict(os.environ)
    flags = [described(action) for action in PARSER._actions if "--help" not in action.option_strings]
    print(json.dumps({"python": sys.version.split()[0], "flags": flags}), flush=True)
    for line in sys.stdin:
        case = json.loads(line)
        become(case.get("capability", [9, 0]))
        os.environ.clear()
        # Resolution writes settings into the environment; no case may see what the one before it left.
        os.environ.update({**clean, **case.get("env", {})})
        print(json.dumps(judge()), flush=True)


main()
