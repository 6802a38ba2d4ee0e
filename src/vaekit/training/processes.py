"""The processes of a run: one, or several on one machine or more, connected by Fabric."""

import atexit
import logging
import math
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn

from vaekit import runs
from vaekit.config import Settings, TrainingOptions
from vaekit.errors import ConfigError, DeviceError
from vaekit.runtime.device import find_device
from vaekit.runtime.distributed import ProcessInfo
from vaekit.training.stages import Stage

if TYPE_CHECKING:
    from lightning.fabric import Fabric
    from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment

T = TypeVar("T")

LAUNCHER_VARIABLES = {"TORCHELASTIC_RUN_ID", "SLURM_STEP_ID"}
RESTART_VARIABLES = ("TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT")


class ProcessCount(NamedTuple):
    """The number of processes: on each machine, and of machines."""

    devices: int
    nodes: int


class Processes(Protocol):
    """The processes that share a training.

    Attributes:
        device: The device of this process.
        process: Its rank, and the number of processes.
    """

    device: torch.device
    process: ProcessInfo

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module with gradients averaged over processes."""
        ...

    def sum(self, x: Tensor) -> Tensor:
        """The sum over processes."""
        ...

    def broadcast(self, x: T) -> T:
        """The value of rank 0."""
        ...

    def barrier(self) -> None:
        """Wait for all processes."""

    def log(self, row: dict[str, float], step: int) -> None:
        """Send metrics to the loggers."""

    def finish(self, status: str) -> None:
        """Tell loggers that the run has ended, "success" or "failed"."""


class SingleProcess:
    """One process, without Lightning, whose import takes longer than that of torch.

    Args:
        device: Its device.
    """

    process = ProcessInfo()

    def __init__(self, device: torch.device):
        self.device = device

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module."""
        return module

    def sum(self, x: Tensor) -> Tensor:
        """The tensor."""
        return x

    def broadcast(self, x: T) -> T:
        """The value."""
        return x

    def barrier(self) -> None:
        """Return at once."""

    def log(self, row: dict[str, float], step: int) -> None:
        """Ignore the metrics: there are no loggers."""

    def finish(self, status: str) -> None:
        """Ignore the status: there are no loggers."""


class FabricProcesses:
    """The processes of a Fabric, and its loggers.

    Args:
        fabric: A launched Fabric.
    """

    def __init__(self, fabric: "Fabric"):
        self.fabric = fabric
        self.device = fabric.device
        self.process = ProcessInfo(fabric.global_rank, fabric.world_size)

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module with gradients averaged over processes."""
        # The warning is about how lightning calls torch.
        with warnings.catch_warnings(action="ignore", category=FutureWarning):
            return self.fabric.strategy.setup_module(module)

    def sum(self, x: Tensor) -> Tensor:
        """The sum over processes."""
        return self.fabric.all_reduce(x, reduce_op="sum")  # pyright: ignore[reportReturnType]

    def broadcast(self, x: T) -> T:
        """The value of rank 0."""
        return self.fabric.broadcast(x)

    def barrier(self) -> None:
        """Wait for all processes."""
        self.fabric.barrier()

    def log(self, row: dict[str, float], step: int) -> None:
        """Send metrics to the loggers."""
        self.fabric.log_dict(row, step)

    def finish(self, status: str) -> None:
        """Tell loggers that the run has ended."""
        for logger in self.fabric.loggers:
            logger.finalize(status)


def launch(config: Settings, folder: Path) -> Processes:
    """Start the other processes of a run, or connect to them.

    Args:
        config: The configuration.
        folder: The run folder, for loggers.
    """
    options = config.training
    count = find_processes(options)
    if math.prod(count) == 1 and not options.loggers:
        return SingleProcess(find_device(options.device))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        return FabricProcesses(_launch_fabric(options, count, folder))


def _launch_fabric(options: TrainingOptions, count: ProcessCount, folder: Path) -> "Fabric":
    from lightning.fabric import Fabric
    from lightning.fabric.strategies.ddp import DDPStrategy

    for name in ("lightning.fabric", "lightning.pytorch"):  # advertisements and advice
        logging.getLogger(name).setLevel(logging.ERROR)

    device = find_device(options.device)
    is_one_gpu = device.type == "cuda" and count.devices == 1
    has_peers = math.prod(count) > 1
    if has_peers and _environment_number("TORCHELASTIC_RESTART_COUNT"):
        _init_restarted_group("nccl" if device.type == "cuda" else "gloo")
    strategy = DDPStrategy(static_graph=True, broadcast_buffers=False) if has_peers else "auto"
    fabric = Fabric(
        accelerator=device.type,
        devices=[device.index or 0] if is_one_gpu else count.devices,
        num_nodes=count.nodes,
        strategy=strategy,
        loggers=[_logger(name, folder) for name in options.loggers],
    )
    fabric.launch()
    atexit.register(_destroy_process_group)
    return fabric


def _destroy_process_group() -> None:
    """End the communication threads: one that outlives Python aborts a finished program."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _init_restarted_group(backend: str) -> None:
    """Connect under a name of this attempt: torchrun's store has addresses of dead workers."""
    distributed: Any = torch.distributed
    address = os.environ["MASTER_ADDR"]
    port = int(os.environ["MASTER_PORT"])
    base = distributed.TCPStore(address, port, is_master=False)
    attempt = os.environ["TORCHELASTIC_RESTART_COUNT"]
    distributed.init_process_group(
        backend,
        store=distributed.PrefixStore(f"attempt {attempt}", base),
        rank=int(os.environ["RANK"]),
        world_size=int(os.environ["WORLD_SIZE"]),
    )


def is_rank_zero(options: TrainingOptions) -> bool:
    """Whether this process writes and prints, known before the processes are connected."""
    if math.prod(find_processes(options)) == 1:
        return True
    from lightning.fabric.plugins.environments.lightning import LightningEnvironment

    environment = _cluster()
    if environment is not None:
        return environment.global_rank() == 0
    environment = LightningEnvironment()
    return environment.local_rank() == 0 and environment.node_rank() == 0


def is_restarted() -> bool:
    """Whether torchrun or SLURM has restarted this command after a failure."""
    return any(_environment_number(name) for name in RESTART_VARIABLES)


def check_restartable(out: Any) -> None:
    """Raise ConfigError if torchrun may restart a run that has no path."""
    if out is None and _environment_number("TORCHELASTIC_MAX_RESTARTS"):
        raise ConfigError(
            "a run that torchrun may restart needs a path. Set the run folder.", parameter="out"
        )


def find_processes(options: TrainingOptions) -> ProcessCount:
    """The number of processes: as configured, else as torchrun or SLURM started them, else one.

    Args:
        options: The section `training` of a configuration.

    Raises:
        ConfigError: They cannot be started, or differ from those that were started.
        DeviceError: There are fewer GPUs.
    """
    started = _started_processes()
    default = started or ProcessCount(1, 1)
    count = ProcessCount(options.devices or default.devices, options.nodes or default.nodes)
    if math.prod(count) > 1:
        _check_startable(count, started)
        if options.device.startswith("cuda"):
            _check_gpus(options.device, count.devices)
    return count


def _check_startable(count: ProcessCount, started: ProcessCount | None) -> None:
    if torch.distributed.is_initialized():
        world_size = torch.distributed.get_world_size()
        if world_size != math.prod(count):
            raise ConfigError.for_value(
                "training.devices",
                math.prod(count),
                f"the {world_size} processes that this program has trained with before",
                problem="the number of processes cannot change within a program",
            )
    if started is not None:
        if started != count:
            raise ConfigError.for_value(
                "training.devices",
                tuple(count),
                f"{tuple(started)}, devices and nodes as they were started",
                problem="devices and nodes differ from the processes that were started",
                fix="Remove training.devices and training.nodes",
            )
        return
    if count.nodes > 1 and not {"MASTER_ADDR", "NODE_RANK"} <= os.environ.keys():
        raise ConfigError(
            "several machines need a launcher. Use torchrun or srun, or set MASTER_ADDR and "
            "NODE_RANK on each.",
            parameter="training.nodes",
        )
    if hasattr(sys, "ps1") or sys.argv[:1] in ([""], ["-c"]):
        raise ConfigError(
            "several processes need a script: each runs the program again, and an interactive "
            "session has none. Use a script, or training.devices=1.",
            parameter="training.devices",
        )


def _check_gpus(name: str, devices: int) -> None:
    available = torch.cuda.device_count()
    if devices > available:
        raise DeviceError.for_value(
            "training.devices", devices, f"at most {available}, the GPUs of this machine"
        )
    if name not in ("cuda", "cuda:0"):
        raise ConfigError.for_value(
            "training.device", name, "cuda for several GPUs", problem="this is one GPU"
        )


def check_batch_division(stages: Sequence[Stage], pieces: int, options: TrainingOptions) -> None:
    """Raise ConfigError if batches or examples cannot be divided among the processes.

    Args:
        stages: The stages of the training.
        pieces: The number of examples, or of shards.
        options: The section `training` of a configuration.
    """
    world_size = math.prod(find_processes(options))
    for section, stage in zip(("training", "prior_stage"), stages, strict=False):
        if stage.batch_size % world_size:
            raise ConfigError.for_value(
                f"{section}.batch_size",
                stage.batch_size,
                f"a multiple of {world_size}, the number of processes",
                problem="batches cannot be divided evenly",
            )
    if pieces < world_size:
        raise ConfigError.for_value(
            "training.devices",
            world_size,
            f"at most {pieces}, the number of training examples or shards",
            problem="there are too many processes",
        )


def _cluster() -> "ClusterEnvironment | None":
    """torchrun or SLURM, if this process was started by it."""
    if not LAUNCHER_VARIABLES & os.environ.keys():
        return None  # without the import of Lightning
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment

    if TorchElasticEnvironment.detect():
        return TorchElasticEnvironment()
    if "SLURM_STEP_ID" in os.environ and SLURMEnvironment.detect():
        try:
            return SLURMEnvironment(auto_requeue=False)
        except RuntimeError as error:
            raise ConfigError(
                f"SLURM cannot be used: {str(error).rstrip('.')}.", parameter="training.devices"
            ) from None
    return None


def _started_processes() -> ProcessCount | None:
    """The processes that a launcher has started; None without a launcher."""
    environment = _cluster()
    if environment is None:
        return None
    from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment

    world_size = environment.world_size()
    if isinstance(environment, TorchElasticEnvironment):
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        return ProcessCount(devices, world_size // devices)
    nodes = _environment_number("SLURM_NNODES", 1)
    return ProcessCount(world_size // nodes, nodes)


def _environment_number(name: str, default: int = 0) -> int:
    return int(os.environ.get(name, default))


def _logger(name: str, folder: Path) -> Any:
    from lightning.pytorch import loggers

    if name in ("tensorboard", "wandb"):
        runs.subfolder(folder, name)  # OutputError for a link
    if name == "tensorboard":
        return loggers.TensorBoardLogger(folder, name="tensorboard", version="")
    if name == "mlflow":
        return loggers.MLFlowLogger("vaekit", run_name=folder.name)
    return loggers.WandbLogger(folder.name, save_dir=folder, project="vaekit")
