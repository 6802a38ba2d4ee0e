"""Devices, precision and loggers: what is there is found, what is not is said in one line."""

import pytest
import torch

from vaekit.errors import ConfigError, DeviceError
from vaekit.runtime.device import check_loggers, find_device, find_precision


def test_the_processor_is_always_there():
    assert find_device("cpu") == torch.device("cpu")
    assert find_device("auto").type in ("cpu", "cuda")


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "", "cpu:0", "cuda:-1", "CPU"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name):
    with pytest.raises(DeviceError, match=r"is not there: auto, cpu.* can be used here"):
        find_device(name)


def test_precision_is_float32_on_the_processor_unless_asked_otherwise():
    assert find_precision("auto", torch.device("cpu")) == "32-true"
    assert find_precision("64-true", torch.device("cpu")) == "64-true"


def test_a_logger_that_is_not_installed_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr("vaekit.runtime.device.find_spec", lambda name: None)
    with pytest.raises(
        ConfigError, match=r"mlflow is not installed: pip install 'vaekit\[mlflow\]'"
    ):
        check_loggers(["mlflow"])
    check_loggers([])
