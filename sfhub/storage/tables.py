"""The tables of hub.db; what each holds is said in `schema/`."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from sync.stores.migrations import Schema

HUB_SCHEMA: Final = Schema.of_folder("hub", files("sfhub.storage") / "schema")
