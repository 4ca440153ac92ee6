"""As many processes as the options say, or an error before anything is loaded."""

import os
from collections.abc import Iterator
from typing import Any

import lightning as L
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment


def wrong_number_of_processes(trainer: L.Trainer) -> Iterator[str]:
    """Say how the processes that were started differ from those that the options ask for.

    Where SLURM or torchrun starts the processes Lightning starts none: with fewer of them than
    `devices` a run would use one GPU where four were paid for, or each of four would train for
    itself into the same directory.

    Args:
        trainer: The trainer, with its strategy and cluster environment.
    """
    connector: Any = trainer._accelerator_connector
    environment: ClusterEnvironment = connector.cluster_environment
    if not environment.creates_processes_externally or isinstance(
        environment, LightningEnvironment
    ):
        return
    started, nodes = environment.world_size(), trainer.num_nodes
    if started == trainer.num_devices * nodes:
        return
    there = _nodes_of_job(environment) or nodes
    yield (
        f"trainer.devices: expected {_count(trainer.num_devices * nodes, 'process', 'es')} "
        f"({_count(trainer.num_devices, 'device')} on {_count(nodes, 'node')}), got {started}, "
        f"started by {_starter(environment)}; {_advice(environment, trainer.num_devices, there)}"
        f"{_options(started, there, nodes)}"
    )


def _starter(environment: ClusterEnvironment) -> str:
    if isinstance(environment, SLURMEnvironment):
        return "SLURM (SLURM_NTASKS)"
    if isinstance(environment, TorchElasticEnvironment):
        return "torchrun (WORLD_SIZE)"
    return type(environment).__name__


def _advice(environment: ClusterEnvironment, devices: int, nodes: int) -> str:
    if isinstance(environment, SLURMEnvironment):
        return (
            f"start it by srun in a job with --nodes={nodes} --ntasks-per-node={devices} (without "
            "srun there is one process, however many are allotted)"
        )
    if isinstance(environment, TorchElasticEnvironment):
        return f"start it by torchrun --nnodes {nodes} --nproc_per_node {devices}"
    return f"start {devices} on each node"


def _options(started: int, there: int, nodes: int) -> str:
    """The options that fit what was started; empty where none do."""
    if started % there:
        return ""
    more = f" --trainer.num_nodes {there}" if there != nodes else ""
    return f", or pass --trainer.devices {started // there}{more}"


def _nodes_of_job(environment: ClusterEnvironment) -> int:
    """How many nodes the job has; 0 where that is not known."""
    found = os.environ.get("SLURM_NNODES", "")
    return int(found) if isinstance(environment, SLURMEnvironment) and found.isdigit() else 0


def _count(number: int, what: str, plural: str = "s") -> str:
    return f"{number} {what}{plural if number != 1 else ''}"
