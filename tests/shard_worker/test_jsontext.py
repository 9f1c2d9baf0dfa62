"""JSON read quickly says the same as JSON read slowly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_worker import jsontext

DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_what_is_written_is_read(document: object) -> None:
    """Both directions agree with the standard library, for any document."""
    assert json.loads(jsontext.dumps(document)) == document
    assert jsontext.loads(json.dumps(document)) == document


def test_half_a_surrogate_pair_is_marked() -> None:
    """A title cut in the middle of an emoji costs nobody the frame it came in, nor the answer with it."""
    cut = '{"title": "\\ud83d", "whole": ["\\ud83d\\ude00"]}'
    read = jsontext.loads(cut)
    assert read == {"title": "\ufffd", "whole": ["\N{GRINNING FACE}"]}
    assert jsontext.dumps(read).encode()
    assert json.loads(jsontext.dumps({"title": "\ud83d"})) == {"title": "\ud83d"}


@pytest.mark.parametrize("text", ["", "{", "nul", "NaN", '{"a": -Infinity}', b"\xff\xfe", "[" * 100_000])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    """Whatever it is, callers meet one error."""
    with pytest.raises(ValueError, match=r".+"):
        jsontext.loads(text)
