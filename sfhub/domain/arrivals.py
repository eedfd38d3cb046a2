"""What of a case is here and what is still on its way; never "complete" unless it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from protocol.catalogue import answer_text
from protocol.clinical import Layer, Media, MediaLayer
from protocol.records import Kind, Record

from ..views import Arrivals, LayerView, MediaView
from .case_file import CaseFile

LAYER_WORDS: Final = {
    Layer.PREVIEW: "preview",
    Layer.STANDARD: "standard",
    Layer.FULL: "full",
    Layer.REGION: "region",
}
PROVISIONAL_WORDS: Final = (
    "provisional headline: it came from this site, nobody has signed it, and the signed case has not arrived"
)
_TEXT_KINDS: Final = (Kind.CASE_OPENED, Kind.PATIENT, Kind.NOTE, Kind.VITALS, Kind.TREATMENT)


def arrivals_of(file: CaseFile) -> Arrivals:
    """When each part became durable here."""
    state = file.state
    return Arrivals(
        headline_s=file.headline_arrived_s,
        text_s=file.arrived_s(state.opened),
        previews_s=_moments(file, Layer.PREVIEW),
        standard_s=_moments(file, Layer.STANDARD),
        full_s=_moments(file, Layer.FULL),
        previews_named=len(_named(file, Layer.PREVIEW)),
        standard_named=len(_named(file, Layer.STANDARD)),
        full_named=len(_named(file, Layer.FULL)),
        reply_stored_s=_stored_s(file),
        reply_seen_s=file.arrived_s(state.reply_seen),
        order_confirmed_s=_event_s(file, Kind.ORDER_CONFIRMED),
        order_done_s=_event_s(file, Kind.ORDER_GIVEN),
        plan_accepted_s=file.arrived_s(state.plan_accepted),
    )


def missing(file: CaseFile) -> tuple[str, ...]:
    """Sentences: what is known to exist and is not here yet."""
    return (*_missing_text(file), *_missing_rest(file))


def photo_counts(file: CaseFile) -> tuple[int, int]:
    """Photographs of which any layer is here, of those that are known to exist."""
    manifests: Sequence[Media] = [record.body for record in file.state.media]
    here = sum(
        any(file.layer(layer.blob, layer.layer) for layer in manifest.layers) for manifest in manifests
    )
    return here, max(len(manifests), file.headline.photo_count if file.headline else 0)


def media_views(file: CaseFile) -> tuple[MediaView, ...]:
    """Every photograph, oldest first, with its finest layer that is here."""
    return tuple(_media_view(file, record) for record in file.state.media)


def unnamed_layers(file: CaseFile) -> int:
    """Layers whose bytes are here and that no manifest names: never shown, only counted."""
    named = {(layer.blob, layer.layer) for record in file.state.media for layer in record.body.layers}
    return sum((here.blob, here.layer) not in named for here in file.layers)


def _missing_text(file: CaseFile) -> Iterable[str]:
    """What of the text is not here, or here without a signature."""
    if not file.state.opened:
        if file.provisional_headline is not None:
            yield PROVISIONAL_WORDS
        if file.headline is None:
            yield "the headline and the consult itself are still on their way"
        else:
            yield "headline only: question, history, notes and vitals series are still on their way"
    for answer in file.provisional_answers:
        yield f"provisional answer, signed by nobody yet: {answer_text(answer)}"
    if corrections := len(file.provisional_corrections):
        notes = "a note was" if corrections == 1 else f"{corrections} notes were"
        yield f"{notes} corrected, signed by nobody yet"


def _missing_rest(file: CaseFile) -> Iterable[str]:
    state = file.state
    if file.held:
        yield f"{file.held} parts are here and wait for their author to be introduced"
    announced = (file.headline.photo_count if file.headline else 0) - len(state.media)
    if announced > 0:
        yield f"{announced} announced photos are not described yet"
    for layer, word in (
        (Layer.PREVIEW, "previews"),
        (Layer.STANDARD, "standard photos"),
        (Layer.FULL, "full photos"),
    ):
        named = _named(file, layer)
        lacking = sum(file.layer(one.blob, layer) is None for one in named)
        if lacking:
            yield f"{lacking} of {len(named)} {word} still on their way"
    if state.not_understood:
        yield f"{len(state.not_understood)} records need newer software: update, or call the site"


def _named(file: CaseFile, layer: Layer) -> tuple[MediaLayer, ...]:
    return tuple(one for record in file.state.media for one in record.body.layers if one.layer is layer)


def _moments(file: CaseFile, layer: Layer) -> tuple[float, ...]:
    here = [file.layer(one.blob, layer) for one in _named(file, layer)]
    return tuple(sorted(arrived.received_s for arrived in here if arrived))


def _event_s(file: CaseFile, kind: Kind) -> float | None:
    return file.arrived_s(
        event for order in file.state.orders for event in order.events if event.kind == kind
    )


def _stored_s(file: CaseFile) -> float | None:
    numbers = {file.arrival(record).number for record in file.state.replies}
    moments = [sent.stored_s for sent in file.sent if sent.entry_number in numbers and sent.stored_s]
    return min(moments, default=None)


def _media_view(file: CaseFile, record: Record) -> MediaView:
    manifest: Media = record.body
    layers = tuple(_layer_view(file, layer) for layer in sorted(manifest.layers, key=lambda one: one.layer))
    here = [layer for layer in layers if layer.arrived_s is not None]
    best = here[-1] if here else None
    return MediaView(
        record=record.record_id.hex(),
        caption=manifest.caption,
        taken_s=manifest.taken_s,
        layers=layers,
        best=best,
        banner=_banner(layers, best),
    )


def _banner(layers: Sequence[LayerView], best: LayerView | None) -> str:
    """What is shown is always lossy, and says which layer it is and what finer one there will be."""
    if best is None:
        return "no picture yet: its first layer is still on its way"
    finer = [layer.layer for layer in layers if layer.arrived_s is None]
    text = f"{best.layer} layer, lossy (quality {best.quality}), {best.width} by {best.height}"
    if finer:
        return f"{text}; the {finer[-1]} layer is still on its way"
    return text if best.layer == "full" else f"{text}; the original stays at the site"


def _layer_view(file: CaseFile, layer: MediaLayer) -> LayerView:
    here = file.layer(layer.blob, layer.layer)
    return LayerView(
        layer=LAYER_WORDS[layer.layer],
        blob=layer.blob.hex(),
        size_bytes=layer.size_bytes,
        width=layer.width,
        height=layer.height,
        quality=layer.quality,
        arrived_s=here.received_s if here else None,
    )
