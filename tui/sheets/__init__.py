"""From views to lines: what each screen says, as pure functions of a view, a width and the time."""
