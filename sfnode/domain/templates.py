"""Case templates: which fields a form asks for, and what of them must be there before a case is sent.

They are data (`sfnode/site_packs/*.toml`), each with a version and the line that says where its fields come
from.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

from sfnode.errors import NotFound

REQUIRED_MAX: Final = 7
"""More would keep a medic at the form while the patient waits."""
FIELDS_MAX: Final = 64


class FieldKind(StrEnum):
    """What a field takes."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    MOMENT = "moment"
    LIST = "list"
    VITALS = "vitals"
    PHOTO = "photo"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateField:
    key: str
    label: str
    kind: FieldKind
    required: bool
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One form."""

    name: str
    title: str
    version: int
    source: str
    """Where the field list comes from, and that a clinician has not reviewed it."""
    fields: tuple[TemplateField, ...]

    def field(self, key: str) -> TemplateField | None:
        return next((field for field in self.fields if field.key == key), None)


class TemplateBroken(ValueError):
    """A site pack that breaks a rule of its format: a fault of whoever wrote it."""


@cache
def site_templates() -> tuple[Template, ...]:
    """The templates that come with the software, by name."""
    folder = files("sfnode").joinpath("site_packs")
    packs = [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return tuple(
        sorted(
            (parse_template(pack.read_text("utf-8")) for pack in packs), key=lambda template: template.name
        )
    )


def find_template(name: str) -> Template:
    """`NotFound` names those there are."""
    found = next((template for template in site_templates() if template.name == name), None)
    if found is None:
        names = ", ".join(template.name for template in site_templates())
        raise NotFound(f"There is no template {name!r}. Nothing was saved. Choose one of {names}.")
    return found


def parse_template(text: str) -> Template:
    """A template from its TOML; `TemplateBroken` says what is wrong with it."""
    try:
        match tomllib.loads(text):
            case {
                "name": str(name),
                "title": str(title),
                "version": int(version),
                "source": str(source),
                "fields": list(fields),
            }:
                template = Template(
                    name=name,
                    title=title,
                    version=version,
                    source=source,
                    fields=tuple(_field(field) for field in fields),
                )
            case _:
                raise TemplateBroken("a template has name, title, version, source and fields")
    except tomllib.TOMLDecodeError as error:
        raise TemplateBroken(f"a template is not TOML: {error}") from error
    _check(template)
    return template


def _field(field: object) -> TemplateField:
    match field:
        case {"key": str(key), "label": str(label), "kind": str(kind), **rest} if (
            kind in FieldKind.__members__.values()
        ):
            choices, required = rest.get("choices", []), rest.get("required", False)
            if (
                isinstance(required, bool)
                and isinstance(choices, list)
                and all(isinstance(c, str) for c in choices)
            ):
                return TemplateField(
                    key=key, label=label, kind=FieldKind(kind), required=required, choices=tuple(choices)
                )
    raise TemplateBroken(f"a field has key, label and kind, and may have required and choices: {field!r}")


def _check(template: Template) -> None:
    keys = [field.key for field in template.fields]
    if len(set(keys)) != len(keys) or len(keys) > FIELDS_MAX:
        raise TemplateBroken(
            f"{template.name}: a key is given twice, or there are more than {FIELDS_MAX} fields"
        )
    if sum(field.required for field in template.fields) > REQUIRED_MAX:
        raise TemplateBroken(f"{template.name}: more than {REQUIRED_MAX} fields are required for sending")
    if any((field.kind is FieldKind.CHOICE) != bool(field.choices) for field in template.fields):
        raise TemplateBroken(f"{template.name}: a choice field lists its choices, no other field does")
