"""What a user sees of a training while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from discovery.commands.console import Terminal


@contextmanager
def watched(
    terminal: Terminal, *, shown: bool
) -> Iterator[tuple[Callable[[str, int, int], None] | None, Callable[[dict[str, Any]], None] | None]]:
    """Show the progress and one line an epoch; a process that is not the first of several shows nothing."""
    if not shown:
        yield None, None
        return

    def report(row: dict[str, Any]) -> None:
        terminal.say(
            f"epoch {row['epoch']:3d}  training loss {row['training_loss']:.4f}  validation loss {row['validation_loss']:.4f}  "
            f"accuracy {100 * row['validation_accuracy']:.2f} %  macro-F1 {row['validation_macro_f1']:.4f}"
        )

    with terminal.progress("train") as move:
        yield lambda what, done, whole: move(done, whole, what), report
