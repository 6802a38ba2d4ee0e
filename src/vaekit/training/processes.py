"""The processes of a run: one, or several on one machine or more, brought together by Lightning Fabric."""

import atexit
import logging
import math
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from vaekit.config import Settings, TrainingOptions
from vaekit.errors import ConfigError, DeviceError
from vaekit.runtime.device import find_device
from vaekit.runtime.distributed import ProcessInfo
from vaekit.training.stages import Stage

if TYPE_CHECKING:
    from lightning.fabric import Fabric

T = TypeVar("T")


class Processes(Protocol):
    """What training asks of the processes that share it; the gradients of a `wrapped` module are the means over all."""

    device: torch.device
    process: ProcessInfo

    def wrap(self, module: nn.Module) -> nn.Module: ...

    def sum(self, x: Tensor) -> Tensor: ...

    def broadcast(self, x: T) -> T:
        """What the first process has."""
        ...

    def barrier(self) -> None:
        """Go on when all are here."""

    def log(self, row: dict[str, float], step: int) -> None: ...

    def finish(self, status: str) -> None:
        """Tell loggers that the run is over: "success" or "failed"."""


class SingleProcess:
    """One process, which needs nobody, and none of Lightning, whose import takes longer than that of torch."""

    process = ProcessInfo()

    def __init__(self, device: torch.device):
        self.device = device

    def wrap(self, module: nn.Module) -> nn.Module:
        return module

    def sum(self, x: Tensor) -> Tensor:
        return x

    def broadcast(self, x: T) -> T:
        return x

    def barrier(self) -> None: ...

    def log(self, row: dict[str, float], step: int) -> None: ...

    def finish(self, status: str) -> None: ...


class FabricProcesses:
    """The processes that Fabric has started or met, and its loggers."""

    def __init__(self, fabric: "Fabric"):
        self.fabric, self.device = fabric, fabric.device
        self.process = ProcessInfo(fabric.global_rank, fabric.world_size)

    def wrap(self, module: nn.Module) -> nn.Module:
        with warnings.catch_warnings(
            action="ignore", category=FutureWarning
        ):  # of how torch is called by what calls it
            return self.fabric.strategy.setup_module(module)

    def sum(self, x: Tensor) -> Tensor:
        return self.fabric.all_reduce(x, reduce_op="sum")  # pyright: ignore[reportReturnType] - a tensor

    def broadcast(self, x: T) -> T:
        return self.fabric.broadcast(x)

    def barrier(self) -> None:
        self.fabric.barrier()

    def log(self, row: dict[str, float], step: int) -> None:
        self.fabric.log_dict(row, step)

    def finish(self, status: str) -> None:
        for logger in self.fabric.loggers:
            logger.finalize(status)


def launch(config: Settings, folder: Path) -> Processes:
    """Start or meet the other processes of this run, if it has any."""
    options = config.training
    devices, nodes = find_processes(options)
    if devices * nodes == 1 and not options.loggers:
        return SingleProcess(find_device(options.device))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        return FabricProcesses(_fabric(options, devices, nodes, folder))


def _fabric(options: TrainingOptions, devices: int, nodes: int, folder: Path) -> "Fabric":
    from lightning.fabric import Fabric
    from lightning.fabric.strategies.ddp import DDPStrategy

    for name in ("lightning.fabric", "lightning.pytorch"):  # adverts and advice
        logging.getLogger(name).setLevel(logging.ERROR)
    device, strategy = (
        find_device(options.device),
        DDPStrategy(static_graph=True, broadcast_buffers=False),
    )
    if devices * nodes > 1 and int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)):
        _meet_again("nccl" if device.type == "cuda" else "gloo")
    fabric = Fabric(
        accelerator=device.type,
        devices=[device.index] if device.type == "cuda" and devices == 1 else devices,
        num_nodes=nodes,
        strategy=strategy if devices * nodes > 1 else "auto",
        loggers=[_logger(name, folder) for name in options.loggers],
    )
    fabric.launch()
    atexit.register(_part)
    return fabric


def _part() -> None:
    """End the threads that talk to the others; one that is still there when Python has gone aborts a finished program."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _meet_again(backend: str) -> None:
    """Meet under a name of this attempt's own: torchrun's store still has the addresses of those that died."""
    distributed: Any = torch.distributed
    place = distributed.TCPStore(
        os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False
    )
    store = distributed.PrefixStore(f"attempt {os.environ['TORCHELASTIC_RESTART_COUNT']}", place)
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    distributed.init_process_group(backend, store=store, rank=rank, world_size=count)


def is_rank_zero(options: TrainingOptions) -> bool:
    """Whether this is the process that writes and speaks, of those that share a run; known before they have met."""
    if find_processes(options) == (1, 1):
        return True
    if "RANK" in os.environ:
        return os.environ["RANK"] == "0"
    rank = os.environ.get("LOCAL_RANK", os.environ.get("SLURM_PROCID", "0"))
    return rank == "0" and os.environ.get("NODE_RANK", "0") == "0"


def is_restarted() -> bool:
    """Whether torchrun or SLURM has started this command again after something died."""
    return any(
        int(os.environ.get(name, 0))
        for name in ("TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT")
    )


def check_restartable(out: Any) -> None:
    """ConfigError where a run may be restarted and has no name to be found by."""
    if int(os.environ.get("TORCHELASTIC_MAX_RESTARTS", 0)) and out is None:
        raise ConfigError("a run that torchrun may restart needs a name to be found by: give --out")


def find_processes(options: TrainingOptions) -> tuple[int, int]:
    """Processes on each machine, and machines: as asked for, else as torchrun or SLURM started them, else one of one.

    Raises ConfigError where they cannot be started, or are others than those that were.
    """
    started = _started()
    devices, nodes = (
        asked or there
        for asked, there in zip((options.devices, options.nodes), started or (1, 1), strict=True)
    )
    if devices * nodes > 1:
        _check_startable(devices, nodes, started)
        if options.device.startswith("cuda"):
            _check_devices(options.device, devices)
    return devices, nodes


def _check_startable(devices: int, nodes: int, started: tuple[int, int] | None) -> None:
    group = (
        torch.distributed.get_world_size()
        if torch.distributed.is_initialized()
        else devices * nodes
    )
    if group != devices * nodes:
        raise ConfigError(
            f"training.devices: this program has trained with {group} processes before, {devices * nodes} are new"
        )
    if started and started != (devices, nodes):
        raise ConfigError(
            f"training.devices and nodes are {devices} and {nodes}, {started[0]} and {started[1]} were started: leave them out"
        )
    if not started and nodes > 1 and not {"MASTER_ADDR", "NODE_RANK"} <= os.environ.keys():
        raise ConfigError(
            "training.nodes: for several machines use torchrun or srun, or set MASTER_ADDR and NODE_RANK on each"
        )
    if not started and (hasattr(sys, "ps1") or sys.argv[:1] in ([""], ["-c"])):
        raise ConfigError(
            "training.devices: further processes start the program again, here is none: use a script, or 1"
        )


def _check_devices(name: str, devices: int) -> None:
    there = torch.cuda.device_count()
    if devices > there:
        raise DeviceError(f"training.devices = {devices}: this machine has {there} GPUs")
    if name not in ("cuda", "cuda:0"):
        raise ConfigError(f"training.device = {name} is one GPU: for several leave it out")


def check_batch_division(stages: Sequence[Stage], pieces: int, options: TrainingOptions) -> None:
    """ConfigError where batches cannot be shared out evenly, or there are fewer pieces, rows or shards, than processes."""
    count = math.prod(find_processes(options))
    for key, stage in zip(("training", "prior_stage"), stages, strict=False):
        if stage.batch_size % count:
            raise ConfigError(
                f"{key}.batch_size = {stage.batch_size} cannot be shared out evenly among {count} processes: choose a multiple"
            )
    if pieces < count:
        raise ConfigError(
            f"training.devices: {pieces} rows or shards are too few for {count} processes"
        )


def _started() -> tuple[int, int] | None:
    """Processes on each machine, and machines, as a launcher has started them; None without one."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        each = int(os.environ["LOCAL_WORLD_SIZE"])
        return each, int(os.environ["WORLD_SIZE"]) // each
    if "SLURM_STEP_ID" in os.environ and os.environ.get("SLURM_JOB_NAME") not in (
        "bash",
        "interactive",
    ):  # by srun
        nodes = int(os.environ.get("SLURM_NNODES", 1))
        return int(os.environ.get("SLURM_NTASKS", 1)) // nodes, nodes
    return None


def _logger(name: str, folder: Path) -> Any:
    from lightning.pytorch import loggers

    if name == "tensorboard":
        return loggers.TensorBoardLogger(folder, name="tensorboard", version="")
    if name == "mlflow":
        return loggers.MLFlowLogger("vaekit", run_name=folder.name)
    return loggers.WandbLogger(folder.name, save_dir=folder, project="vaekit")
