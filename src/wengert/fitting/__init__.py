"""Training: `fit`, what it can be given, and what it gives."""

from wengert.fitting.anomalies import TrainingStoppedError
from wengert.fitting.checkpoints import load_checkpoint, save_checkpoint
from wengert.fitting.early_stopping import EarlyStopping, early_stopping
from wengert.fitting.fit import Options, fit
from wengert.fitting.history import History
from wengert.fitting.memory import MemoryReport, memory
from wengert.fitting.training import Training

__all__ = [
    "EarlyStopping",
    "History",
    "MemoryReport",
    "Options",
    "Training",
    "TrainingStoppedError",
    "early_stopping",
    "fit",
    "load_checkpoint",
    "memory",
    "save_checkpoint",
]
