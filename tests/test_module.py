"""`SpeciaRLModule` under a real Trainer, on the built-in base."""

from dataclasses import replace

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.loggers.logger import Logger
from PIL import Image
from runs import Luck

from speciarl_pl.callbacks import HFRolloutCallback, Sampling, SkippedReport
from speciarl_pl.category import Category
from speciarl_pl.data import OpenWorldDataModule
from speciarl_pl.data.datasets import ImageFolder, WorldImages
from speciarl_pl.errors import JudgeError, ModelError, RolloutError
from speciarl_pl.judge import Judge, JudgeUnavailableError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.policy import LoraSpec
from speciarl_pl.records import Unjudged, Verdict

pytestmark = [
    pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec.:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]

ANSWERS = ("<answer>dog</answer>", "<answer>cat</answer>")


class Talker(HFRolloutCallback):
    """Real rollouts, but with readable answers: `dog` and `cat` in turn."""

    def draw(self, *args):
        return [_with_answers(group) for group in super().draw(*args)]


def _with_answers(group):
    rollouts = [replace(r, text=ANSWERS[i % 2]) for i, r in enumerate(group.rollouts)]
    return replace(group, rollouts=tuple(rollouts))


class Deaf(Judge):
    """Its service is down."""

    def judge(self, pairs):
        raise JudgeUnavailableError("connection refused")


class NoCats(Judge):
    """Knows dogs only."""

    def judge(self, pairs):
        return [
            Verdict(Category.SPECIFIC, "test")
            if pair.prediction == "dog"
            else Unjudged("what is a cat?")
            for pair in pairs
        ]


class Recorder(L.Callback):
    """Keeps what the training step returns and what is logged."""

    def __init__(self):
        self.scored = []
        self.logged = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.scored.append(outputs["scored"])
        self.logged.append({name: float(v) for name, v in trainer.callback_metrics.items()})


def make_module(**options):
    options = {"judge_patience_s": 0, **options}
    return SpeciaRLModule(dtype="float32", lora=LoraSpec(r=4, alpha=8), reward=Luck(), **options)


def run(module, judge, tmp_path, *callbacks, train=None, val=None, fn="fit", **options):
    """Fit or validate; gives what the steps left."""
    data = OpenWorldDataModule(
        train=train or WorldImages("train", n=4),
        val=val,
        judge=judge,
        prompt="brief",
        batch_size=2,
    )
    recorder = Recorder()
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=1,
        num_sanity_val_steps=0,
        inference_mode=False,
        use_distributed_sampler=False,
        log_every_n_steps=1,
        default_root_dir=tmp_path,
        callbacks=[*callbacks, SkippedReport(), recorder],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"logger": False, **options},
    )
    getattr(trainer, fn)(module, datamodule=data)
    return recorder


def engine(kind=Talker, size=4):
    sampling = Sampling(max_new_tokens=3)
    return kind(group_size=size, val_group_size=2, sampling=sampling, seed=0)


def test_too_much_unjudged_stops_the_run(tmp_path):
    message = (
        r"^8 of 8 rollouts were left unjudged, more than max_unjudged_share=0.5; "
        r"by Deaf, for the labels '.*'; the last reason: "
        r"Deaf: JudgeUnavailableError: connection refused$"
    )
    with pytest.raises(JudgeError, match=message):
        run(make_module(), Deaf(), tmp_path, engine())


def test_a_judge_that_is_down_teaches_nothing_where_that_is_allowed(tmp_path):
    module = make_module(max_unjudged_share=1.0)
    module.configure_model()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    found = run(module, Deaf(), tmp_path, engine())
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert found.logged[-1]["categories/unjudged"] == 1.0
    assert found.logged[-1]["signal_share"] == 0.0
    undefined = {"grad_norm", "kl", "reward", "correctness", "specificity", "hm"}
    assert not (undefined | {"judge/cached_share", "judge/llm_share"}) & found.logged[-1].keys()


def test_some_unjudged_are_masked_and_counted(tmp_path):
    module = make_module(max_unjudged_share=0.5)
    module.configure_model()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    found = run(module, NoCats(), tmp_path, engine())
    assert len(found.scored) == module.batches_trained == 2
    for group in found.scored[0]:
        assert group.rewards.isnan().tolist() == [False, True, False, True]
        assert group.advantages[[1, 3]].tolist() == [0.0, 0.0]
        assert group.advantages[[0, 2]].all()
    logged = found.logged[0]
    assert logged["categories/unjudged"] == logged["categories/specific"] == 0.5
    assert logged["rollouts"] == 8
    assert logged["signal_share"] == 1.0
    assert logged["reward"] == pytest.approx(
        torch.cat([group.rewards for group in found.scored[0]]).nanmean().item()
    )
    assert logged["grad_norm"] > 0
    assert {
        "time/judge_s",
        "time/update_s",
        "time/rollout_s",
        "tokens_per_s",
        "lr",
    } <= logged.keys()
    assert any(not torch.equal(before[n], tensor) for n, tensor in module.state_dict().items())


def test_the_share_that_may_be_unjudged_is_the_whole_of_it(tmp_path):
    with pytest.raises(JudgeError, match=r"^4 of 8 rollouts .* max_unjudged_share=0.49;"):
        run(make_module(max_unjudged_share=0.49), NoCats(), tmp_path, engine())


def test_unjudged_predictions_are_counted_in_validation_and_not_rated(tmp_path):
    module = make_module()
    val = [WorldImages("train", n=3, seed=1, name="seen")]
    run(module, NoCats(), tmp_path, engine(), val=val, fn="validate")
    seen = module.results["seen"]
    assert seen["counts"]["unjudged"] == seen["counts"]["specific"] == 3
    assert seen["n"] == 3
    assert seen["correctness"] == 1.0


@pytest.mark.parametrize("fn", ["fit", "validate"])
def test_no_rollout_callback_is_an_error_that_says_so(tmp_path, fn):
    val = [WorldImages("train", n=2, seed=1, name="seen")]
    with pytest.raises(RolloutError, match=r"no rollouts; add a rollout callback.*HFRollout"):
        run(make_module(), NoCats(), tmp_path, val=val, fn=fn)


@pytest.fixture
def mostly_broken(tmp_path):
    """A folder of six images, four of them broken: some batches of two have none left."""
    noise = np.random.default_rng(0)
    for number in range(6):
        path = tmp_path / "images" / "dog" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number < 2:
            pixels = noise.integers(0, 256, (56, 56, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
        else:
            path.write_bytes(b"not an image")
    return ImageFolder(str(tmp_path / "images"))


def test_batches_without_a_readable_image_are_survived(tmp_path, mostly_broken, capsys):
    module = make_module()
    found = run(module, NoCats(), tmp_path, engine(), train=mostly_broken, val=[mostly_broken])
    assert module.batches_trained == len(found.scored) == 3
    assert [] in found.scored
    assert sum(len(groups) for groups in found.scored) == 2
    assert "4 sample(s) could not be read" in capsys.readouterr().err
    (summary,) = module.results.values()
    assert sum(summary["counts"].values()) == 4, "two rollouts of each of two images"


def test_the_schedule_moves_once_a_batch(tmp_path):
    module = make_module(
        mini_batches=2,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        lr_scheduler=lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5),
    )
    found = run(module, NoCats(), tmp_path, engine())
    assert [logged["lr"] for logged in found.logged] == pytest.approx([0.1, 0.05])


class OnlyFirst(Luck):
    """Rewards for the first batch alone, after the trial; then all are equal."""

    calls = 0

    def __call__(self, group):
        OnlyFirst.calls += 1
        rewards = super().__call__(group)
        return rewards if OnlyFirst.calls <= 4 else rewards * 0


class Rows(Logger):
    """Keeps what it is handed."""

    name = version = ""

    def __init__(self):
        super().__init__()
        self.rows = []

    def log_metrics(self, metrics, step=None):
        self.rows.append((step, dict(metrics)))

    def log_hyperparams(self, *args, **kwargs):
        pass


def test_a_step_without_an_update_logs_nothing_of_the_one_before(tmp_path):
    module, rows = make_module(mini_batches=2), Rows()
    module._reward, OnlyFirst.calls = OnlyFirst(), 0
    run(module, NoCats(), tmp_path, engine(), logger=rows)
    (first, learned), (second, not_learned) = [row for row in rows.rows if "rollouts" in row[1]]
    assert (first, second) == (0, 1)
    of_updates = {"grad_norm", "entropy", "kl", "ratio", "clip_share", "importance_weight"}
    assert of_updates <= learned.keys()
    assert not of_updates & not_learned.keys()
    assert not_learned["signal_share"] == 0.0
    assert len(rows.rows) == 2, "nobody else logs a step"


def test_steps_are_batches_whether_or_not_they_teach(tmp_path):
    """Three batches, of which only the first teaches, in two optimiser steps."""
    module, recorder = make_module(mini_batches=2), Recorder()
    module._reward, OnlyFirst.calls = OnlyFirst(), 0
    trainer_steps = []

    class Steps(L.Callback):
        def on_train_batch_end(self, trainer, *_):
            trainer_steps.append(trainer.global_step)

    data = WorldImages("train", n=10)
    run(module, NoCats(), tmp_path, engine(), Steps(), recorder, train=data, max_steps=3)
    assert trainer_steps == [1, 2, 3]
    assert module.batches_trained == len(recorder.scored) == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mini_batches", 0),
        ("micro_batch_groups", 0),
        ("max_answer_chars", 0),
        ("max_unjudged_share", 1.1),
        ("max_unjudged_share", -0.1),
    ],
)
def test_bad_arguments_are_refused(name, value):
    with pytest.raises(ValueError, match=f"^{name}: expected .*got {value}"):
        SpeciaRLModule(**{name: value})


def test_nothing_is_loaded_before_lightning_asks_for_it():
    module = SpeciaRLModule(base="/no/such/folder")
    assert module.state_dict() == {}
    with pytest.raises(ModelError, match="not loaded yet"):
        _ = module.encode


def test_a_checkpoint_holds_the_adapter_alone(tmp_path):
    module = make_module()
    module.configure_model()
    state = module.state_dict()
    assert state.keys() == module.loaded_policy.adapter_state_dict().keys()
    assert all("lora_" in name for name in state)
    size = sum(tensor.numel() for tensor in state.values())
    assert size == sum(p.numel() for p in module.loaded_policy.trainable_parameters())


def test_an_adapter_goes_round():
    one, other = make_module(), make_module()
    one.configure_model()
    other.configure_model()
    for parameter in one.loaded_policy.trainable_parameters():
        parameter.data.normal_()
    other.load_state_dict(one.state_dict())
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])


@pytest.mark.parametrize("change", ["shape", "missing", "unknown"])
def test_another_adapter_is_refused(change):
    module = make_module()
    module.configure_model()
    state = dict(module.state_dict())
    first = next(iter(state))
    if change == "shape":
        state[first] = torch.zeros(3, 5)
    elif change == "missing":
        del state[first]
    else:
        state["strange"] = torch.zeros(1)
    with pytest.raises(ModelError, match="adapter tensors do not match the model"):
        module.load_state_dict(state)


def test_a_strange_checkpoint_is_refused():
    with pytest.raises(ModelError, match="not written by a run of speciarl_pl"):
        SpeciaRLModule().on_load_checkpoint({"state_dict": {}})
