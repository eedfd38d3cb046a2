"""A consult and its reply written as JSON, as a plain web interface would send them, read into our records.

So that anybody can measure their own case: `sfsim bench --case CASE.json --reply REPLY.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from protocol.basis import basis_of
from protocol.clinical import AllergyState, CaseOpened, Consciousness, Note, Patient, Sex, Vitals
from protocol.errors import InvalidRecord
from protocol.header import Priority
from protocol.ids import mailbox_of
from protocol.orders import Reply
from protocol.voyage import Position

FILE_BYTES_MAX: Final = 1024 * 1024
_SEXES: Final = {"f": Sex.FEMALE, "m": Sex.MALE, "x": Sex.OTHER}
_QUESTIONS: Final = "Questions:"
_NO_QUESTION: Final = "What do you advise?"


class ConsultFileError(Exception):
    """A file that is not a consult of this shape; the message names the file and what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consult:
    """One consult: who wrote it, when, its records, and the bytes of the same as compact JSON."""

    medic: str
    created_s: int
    bodies: tuple[Any, ...]
    json_bytes: bytes


def read_consult(path: Path) -> Consult:
    """The consult in `path` (schema `consult-case/1`): origin, patient, complaint, notes, rows of vitals.

    Every value is kept exactly as it stands in the file, or `ConsultFileError`.
    """
    data = _load(path, "consult-case/1")
    try:
        return Consult(
            medic=data["origin"]["medic"],
            created_s=data["created"],
            bodies=(
                _opened(data),
                _patient(data["patient"]),
                _position(data),
                _note(data),
                *map(_vitals, data["vitals"]),
            ),
            json_bytes=compact_json(data),
        )
    except (KeyError, TypeError, ValueError, InvalidRecord) as error:
        raise ConsultFileError(f"{path}: {error!r} is missing or cannot be kept exactly") from error


def read_reply(path: Path) -> tuple[Reply, bytes]:
    """The reply in `path` (schema `consult-reply/1`), and the bytes of the same as compact JSON."""
    data = _load(path, "consult-reply/1")
    if not isinstance(data.get("text"), str):
        raise ConsultFileError(f"{path}: a reply has a text")
    return Reply(basis=basis_of([]), assessment=data["text"]), compact_json(data)


def compact_json(data: object) -> bytes:
    """UTF-8 JSON without a needless space."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, default=_number).encode()


def _load(path: Path, schema: str) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
        if len(raw) > FILE_BYTES_MAX:
            raise ConsultFileError(f"{path}: larger than {FILE_BYTES_MAX} bytes")
        data = json.loads(raw, parse_float=Decimal)
    except (OSError, ValueError, RecursionError) as error:
        raise ConsultFileError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(data, Mapping) or data.get("schema") != schema:
        raise ConsultFileError(f"{path}: not a file of schema {schema}")
    return data


def _opened(data: Mapping[str, Any]) -> CaseOpened:
    _, _, questions = data["notes"].partition(_QUESTIONS)
    return CaseOpened(
        template="general",
        template_version=1,
        urgency=Priority[data["priority"].upper()],
        complaint=data["complaint"],
        question=questions.strip() or _NO_QUESTION,
        site=mailbox_of("Bench", data["origin"]["name"]),
        hub=mailbox_of("Bench", "Hub"),
    )


def _patient(data: Mapping[str, Any]) -> Patient:
    allergies = _lines(data["allergies"])
    return Patient(
        code=data["ref"],
        age_years=data["age"],
        sex=_SEXES.get(data["sex"], Sex.UNKNOWN),
        weight_hg=_scaled(data["weight_kg"], 10),
        allergy_state=AllergyState.LISTED if allergies else AllergyState.NONE_KNOWN,
        allergies=allergies,
        medicines=_lines(data["medicines"]),
        history=_lines(data["history"]),
    )


def _position(data: Mapping[str, Any]) -> Position:
    latitude, longitude = (_scaled(degrees, 10_000) for degrees in data["origin"]["position"])
    return Position(
        observed_s=data["created"], latitude_tenthousandths=latitude, longitude_tenthousandths=longitude
    )


def _note(data: Mapping[str, Any]) -> Note:
    """The notes without the questions, which the case carries once."""
    return Note(language=data.get("language", "en"), text=data["notes"].partition(_QUESTIONS)[0].strip())


def _vitals(row: Mapping[str, Any]) -> Vitals:
    temperature = row.get("temp_c")
    consciousness = row.get("acvpu")
    return Vitals(
        observed_s=row["t"],
        heart_rate_min=row.get("hr"),
        respiratory_rate_min=row.get("rr"),
        spo2_percent=row.get("spo2"),
        systolic_mmhg=row.get("bp_sys"),
        diastolic_mmhg=row.get("bp_dia"),
        temperature_decicelsius=None if temperature is None else _scaled(temperature, 10),
        consciousness=None if consciousness is None else Consciousness[consciousness.upper()],
        glasgow_coma=row.get("gcs"),
        pain=row.get("pain"),
    )


def _scaled(value: int | Decimal, parts: int) -> int:
    scaled = Decimal(value) * parts
    if scaled != int(scaled):
        raise ValueError(f"{value} is finer than 1/{parts}")
    return int(scaled)


def _lines(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(values)


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{value!r} is not JSON")
