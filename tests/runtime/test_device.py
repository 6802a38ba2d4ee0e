"""Devices, precision and loggers: available ones are found, missing ones rejected."""

import pytest
import torch

from raising import raises
from vaekit.errors import ConfigError, DeviceError
from vaekit.runtime.device import check_loggers, find_device, find_precision


def test_the_cpu_is_always_available():
    assert find_device("cpu") == torch.device("cpu")
    assert find_device("auto").type in ("cpu", "cuda")


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "", "cpu:0", "cuda:-1", "CPU"])
def test_a_missing_device_is_rejected(name):
    with raises(DeviceError, "training.device"):
        find_device(name)


def test_precision_on_the_cpu_is_float32_by_default():
    assert find_precision("auto", torch.device("cpu")) == "32-true"
    assert find_precision("64-true", torch.device("cpu")) == "64-true"


def test_a_missing_logger_is_rejected(monkeypatch):
    monkeypatch.setattr("vaekit.runtime.device.find_spec", lambda name: None)
    with raises(ConfigError, "training.loggers"):
        check_loggers(["mlflow"])
    check_loggers([])
