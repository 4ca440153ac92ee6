"""Fewer or more processes than the options ask for are refused before anything is loaded."""

import lightning as L
import pytest

from speciarl_pl.step.trainer_check import check_trainer

SLURM = {
    "SLURM_JOB_ID": "1",
    "SLURM_JOB_NAME": "train",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
    "SLURM_NNODES": "1",
}
TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "1",
    "RANK": "0",
    "LOCAL_RANK": "0",
    "GROUP_RANK": "0",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "1",
}


def trainer(monkeypatch, variables, devices, nodes=1):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return L.Trainer(accelerator="cpu", devices=devices, num_nodes=nodes, **options)


@pytest.mark.parametrize("fitting", [True, False], ids=["fit", "validate"])
@pytest.mark.parametrize(
    ("variables", "devices", "said"),
    [
        (
            {**SLURM, "SLURM_NTASKS": "1"},
            4,
            "expected 4 processes (4 devices on 1 node), got 1, started by SLURM (SLURM_NTASKS); "
            "start it by srun in a job with --nodes=1 --ntasks-per-node=4 (without srun there is "
            "one process, however many are allotted), or pass --trainer.devices 1",
        ),
        (
            {**SLURM, "SLURM_NTASKS": "4", "SLURM_NTASKS_PER_NODE": "4"},
            1,
            "expected 1 process (1 device on 1 node), got 4, started by SLURM",
        ),
        (
            {**SLURM, "SLURM_NTASKS": "8", "SLURM_NTASKS_PER_NODE": "4", "SLURM_NNODES": "2"},
            4,
            "got 8, started by SLURM (SLURM_NTASKS); start it by srun in a job with --nodes=2 "
            "--ntasks-per-node=4 (without srun there is one process, however many are allotted), "
            "or pass --trainer.devices 4 --trainer.num_nodes 2",
        ),
        (
            {**TORCHRUN, "WORLD_SIZE": "2"},
            1,
            "expected 1 process (1 device on 1 node), got 2, started by torchrun (WORLD_SIZE); "
            "start it by torchrun --nnodes 1 --nproc_per_node 1, or pass --trainer.devices 2",
        ),
        (
            {**TORCHRUN, "WORLD_SIZE": "1"},
            4,
            "expected 4 processes (4 devices on 1 node), got 1, started by torchrun",
        ),
    ],
    ids=["slurm 1 of 4", "slurm 4 of 1", "slurm 2 nodes", "torchrun 2 of 1", "torchrun 1 of 4"],
)
def test_another_number_is_refused(monkeypatch, variables, devices, said, fitting):
    made = trainer(monkeypatch, variables, devices)
    with pytest.raises(ValueError, match=r"^trainer\.devices: ") as caught:
        check_trainer(made, fitting)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "devices", "nodes"),
    [
        ({**SLURM, "SLURM_NTASKS": "1"}, 1, 1),
        ({**SLURM, "SLURM_NTASKS": "4", "SLURM_NTASKS_PER_NODE": "4"}, 4, 1),
        ({**SLURM, "SLURM_NTASKS": "4", "SLURM_NTASKS_PER_NODE": "2", "SLURM_NNODES": "2"}, 2, 2),
        ({**SLURM, "SLURM_NTASKS": "1", "SLURM_JOB_NAME": "bash"}, 2, 1),
        ({**TORCHRUN, "WORLD_SIZE": "4"}, 2, 2),
        ({}, 2, 1),
    ],
    ids=["slurm 1", "slurm 4", "slurm 2 x 2", "slurm by hand", "torchrun", "Lightning starts them"],
)
def test_the_right_number_is_not(monkeypatch, variables, devices, nodes):
    check_trainer(trainer(monkeypatch, variables, devices, nodes), fitting=True)
