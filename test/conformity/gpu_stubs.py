"""Stand-ins for what SGLang imports and a machine without GPUs lacks: torch, triton, transformers and the rest.

Only names are stubbed; every line of sglang itself runs as released. `torch.cuda` answers as eight H100 would, or
as GPUs of the compute capability that a case names.
"""

import abc
import importlib.abc
import importlib.machinery
import json
import sys
import types


class _Meta(abc.ABCMeta):
    def __getattr__(cls, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        value = _Meta(name, (Anything,), {})
        type.__setattr__(cls, name, value)
        return value

    def __or__(cls, other):
        return cls

    def __ror__(cls, other):
        return cls

    def __getitem__(cls, key):
        return cls

    def __setitem__(cls, key, value):
        pass

    def register(cls, *args, **kwargs):
        return Anything(*args)

    def __contains__(cls, key):
        return False

    def __iter__(cls):
        return iter(())


class Anything(metaclass=_Meta):
    """Class, decorator, function and constant at once: enough for import time."""

    def __new__(cls, *args, **kwargs):
        # Used as a decorator, it hands back what it decorates.
        if len(args) == 1 and not kwargs and callable(args[0]):
            return args[0]
        return object.__new__(cls)

    def __init__(self, *args, **kwargs):
        pass

    def __init_subclass__(cls, **kwargs):
        pass

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Anything()

    def __call__(self, *args, **kwargs):
        return args[0] if len(args) == 1 and callable(args[0]) else Anything()


class Stub(types.ModuleType):
    __path__: list = []

    def __getattr__(self, name):
        if (name.startswith("__") and name.endswith("__")) or f"{self.__name__}.{name}" in _ABSENT:
            raise AttributeError(name)
        value = _Meta(name, (Anything,), {})
        setattr(self, name, value)
        return value


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers with an empty module for every name that `wanted` says yes to."""

    def __init__(self, wanted):
        self.wanted = wanted

    def find_spec(self, name, path, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if self.wanted(name) else None

    def create_module(self, spec):
        return Stub(spec.name)

    def exec_module(self, module):
        fill = _FILL.get(module.__name__)
        if fill is not None:
            fill(module)


def _torch(torch):
    torch.__version__ = "2.14.1"
    torch.finfo = lambda *_: types.SimpleNamespace(max=448.0, min=-448.0, eps=0.125, bits=8)


CAPABILITY = [9, 0]


class _NotInCache(Exception):
    pass


def _no_file(*_, **__):
    raise _NotInCache("no hub is asked")


def _torch_cuda(cuda):
    cuda.is_available = lambda: True
    cuda.device_count = lambda: 8
    cuda.current_device = lambda: 0
    cuda.get_device_name = lambda *_: "NVIDIA H100 80GB HBM3"
    cuda.get_device_capability = lambda *_: tuple(CAPABILITY)
    cuda.get_device_properties = lambda *_: types.SimpleNamespace(
        major=CAPABILITY[0], minor=CAPABILITY[1], multi_processor_count=132, total_memory=81559 << 20
    )
    cuda.mem_get_info = lambda *_: (81559 << 20, 81559 << 20)


def _torch_version(version):
    version.cuda, version.hip, version.xpu, version.musa = "13.0", None, None, None


def _torch_distributed(dist):
    dist.ReduceOp = types.SimpleNamespace(SUM=0, AVG=1, PRODUCT=2, MIN=3, MAX=4)


# Parts of sglang that load checkpoints or register kernels: nothing of the arguments is decided in them.
_STUBBED_SGLANG = ("sglang.srt.utils.hf_transformers", "sglang.srt.utils.custom_op")

# Devices that a CUDA build of torch does not know: sglang asks with hasattr.
_OTHER_DEVICES = ("xpu", "npu", "hpu", "musa", "mlu", "mps")
_ABSENT = {f"torch.{name}" for name in _OTHER_DEVICES}

_FILL = {
    # Stricter than Python's own, but with the same answer to what a command line holds.
    "orjson": lambda it: vars(it).update(loads=json.loads, dumps=json.dumps, JSONDecodeError=json.JSONDecodeError),
    # The checkpoint is a local directory with a config.json and nothing else: no hub is asked for more.
    "huggingface_hub": lambda it: vars(it).update(hf_hub_download=_no_file),
    "huggingface_hub.errors": lambda it: vars(it).update(
        LocalEntryNotFoundError=_NotInCache, OfflineModeIsEnabled=_NotInCache
    ),
    "huggingface_hub.constants": lambda it: vars(it).update(
        HF_HUB_CACHE="/nonexistent", REPO_ID_SEPARATOR="--", HF_HUB_OFFLINE=True
    ),
    "torch": _torch,
    "torch.cuda": _torch_cuda,
    "torch.distributed": _torch_distributed,
    "torch.version": _torch_version,
}


def install():
    sys.meta_path.insert(0, _Finder(lambda name: name.startswith(_STUBBED_SGLANG)))
    # Last: whatever is not on this machine, sglang's own modules excepted.
    sys.meta_path.append(_Finder(lambda name: name.split(".")[0] != "sglang"))
    # `import torch` alone makes `torch.cuda` reachable, and so for the rest.
    for name in (*_FILL, "torch.nn", "torch.backends"):
        importlib.import_module(name)
