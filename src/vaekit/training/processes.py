"""The processes of a run: one, or several on one machine or more, brought together by Lightning Fabric."""

import logging
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from vaekit.config import Settings, TrainingOptions
from vaekit.errors import ConfigError, DeviceError
from vaekit.sharing import Share

if TYPE_CHECKING:
    from lightning.fabric import Fabric

T = TypeVar("T")


class Processes(Protocol):
    """What training asks of the processes that share it; the gradients of a `wrapped` module are the means over all."""

    device: torch.device
    share: Share

    def wrapped(self, module: nn.Module) -> nn.Module: ...

    def sum(self, x: Tensor) -> Tensor: ...

    def first(self, x: T) -> T:
        """What the first process has."""
        ...

    def meet(self) -> None:
        """Go on when all are here."""

    def log(self, row: dict[str, float], step: int) -> None: ...


class Alone:
    """One process, which needs nobody, and none of Lightning, whose import takes longer than that of torch."""

    share = Share()

    def __init__(self, device: torch.device):
        self.device = device

    def wrapped(self, module: nn.Module) -> nn.Module:
        return module

    def sum(self, x: Tensor) -> Tensor:
        return x

    def first(self, x: T) -> T:
        return x

    def meet(self) -> None: ...

    def log(self, row: dict[str, float], step: int) -> None: ...


class Together:
    """The processes that Fabric has started or met, and its loggers."""

    def __init__(self, fabric: "Fabric"):
        self.fabric, self.device = fabric, fabric.device
        self.share = Share(fabric.global_rank, fabric.world_size)

    def wrapped(self, module: nn.Module) -> nn.Module:
        return self.fabric.strategy.setup_module(module)

    def sum(self, x: Tensor) -> Tensor:
        return self.fabric.all_reduce(x, reduce_op="sum")  # pyright: ignore[reportReturnType] - a tensor

    def first(self, x: T) -> T:
        return self.fabric.broadcast(x)

    def meet(self) -> None:
        self.fabric.barrier()

    def log(self, row: dict[str, float], step: int) -> None:
        self.fabric.log_dict(row, step)


def start(config: Settings, folder: Path) -> Processes:
    """Start or meet the other processes of this run, if it has any."""
    options = config.training
    devices, nodes = find_processes(options)
    if devices * nodes == 1 and not options.loggers:
        return Alone(torch.device(options.device))
    from lightning.fabric import Fabric
    from lightning.fabric.strategies.ddp import DDPStrategy

    for name in ("lightning.fabric", "lightning.pytorch"):  # adverts and advice
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    on_gpu, strategy = options.device.startswith("cuda"), DDPStrategy(static_graph=True, broadcast_buffers=False)
    fabric = Fabric(
        accelerator="cuda" if on_gpu else "cpu",
        devices=[torch.device(options.device).index] if on_gpu and devices == 1 else devices,
        num_nodes=nodes,
        strategy=strategy if devices * nodes > 1 else "auto",
        loggers=[_logger(name, folder) for name in options.loggers],
    )
    fabric.launch()
    return Together(fabric)


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
    return devices, nodes


def _launched() -> tuple[int, int]:
    if torch.distributed.is_torchelastic_launched():
        per_node = int(os.environ["LOCAL_WORLD_SIZE"])
        return per_node, int(os.environ["WORLD_SIZE"]) // per_node
    if "SLURM_STEP_ID" in os.environ and os.environ.get("SLURM_JOB_NAME") not in ("bash", "interactive"):  # by srun
        nodes = int(os.environ.get("SLURM_NNODES", 1))
        return int(os.environ.get("SLURM_NTASKS", 1)) // nodes, nodes
    return 1, 1


def _logger(name: str, folder: Path) -> Any:
    from lightning.pytorch import loggers

    if name == "tensorboard":
        return loggers.TensorBoardLogger(folder, name="tensorboard", version="")
    if name == "mlflow":
        return loggers.MLFlowLogger("vaekit", run_name=folder.name)
    return loggers.WandbLogger(folder.name, save_dir=folder, project="vaekit")
