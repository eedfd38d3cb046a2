"""How many bytes the pieces of a consult take, beside JSON of the same content and that JSON by zstd-19."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import zstandard

from protocol.ahead import micro_ahead_of
from protocol.bundle import EntryBundle, pack
from protocol.clinical import Note
from protocol.compress import compress
from protocol.entry import SignedEntry, read_entry
from protocol.frames import Data, Offer
from protocol.framing import encode_frame
from protocol.header import BundleHeader, Priority, Suite, encode_header
from protocol.ids import Incarnation, seal_tag_of
from protocol.micro import MicroBundle, read_micro, write_micro
from protocol.records import NewRecord, Reference, Relation
from protocol.sealing import HPKE_OVERHEAD_BYTES
from protocol.small_seal import MESSAGE_OVERHEAD_BYTES
from protocol.stamps import Stamp
from sfhub.domain.reply_headline import reply_headline_of
from sync.envelope import SealedContent

from . import content
from .consult import Answer, json_of, reply_of, text_of
from .consult_files import Consult, compact_json
from .notes import notes
from .rows import Row
from .series import vitals_series

_SEQUENCE: Final = 300
_ROWS: Final = 20
_SERIES: Final = 5
"""Series of vitals whose mean is told; no single one is a lucky one."""


def wire_rows(consult: Consult | None = None, answer: Answer | None = None) -> list[Row]:
    """Sizes in bytes. `consult` and `answer` are measured in place of the story's where they are given."""
    return [
        *_note_rows(),
        _vitals_row(),
        _case_row(consult),
        *_edit_rows(),
        _headline_row(),
        _reply_headline_row(),
        *_reply_rows(answer),
        *_overhead_rows(),
    ]


def _note_rows() -> list[Row]:
    """Notes that no training has seen, against zstd of the same UTF-8."""
    ours: dict[str, list[float]] = defaultdict(list)
    naive: dict[str, list[float]] = defaultdict(list)
    for language, text in notes():
        data = text.encode()
        zstd = _zstd_bytes(data)
        ours[language].append(len(compress(data).data) / zstd)
        naive[language].append(len(compact_json({"note": text})) / zstd)
    rows = [
        Row(
            name=f"notes in {language}, as a share of zstd-19",
            value=sum(ours[language]) / len(ours[language]),
            unit="ratio",
            naive=sum(naive[language]) / len(naive[language]),
            zstd=1,
            reach=0.85,
            stretch=0.72,
        )
        for language in ours
    ]
    note = content.note()
    own = Row(
        name=f"the story's note of {len(note.text)} characters",
        value=len(compress(note.text.encode()).data),
        unit="B",
        naive=len(compact_json({"note": note.text})),
        zstd=_zstd_bytes(note.text.encode()),
    )
    return [*rows, own]


def _vitals_row() -> Row:
    """What 20 rows add to an entry."""
    without = len(pack(_bundle(content.introduced([content.note()]))))
    ours, naive, zstd = [], [], []
    for seed in range(_SERIES):
        series = vitals_series(seed, _ROWS)
        ours.append(len(pack(_bundle(content.introduced([content.note(), *series])))) - without)
        data = json_of(series)
        naive.append(len(data))
        zstd.append(_zstd_bytes(data))
    return Row(
        name="20 rows of vitals, 8 signals, 6 % gaps",
        value=sum(ours) / _SERIES,
        unit="B",
        naive=sum(naive) / _SERIES,
        zstd=sum(zstd) / _SERIES,
        reach=160,
        stretch=90,
    )


def _case_row(consult: Consult | None) -> Row:
    entry, data = text_of(consult)
    return Row(
        name="text of a case, sealed and signed, in a session",
        value=in_session_bytes(content.sealed(_bundle(entry))),
        unit="B",
        naive=len(data),
        zstd=_zstd_bytes(data),
        reach=1_100,
        stretch=900,
    )


def _edit_rows() -> list[Row]:
    """One value of a note that the hub holds is corrected: the note again, and what it supersedes."""
    note = content.note()
    base = content.signed([NewRecord(note)])
    changed = note.text.replace("98/60", "92/58")
    edited = NewRecord(
        Note(language=note.language, text=changed),
        refs=(Reference(Relation.SUPERSEDES, _first_record_id(base)),),
    )
    edit = content.signed([edited], counter=2)
    whole = content.sealed(_bundle(edit))
    after = content.sealed(_bundle(edit), base=base)
    ahead = micro_ahead_of(edit, base)
    if ahead is None:
        raise ValueError("the correction does not go ahead of itself")
    return [
        Row(
            name="edit of one value in a sent note, signed",
            value=len(after.sealed),
            unit="B",
            naive=len(json_of([Note(language=note.language, text=changed)])),
            reference=len(whole.sealed),
            reach=190,
            stretch=165,
        ),
        Row(
            name="the same in one message ahead of it, small",
            value=_message_bytes(ahead, base=base),
            unit="B",
            reach=100,
            stretch=75,
        ),
    ]


def _headline_row() -> Row:
    headline = content.headline()
    micro = write_micro(
        NewRecord(headline),
        case_id=content.CASE_ID,
        patient_id=content.PATIENT_ID,
        author=content.AUTHOR,
        stamp=Stamp(1, content.NOW_S),
        covers=content.introduced([content.note()]).entry_id,
    )
    return _message_row("headline with everything it can tell, sealed", micro, reach=320, stretch=200)


def _reply_headline_row() -> Row:
    micro = reply_headline_of(content.signed([NewRecord(content.reply())]))
    return _message_row("reply headline, sealed", micro, reach=250, stretch=180)


def _message_row(name: str, micro: MicroBundle, *, reach: float, stretch: float) -> Row:
    data = json_of([read_micro(micro).record.body])
    return Row(
        name=name,
        value=_message_bytes(micro),
        unit="B",
        naive=len(data),
        zstd=_zstd_bytes(data),
        reach=reach,
        stretch=stretch,
    )


def _message_bytes(micro: MicroBundle, *, base: SignedEntry | None = None) -> int:
    """As it goes alone in one satellite message."""
    return len(content.TO_HUB.message_of(content.sealed(micro, base=base), Priority.URGENT))


def _reply_rows(answer: Answer | None) -> list[Row]:
    bundle, asked, data = reply_of(answer)
    whole, after = content.sealed(bundle), content.sealed(bundle, base=asked)
    name = "structured reply, sealed and signed"
    zstd = _zstd_bytes(data)
    return [
        Row(
            name=f"{name}, to a site that holds the case",
            value=len(after.sealed),
            unit="B",
            naive=len(data),
            zstd=zstd,
            reference=len(whole.sealed),
            reach=480,
            stretch=380,
        ),
        Row(
            name=f"{name}, an emergency: whole", value=len(whole.sealed), unit="B", naive=len(data), zstd=zstd
        ),
    ]


def _overhead_rows() -> list[Row]:
    """What sealing, signing and addressing cost, whatever is inside."""
    bundle = _bundle(content.introduced([content.note()]))
    sealed = content.sealed(bundle)
    signature = len(bundle.entries[0].signature)
    seal_and_signature = HPKE_OVERHEAD_BYTES + signature
    piece = encode_frame(Data(handle=1, offset=0, data=sealed.sealed))
    return [
        Row(
            name="seal + signature + header: full, relayed",
            value=seal_and_signature + len(_header(sealed)),
            unit="B",
            reach=152,
        ),
        Row(
            name="seal + signature + header: full, by a session's handle",
            value=seal_and_signature + len(piece) - len(sealed.sealed) + 1,
            unit="B",
            reach=120,
        ),
        Row(
            name="the offer that introduces a handle, once a bundle",
            value=len(encode_frame(_offer(sealed))),
            unit="B",
        ),
        Row(name="seal + header: small, alone", value=MESSAGE_OVERHEAD_BYTES, unit="B", reach=24),
    ]


def in_session_bytes(sealed: SealedContent) -> int:
    """The offer and the data that carry it, framed."""
    data = Data(handle=1, offset=0, data=sealed.sealed)
    return len(encode_frame(_offer(sealed))) + len(encode_frame(data))


def _offer(sealed: SealedContent) -> Offer:
    return Offer(
        handle=1,
        incarnation=None,
        sequence=_SEQUENCE,
        bundle_id=sealed.bundle_id,
        seal_tag=seal_tag_of(sealed.sealed),
        priority=Priority.URGENT,
        dwell_code=21,
        recipient_key=sealed.recipient_key,
        size_bytes=len(sealed.sealed),
    )


def _header(sealed: SealedContent) -> bytes:
    return encode_header(
        BundleHeader(
            suite=Suite.HPKE,
            destination=content.TO_HUB.destination,
            origin=content.TO_HUB.origin,
            incarnation=Incarnation(b"life"),
            sequence=_SEQUENCE,
            recipient_key=sealed.recipient_key,
            bundle_id=sealed.bundle_id,
            seal_tag=seal_tag_of(sealed.sealed),
            priority=Priority.URGENT,
            dwell_code=21,
            size_bytes=len(sealed.sealed),
        )
    )


def _bundle(*entries: SignedEntry) -> EntryBundle:
    return EntryBundle(entries)


def _first_record_id(entry: SignedEntry) -> Any:
    return read_entry(entry).records[0].record_id


def _zstd_bytes(data: bytes) -> int:
    """Plain zstd at its usual best level, without the fields that a fixed format can do without."""
    parameters = zstandard.ZstdCompressionParameters.from_level(
        19,
        source_size=len(data),
        format=zstandard.FORMAT_ZSTD1_MAGICLESS,
        write_content_size=False,
        write_checksum=False,
        write_dict_id=False,
    )
    return len(zstandard.ZstdCompressor(compression_params=parameters).compress(data))
