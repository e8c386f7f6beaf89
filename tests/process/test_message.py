from __future__ import annotations

import pickle

import pytest

from nexus_writer.process import MessageObject


def test_a_message_is_a_command_and_its_arguments() -> None:
    message = MessageObject("a-command", par1=1, par2=2)
    assert message() == "a-command"
    assert message["par1"] == 1
    assert (message.command, message.kwargs) == ("a-command", {"par1": 1, "par2": 2})
    with pytest.raises(KeyError):
        message["par3"]
    copied = pickle.loads(pickle.dumps(message))
    assert copied == message
    assert copied != MessageObject("a-command", par1=1)
    assert "a-command" in str(message)
    assert "par2" in str(message)


def test_an_argument_may_have_any_name() -> None:
    assert MessageObject("c", command=1, self=2)["command"] == 1
