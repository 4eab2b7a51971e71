"""How bad input is refused: argument, rule, what was received and how to correct it."""

import re
from collections.abc import Callable
from typing import Any

import pytest


def message_of(
    call: Callable[[], Any], error: type[Exception], pattern: str, arguments: str
) -> str:
    """The message of exactly this error, which begins with one of the arguments, a|b|c."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert type(caught.value) is error
    assert re.search(pattern, message, re.DOTALL), message
    if error is not NotImplementedError:  # which names a method, and got nothing
        wording = rf"({arguments})(: \w+)? must .*[,;] got .*\. [A-Z].*\.$"
        assert re.match(wording, message, re.DOTALL), message
    return message
