"""What this machine, or these machines, can do of what the options ask: device, precision, processes, loggers; memory."""

import ctypes
import logging
import os
import sys
import warnings
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vaekit.config import Settings, TrainingOptions
from vaekit.errors import ConfigError, DeviceError

if TYPE_CHECKING:
    from lightning.fabric import Fabric

PRECISIONS = {"32-true": torch.float32, "64-true": torch.float64, "bf16-mixed": torch.float32}
"""What the weights are kept in."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h


def find_device(name: str) -> torch.device:
    """The device of that name; DeviceError where it is not there.

    >>> find_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in there:
        raise DeviceError(f"device {name!r} is not there: {', '.join(['auto', *there])} can be used here")
    return torch.device(wanted)


def find_precision(name: str, device: torch.device) -> str:
    """`auto`: float32, and on a GPU that computes in bfloat16 natively, that for the nets."""
    if name != "auto":
        return name
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16-mixed" if native else "32-true"


def check_loggers(names: Iterable[str]) -> None:
    """ConfigError for the first logger whose package is not installed."""
    for name in names:
        if find_spec(name) is None:
            raise ConfigError(f"training.loggers: {name} is not installed: pip install 'vaekit[{name}]'")


def is_first() -> bool:
    """Whether this is the process that writes and speaks, of those that a launcher started; known before they have met."""
    of_all = os.environ.get("RANK")
    of_machine = os.environ.get("LOCAL_RANK", os.environ.get("SLURM_PROCID", "0"))
    return of_all == "0" if of_all is not None else of_machine == os.environ.get("NODE_RANK", "0") == "0"


def is_restarted(out: Any) -> bool:
    """Whether torchrun or SLURM has started this command again after something died; ConfigError where it could not go on."""
    if int(os.environ.get("TORCHELASTIC_MAX_RESTARTS", 0)) and out is None:
        raise ConfigError("a run that torchrun may restart needs a name to be found by: give --out")
    return any(int(os.environ.get(name, 0)) for name in ("TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT"))


def find_processes(options: TrainingOptions) -> tuple[int, int]:
    """Processes on each machine, and machines: as asked for, else as torchrun or SLURM started them, else one of one."""
    devices, nodes = _launched()
    devices, nodes = options.devices or devices, options.nodes or nodes
    there = torch.cuda.device_count()
    if options.device.startswith("cuda") and devices > there:
        raise DeviceError(f"training.devices = {devices}: this machine has {there} GPUs")
    if options.device.startswith("cuda:") and options.device != "cuda:0" and devices > 1:
        raise ConfigError(f"training.device = {options.device} is one GPU: for several leave it out")
    if options.batch_size % (devices * nodes):
        raise ConfigError(
            f"training.batch_size = {options.batch_size} cannot be shared out evenly among {devices * nodes} processes: "
            "choose a multiple"
        )
    if options.strategy == "fsdp" and not options.device.startswith("cuda"):
        raise ConfigError("training.strategy = fsdp is for GPUs: choose ddp")
    return devices, nodes


def _launched() -> tuple[int, int]:
    if torch.distributed.is_torchelastic_launched():
        per_node = int(os.environ["LOCAL_WORLD_SIZE"])
        return per_node, int(os.environ["WORLD_SIZE"]) // per_node
    if "SLURM_STEP_ID" in os.environ and os.environ.get("SLURM_JOB_NAME") not in ("bash", "interactive"):  # by srun
        nodes = int(os.environ.get("SLURM_NNODES", 1))
        return int(os.environ.get("SLURM_NTASKS", 1)) // nodes, nodes
    return 1, 1


def start(config: Settings, folder: Path) -> "Fabric":
    """Start or meet the other processes of this run, if it has any."""
    from lightning.fabric import Fabric
    from lightning.fabric.strategies.ddp import DDPStrategy
    from lightning.fabric.strategies.fsdp import FSDPStrategy

    for name in ("lightning.fabric", "lightning.pytorch"):  # adverts and advice
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    options = config.training
    devices, nodes = find_processes(options)
    cuda = options.device.startswith("cuda")
    index = int(options.device.partition(":")[2] or 0)
    strategy: Any = "auto"
    if devices * nodes > 1:
        strategy = FSDPStrategy() if options.strategy == "fsdp" else DDPStrategy(static_graph=True, broadcast_buffers=False)
    fabric = Fabric(
        accelerator="cuda" if cuda else "cpu",
        devices=[index] if cuda and devices == 1 else devices,
        num_nodes=nodes,
        strategy=strategy,
        precision="bf16-mixed" if options.precision == "bf16-mixed" else "32-true",
        loggers=[_logger(name, folder) for name in options.loggers],
    )
    fabric.launch()
    return fabric


def _logger(name: str, folder: Path) -> Any:
    from lightning.pytorch import loggers

    if name == "tensorboard":
        return loggers.TensorBoardLogger(folder, name="tensorboard", version="")
    if name == "mlflow":
        return loggers.MLFlowLogger("vaekit", run_name=folder.name)
    return loggers.WandbLogger(folder.name, save_dir=folder, project="vaekit")


def keep_freed_memory() -> None:
    """Let this process keep the memory that it frees, up to a gigabyte, where the C library is glibc; elsewhere nothing.

    A training step frees and asks for the same blocks again and again. glibc hands large ones back to the system each time,
    which then clears every page anew: steps of a convolutional net took 17 or 28 ms, as chance had it; with this, 17.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, 2**28)
        library.mallopt(M_TRIM_THRESHOLD, 2**30)
