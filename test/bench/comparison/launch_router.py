# What `python -m sglang_router.launch_router` does, less its Python stand-in for debugging, which alone needs a dozen more
# packages.
import argparse

from sglang_router.router import Router
from sglang_router.router_args import RouterArgs

parser = argparse.ArgumentParser()
RouterArgs.add_cli_args(parser, use_router_prefix=False)
arguments = RouterArgs.from_cli_args(parser.parse_args())
arguments._validate_router_args()
Router.from_args(arguments).start()
