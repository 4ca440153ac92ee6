"""A logger that keeps what it is given."""

from typing import ClassVar

from lightning.pytorch.loggers import Logger


class Recorder(Logger):
    """Keeps what it is given; `tables` are its tables, `fails` counts the calls that fail."""

    made: ClassVar[list] = []

    def __init__(self, fails: int = 0, begins: bool = True):
        super().__init__()
        self.rows, self.params, self.tables, self.statuses = [], [], [], []
        self.fails, self.begins = fails, begins
        Recorder.made.append(self)

    name = version = "recorder"

    @property
    def experiment(self):
        if not self.begins:
            raise ConnectionError("no route to host\nand more")

    def log_metrics(self, metrics, step=None):
        self.fails -= 1
        if self.fails >= 0:
            raise ConnectionError("the server is down")
        self.rows.append((step, dict(metrics)))

    def log_hyperparams(self, params, *args, **kwargs):
        self.params.append(params)

    def log_table(self, key, columns, data, step):
        self.tables.append((key, columns, data, step))

    def finalize(self, status):
        self.statuses.append(status)


class Unbuilt(Recorder):
    def __init__(self):
        raise RuntimeError("the store is in maintenance")
