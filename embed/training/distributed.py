"""Several processes that train one network: torch's DistributedDataParallel under ``torchrun``, on GPUs (NCCL) or CPUs (gloo).

One global batch is shared out, so the number of processes changes the result by rounding alone. Batch normalisation sees the global
batch too: on GPUs through torch's SyncBatchNorm, which CPUs lack; there `GatheredBatchNorm` does the same.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.distributed as dist
from timm.layers import convert_sync_batchnorm
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

T = TypeVar("T")

_PATIENCE = timedelta(hours=12)
"""How long a process waits for the first one, which may be decoding a large study; torchrun ends them all when one fails."""


@dataclass(frozen=True)
class Ranks:
    """One process among its peers.

    Attributes
    ----------
    rank, world, local : int
        Its number among all, how many there are, and its number on this machine.
    """

    rank: int = 0
    world: int = 1
    local: int = 0

    @property
    def lead(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def own(self, count: int) -> slice:
        """The process's share of `count` rows: shares differ by one row at most."""
        return slice(count * self.rank // self.world, count * (self.rank + 1) // self.world)

    def wait(self) -> None:
        """Wait for all."""
        if self.world > 1:
            dist.barrier()

    @contextmanager
    def lead_first(self) -> Iterator[None]:
        """Run a block in the first process, then in the others, which find its work done."""
        if not self.lead:
            self.wait()
        yield
        if self.lead:
            self.wait()

    def broadcast(self, value: T) -> T:
        """Give every process the first one's value."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def summed(self, tensor: torch.Tensor) -> torch.Tensor:
        """The sum over all, without a gradient."""
        if self.world > 1:
            dist.all_reduce(tensor)
        return tensor

    def joined(self, own: torch.Tensor, count: int) -> torch.Tensor:
        """All processes' rows in order, (count, ...) from each one's share (see `own`), with a gradient back to each."""
        if self.world == 1:
            return own
        whole = torch.zeros((count, *own.shape[1:]), dtype=own.dtype, device=own.device)
        whole[self.own(count)] = own
        return _Sum.apply(whole, None)


class _Sum(torch.autograd.Function):
    """The sum over all processes, with a gradient: each one's result depends on every one's summand."""

    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor, group: Any) -> torch.Tensor:  # noqa: ANN401 - torch's own
        ctx.group = group
        whole = tensor.clone()
        dist.all_reduce(whole, group=group)
        return whole

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:  # noqa: ANN401
        whole = gradient.clone()
        dist.all_reduce(whole, group=ctx.group)
        return whole, None


ALONE = Ranks()


def join_ranks(device: torch.device, environment: Mapping[str, str] = os.environ) -> tuple[Ranks, torch.device]:
    """Join the processes that torchrun started; alone where it did not.

    Returns
    -------
    ranks : Ranks
    device : torch.device
        This process's own.
    """
    world = int(environment.get("WORLD_SIZE", "1"))
    if world == 1:
        return ALONE, device
    ranks = Ranks(int(environment["RANK"]), world, int(environment.get("LOCAL_RANK", environment["RANK"])))
    if device.type == "cuda":
        if ranks.local >= torch.cuda.device_count():
            raise InputError(
                f"{ranks.local + 1} processes or more on a machine with {torch.cuda.device_count()} GPUs; give torchrun --nproc-per-node {torch.cuda.device_count()}, or --device cpu"
            )
        device = torch.device("cuda", ranks.local)
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    return ranks, device


def leave_ranks(ranks: Ranks) -> None:
    """Leave the processes that were joined."""
    if ranks.world > 1:
        dist.destroy_process_group()


def share_batch_norm(module: nn.Module, device: torch.device, ranks: Ranks) -> nn.Module:
    """Make batch normalisations see the global batch; weights and their names stay."""
    if ranks.world == 1:
        return module
    if device.type == "cuda":
        return convert_sync_batchnorm(module)
    group = dist.new_group()
    for parent in list(module.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.BatchNorm2d):
                setattr(parent, name, GatheredBatchNorm(layer, group))
    return module


def parallel(module: nn.Module, device: torch.device, ranks: Ranks) -> nn.Module:
    """Wrap a module so that gradients are averaged over the processes; needed again whenever other weights are trained."""
    if ranks.world == 1:
        return module
    return DistributedDataParallel(module, device_ids=[ranks.local] if device.type == "cuda" else None)


class GatheredBatchNorm(nn.BatchNorm2d):
    """Batch normalisation over the batches of all processes, on CPUs.

    Parameters
    ----------
    layer : nn.BatchNorm2d
        Whose weights and statistics it takes over; timm's carry an activation with them.
    group : ProcessGroup
        A separate one, so that its sums do not mix with those of the gradients.
    """

    def __init__(self, layer: nn.BatchNorm2d, group: Any) -> None:  # noqa: ANN401 - dist.ProcessGroup or GroupMember
        super().__init__(layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats)
        self.weight, self.bias = layer.weight, layer.bias
        self.running_mean, self.running_var = layer.running_mean, layer.running_var
        self.num_batches_tracked = layer.num_batches_tracked
        self.drop = getattr(layer, "drop", nn.Identity())
        self.act = getattr(layer, "act", nn.Identity())
        self.group = group
        self.train(layer.training)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Normalise by the mean and variance of all processes' values."""
        if not self.training:
            return self.act(self.drop(super().forward(values)))
        count = values.new_full((1,), values.numel() / values.shape[1], dtype=torch.float64)
        variance, mean = torch.var_mean(values.double(), dim=(0, 2, 3), correction=0)
        sums = torch.cat([count, count * mean, count * (variance + mean**2)])
        total, first, second = torch.split(_Sum.apply(sums, self.group), [1, len(mean), len(mean)])
        mean = first / total
        variance = second / total - mean**2
        if self.running_mean is not None and self.running_var is not None and self.momentum is not None:
            with torch.no_grad():
                self.running_mean.lerp_(mean.float(), self.momentum)
                self.running_var.lerp_((variance * total / (total - 1)).float(), self.momentum)
                if self.num_batches_tracked is not None:
                    self.num_batches_tracked.add_(1)
        scale = self.weight * torch.rsqrt(variance + self.eps).float()
        shift = self.bias - mean.float() * scale
        return self.act(self.drop(values * scale[:, None, None] + shift[:, None, None]))
