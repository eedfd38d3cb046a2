"""A draft becomes bundles: headline, then text, then the layers of its photographs, each queued once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from protocol.actors import Party
from protocol.clinical import CaseOpened, Headline, Layer, Media, Note
from protocol.entry import SignedEntry
from protocol.header import Priority
from protocol.ids import CaseId, EntryId
from protocol.limits import BUNDLE_TEXT_BYTES_MAX, ENTRIES_PER_BUNDLE_MAX
from protocol.micro import MicroBundle, write_micro
from protocol.records import Kind, NewRecord, Record
from sfnode.domain.case_file import CaseFile
from sfnode.domain.completeness import missing_for_sending
from sfnode.domain.headline import SEALED_BYTES_MAX, compose_headline
from sfnode.domain.templates import find_template
from sfnode.errors import Incomplete, NotFound, Refused
from sfnode.vault.entries import mark_sent, read_signed
from sfnode.vault.hubs import Hub
from sfnode.vault.outbox import entries_not_queued, is_layer_queued, queue_layer
from sync.envelope import fits_enveloped
from sync.ports import Rank

from .writing import LAYER_RANKS, Pen

_ENTRY_HEAD_BYTES: Final = 3
"""The length before each entry in a bundle, as a varint."""
SENT_WITHOUT: Final = "Sent without"
"""How the note begins that says what a person sent a case without."""
_LANGUAGE: Final = "en"
"""Of the forms' labels."""
_LAYER_WORDS: Final = {
    Layer.PREVIEW: "preview",
    Layer.STANDARD: "standard",
    Layer.FULL: "full",
    Layer.REGION: "region",
}


def send_case(pen: Pen, case_id: CaseId, *, accept_missing: bool) -> tuple[int, ...]:
    """Outbox rows of the whole draft; none when it was sent before."""
    case = pen.case(case_id)
    if not case.is_consult:
        raise Refused("This is the site's own file, not a patient's case. Nothing was sent.")
    if case.sent_s is not None:
        return ()  # Since it was sent, whatever was written went into the outbox with it.
    _refuse_left(pen.hub_of(case_id))
    if case.priority is not Priority.EMERGENCY and (lacking := _lacking(case)):
        if not accept_missing:
            raise _incomplete(lacking)
        _record_missing(pen, case, lacking)
    rows = [_queue_headline(pen, case)]
    mark_sent(pen.connection, case_id, pen.now_s)
    bundles = _bundles(
        read_signed(pen.connection, entries_not_queued(pen.connection, case_id, int(Party.SITE)))
    )
    for number, bundle in enumerate(bundles, start=1):
        what = "text" if len(bundles) == 1 else f"text {number} of {len(bundles)}"
        rows.append(pen.queue(case, bundle, what=what, rank=Rank.TEXT))
    return (*rows, *queue_layers(pen, case, case.state.media))


def send_given_back(pen: Pen, case_id: CaseId) -> None:
    """The hub has some of this case: it was sent, whatever an older backup says. What is not known to have
    been in a bundle is queued; of what the hub holds already, no more than its name will travel."""
    case = pen.case(case_id)
    if case.sent_s is not None:
        return
    mark_sent(pen.connection, case_id, pen.now_s)
    ours = entries_not_queued(pen.connection, case_id, int(Party.SITE))
    for bundle in _bundles(read_signed(pen.connection, ours)):
        pen.queue(case, bundle, what="text", rank=Rank.TEXT)
    queue_layers(pen, case, case.state.media)


def queue_layers(pen: Pen, case: CaseFile, records: Iterable[Record]) -> tuple[int, ...]:
    """Outbox rows of the layers that these manifests name and no bundle holds."""
    rows = []
    for record in records:
        if record.kind != Kind.MEDIA:
            continue
        media: Media = record.body
        for layer in media.layers:
            if is_layer_queued(pen.connection, case.case_id, layer.layer, layer.blob):
                continue
            rows.append(
                queue_layer(
                    pen.connection,
                    case_id=case.case_id,
                    hub=case.hub,
                    layer=layer.layer,
                    blob=layer.blob,
                    size_bytes=layer.size_bytes,
                    what=f"{_LAYER_WORDS[layer.layer]}: {media.caption}",
                    priority=case.priority,
                    rank=LAYER_RANKS[layer.layer],
                    queued_s=pen.now_s,
                )
            )
    return tuple(rows)


def _refuse_left(hub: Hub) -> None:
    if hub.left_s is not None:
        raise Refused(
            f"Not sent: it asks {hub.name}, which this site has left. The draft is safe and can be read. "
            "Open a case that asks another hub."
        )


def _lacking(case: CaseFile) -> tuple[str, ...]:
    """Labels of what its form requires and nobody has answered."""
    try:
        template = find_template(case.opened.template)
    except NotFound:
        return ()  # Opened with a form that this version no longer has: nothing to hold it against.
    return missing_for_sending(case, template)


def _incomplete(lacking: Sequence[str]) -> Incomplete:
    return Incomplete(
        f"Not sent: {', '.join(lacking)} missing. The draft is safe. Add what is missing, or send it as "
        "it is with --accept-missing; an emergency is never held back."
    )


def _record_missing(pen: Pen, case: CaseFile, lacking: Sequence[str]) -> None:
    """Whoever reads the case later sees that it was known to be missing, and not lost on the way."""
    text = f"{SENT_WITHOUT}: {', '.join(lacking)}."
    pen.add(case, [NewRecord(Note(language=_LANGUAGE, text=text))], what="note")


def _queue_headline(pen: Pen, case: CaseFile) -> int:
    """Unsigned, in the small profile: it goes ahead of the entry that opened the case, which is in the first
    bundle of text and says the same under a signature."""

    def micro_of(headline: Headline) -> MicroBundle:
        return write_micro(
            NewRecord(headline),
            case_id=case.case_id,
            patient_id=case.patient_id,
            author=pen.identity.author,
            stamp=pen.stamp(),
            covers=_opening_entry(case),
        )

    def fits(headline: Headline) -> bool:
        return fits_enveloped(micro_of(headline), SEALED_BYTES_MAX)

    micro = micro_of(compose_headline(case, fits, now_s=pen.now_s))
    return pen.queue_micro(case, micro, what="headline", rank=Rank.HEADLINE)


def _opening_entry(case: CaseFile) -> EntryId:
    return next(
        each.entry.entry_id
        for each in case.entries
        if any(isinstance(record.body, CaseOpened) for record in each.entry.records)
    )


def _bundles(entries: Sequence[SignedEntry]) -> list[list[SignedEntry]]:
    """As few bundles as their bounds allow, in the entries' order."""
    bundles: list[list[SignedEntry]] = []
    room_bytes = 0
    for entry in entries:
        size_bytes = len(entry.payload) + _ENTRY_HEAD_BYTES
        if not bundles or size_bytes > room_bytes or len(bundles[-1]) >= ENTRIES_PER_BUNDLE_MAX:
            bundles.append([])
            room_bytes = BUNDLE_TEXT_BYTES_MAX
        bundles[-1].append(entry)
        room_bytes -= size_bytes
    return bundles
