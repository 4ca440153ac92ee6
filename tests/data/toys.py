"""Small stand-ins: an encoder, a data set of numbered samples, a module that writes down ids."""

import lightning as L
import torch
from PIL import Image

from speciarl_pl.data.source import ImageSource, as_table
from speciarl_pl.records import EncodedPrompt


def encode(sample):
    if max(sample.image.size) > 200 * min(sample.image.size):
        raise ValueError("absolute aspect ratio must be smaller than 200")
    ids = torch.tensor([len(sample.truth)])
    return EncodedPrompt(ids, torch.zeros_like(ids), {"pixel_values": torch.zeros(1, 2)})


class Numbers(ImageSource):
    """`n` samples whose ids are their numbers."""

    def __init__(self, n=10, name="numbers"):
        super().__init__(name)
        self.n = n

    def rows(self):
        ids = [str(number) for number in range(self.n)]
        return as_table({"id": ids, "truth": ids, "subset": [""] * self.n})

    def image(self, row, max_pixels=0):
        return Image.new("RGB", (2, 2))


class Diary(L.LightningModule):
    """Trains nothing; notes the ids of every batch it finished, and of every batch it validated."""

    def __init__(self, fail_at=None):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.automatic_optimization = False
        self.fail_at = fail_at
        self.trained = []
        self.validated = []
        self.rounds = []

    def encode(self, sample):
        return encode(sample)

    def training_step(self, batch, batch_idx):
        if self.fail_at == len(self.trained):
            raise RuntimeError("pulled the plug")
        self.optimizers().step()
        self.trained.append([sample.id for sample in batch.samples])

    def validation_step(self, batch, batch_idx):
        self.validated += [(sample.dataset, sample.id) for sample in batch.samples]

    def on_validation_start(self):
        self.rounds.append(len(self.trained))

    test_step = validation_step

    def predict_step(self, batch, batch_idx):
        return [sample.id for sample in batch.samples]

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)
