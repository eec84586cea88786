"""`rs2sam2 doctor`: what is installed, what it can run on, and where weights are looked for."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import subprocess
import sys
from typing import Annotated, Any

from cyclopts import Parameter

from rs2sam2.cli.console import say, say_json


def doctor(*, json: Annotated[bool, Parameter(negative=(), show_default=False)] = False) -> int:
    """Check this installation: versions, devices, bundled weights, the hub's cache, a broken torchvision.

    Parameters
    ----------
    json
        Print as JSON.

    Returns
    -------
    0, or 5 if the bundled weights cannot be used.
    """
    facts = gather()
    if json:
        say_json(facts)
    else:
        for section in ("system", "packages", "devices", "weights"):
            say(f"{section}:")
            for key, value in facts[section].items():
                say(f"  {key}: {value}")
        for problem in facts["problems"]:
            say(f"problem: {problem}")
        say("no problems found" if not facts["problems"] else f"{len(facts['problems'])} problem(s) found")
    return 5 if any(problem.startswith("bundled weights") for problem in facts["problems"]) else 0


def gather() -> dict[str, Any]:
    """The facts, as plain containers."""
    import torch
    from huggingface_hub import constants

    problems = []
    try:
        from rs2sam2.checkpoint.folder import BUNDLED, locate
        from rs2sam2.predictor import Predictor

        bundled = str(locate(BUNDLED))
        Predictor.load(BUNDLED, device="cpu")
    except Exception as error:
        bundled = "unusable"
        problems.append(f"bundled weights: {error}")
    if importlib.util.find_spec("torchvision") is not None and not _imports("torchvision"):
        problems.append(
            "torchvision is installed and cannot be imported; rs2sam2 does not need it: pip uninstall torchvision"
        )
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "system": {"python": platform.python_version(), "platform": platform.platform(), "executable": sys.executable},
        "packages": {name: _version(name) for name in _packages()},
        "devices": {
            "cpu": f"{os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}",
            "cuda": ", ".join(gpus) or f"none (torch built for {torch.version.cuda or 'CPU only'})",
        },
        "weights": {
            "bundled": bundled,
            "hub cache": constants.HF_HUB_CACHE,
            "hub": constants.ENDPOINT,
            "offline": bool(constants.HF_HUB_OFFLINE),
        },
        "problems": problems,
    }


def _packages() -> list[str]:
    """This package, what it and its extras require, and torchvision, which is better not there."""
    try:
        required = importlib.metadata.requires("rs2sam2") or []
    except importlib.metadata.PackageNotFoundError:  # run from its sources
        required = []
    found = (re.match(r"[\w.-]+", line) for line in required if 'extra == "dev"' not in line)
    return list(dict.fromkeys(["rs2sam2", *(name[0] for name in found if name), "torchvision"]))


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _imports(module: str) -> bool:
    """In a process of its own: a broken extension may take the interpreter with it."""
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0
