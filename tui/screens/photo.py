"""Add a photograph: its path, completed from the folder with the newest first, and what it shows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from sfnode.views import CaseView, PhotoView
from tui.inert import inert
from tui.lines import EMPTY, Line, Row, Span, Tone, columns, line, row
from tui.moments import moment, size
from tui.photo_folder import Listed, absolute_file, find_pictures
from tui.widgets import Sheet
from tui.widgets.form import FormBody, FormField, Need

from .form import FormPage, NotYet


class PhotoPage(FormPage):
    """The daemon makes the layers and removes the camera's data; nothing goes before the case is sent."""

    TITLE_WORDS = "photograph"
    save_words = "Add the photograph"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "pick(1)", "next file", show=False),
        Binding("up", "pick(-1)", "file before", show=False),
        Binding("right", "take", "take the file", show=False),
    ]

    def __init__(self, view: CaseView) -> None:
        super().__init__(f"photo {view.row.case}")
        self._view = view
        self._listed: tuple[Listed, ...] = ()
        self._looked_for: str | None = None
        self._photo: PhotoView | None = None

    def fields(self) -> Sequence[FormField]:
        return (
            FormField(
                key="path", label="File", need=Need.TO_SAVE, hint="arrows pick from the list, Enter takes it"
            ),
            FormField(
                key="caption", label="What it shows", need=Need.TO_SAVE, hint="paper ECG; left hand, palm"
            ),
        )

    def intro(self, width: int) -> tuple[Line, ...]:
        who = line(" ", Span("PHOTOGRAPH", Tone.HEADING), "   ", Span(self._view.row.patient, Tone.STRONG))
        return (
            who,
            line(
                " ",
                Span("No face or name where it can be helped; a ruler beside what is measured.", Tone.FAINT),
            ),
            EMPTY,
        )

    def body(self) -> Iterable[Widget]:
        yield from super().body()
        yield Sheet(self._rows, id="files")

    def on_mount(self) -> None:
        if not self.form.answers["path"]:
            self.form.fill({"path": str(self.shell.photo_folder) + os.sep})
        self._look()

    def changed(self, answers: Mapping[str, str]) -> None:
        self._look()

    def on_form_body_entered(self, message: FormBody.Entered) -> None:
        """Enter in the path first takes the file that the cursor is on."""
        if message.key == "path" and self._take_listed():
            message.prevent_default()

    def on_sheet_chosen(self, message: Sheet.Chosen) -> None:
        message.stop()
        self._take_listed()

    def action_pick(self, steps: int) -> None:
        self.query_one("#files", Sheet).action_move(steps)

    async def save(self, answers: Mapping[str, str]) -> None:
        path = absolute_file(answers["path"])
        if path is None:
            raise NotYet("That is no file: pick a picture in the list.")
        self.say("Making the small layers: a few seconds ...")
        self._photo = await self.shell.daemon.add_photo(self._view.row.case, path, answers["caption"])

    def saved(self) -> None:
        layers = (
            ", ".join(f"{layer.layer} {size(layer.size_bytes)}" for layer in self._photo.layers)
            if self._photo
            else ""
        )
        removed = " Camera data removed." if self._photo and self._photo.metadata_removed else ""
        self.shell.leave(f"Photograph saved: {layers}.{removed}")
        self.shell.reload()

    def _look(self) -> None:
        path = self.form.answers["path"]
        if path == self._looked_for:
            return
        self._looked_for = path
        self._listed = find_pictures(path)
        self.query_one("#files", Sheet).renew()

    def _take_listed(self) -> bool:
        """Put the file under the cursor into the path; whether that changed it."""
        cursor = self.query_one("#files", Sheet).cursor
        chosen = next((each for each in self._listed if each.path == cursor), None)
        if chosen is None:
            return False
        path = chosen.path + os.sep if chosen.is_folder else chosen.path
        changed = path != self.form.answers["path"]
        self.form.fill({"path": path})
        if changed and not chosen.is_folder:
            self.form.go_to("caption")
        return changed

    def _rows(self, width: int) -> list[Row]:
        if not self._listed:
            return [row(Span("No picture here. Type another folder.", Tone.FAINT))]
        widths = [width - 13 - 8 - 4, -8, -13]
        return [
            Row(
                (
                    columns(
                        [
                            Span(inert(each.name) + (os.sep if each.is_folder else "")),
                            Span("folder" if each.is_folder else size(each.size_bytes), Tone.FAINT),
                            Span(
                                "" if each.is_folder else moment(each.changed_s, self.shell.now_s), Tone.FAINT
                            ),
                        ],
                        widths,
                    ),
                ),
                each.path,
            )
            for each in self._listed
        ]
