"""Kubernetes resource quantities: ``250m`` of a core, ``512Mi`` of memory."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
_UNITS = {
    "": Decimal(1),
    "m": Decimal(1) / 1000,
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}
MEBIBYTE = 2**20


def amount(quantity: str) -> Decimal:
    """Return what a quantity stands for: cores, or bytes.

    Raises:
        ValueError: it is not one.
    """
    found = re.fullmatch(_PATTERN, quantity)
    if found is None:
        message = "must be a quantity such as 250m, 2, 512Mi or 1Gi"
        raise ValueError(message)
    unit = found.group(2) or ""
    return Decimal(quantity.removesuffix(unit)) * _UNITS[unit]


def _checked(quantity: str) -> str:
    amount(quantity)
    return quantity


Quantity = Annotated[str, Field(pattern=_PATTERN, max_length=20), AfterValidator(_checked)]
