"""What happens when somebody clicks: on the panel's own loop, one failure at a time, told in words.

A front end's message may arrive on another thread than the one whose loop answers questions, a handler that is
`async` is never awaited by ipywidgets, and what a handler raises is only logged. `guarded()` settles all three.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from finassist.core.errors import FinassistError
from finassist.core.redaction import redact

type Handler = Callable[..., Coroutine[Any, Any, None] | None]

NO_LOOP = "This panel lives in a notebook: open it in a cell of JupyterLab, Jupyter Notebook or Voilà."


class Guard:
    """Runs handlers on the loop that runs where the panel is built, and says what went wrong.

    Args:
        complain: Shows a sentence in the panel.
        secrets: Keys that no sentence may repeat.

    Attributes:
        closed: Whether the panel is gone.
        last_error: What the last handler that failed raised, for whoever wants the details.
    """

    def __init__(self, complain: Callable[[str], None], secrets: Callable[[], tuple[str, ...]]) -> None:
        self._complain, self._secrets = complain, secrets
        self._loop = _running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self.closed = False
        self.last_error: BaseException | None = None

    def guarded(self, handler: Handler) -> Callable[..., None]:
        """A callback for a widget: any thread, any arguments, never raises."""

        def callback(*args: Any) -> None:
            self._loop = self._loop or _running_loop()
            if self._loop is None:
                self._complain(NO_LOOP)
            elif not self.closed and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._handle, handler, args)

        return callback

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it as a task that is held on to until it is done; call it on the panel's loop."""
        task = asyncio.ensure_future(self._watched(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def ready(self) -> bool:
        """Whether there is a running loop here to work on."""
        return _running_loop() is not None

    def close(self) -> None:
        """Stop what is under way; later messages are ignored."""
        self.closed = True
        for task in self._tasks:
            task.cancel()

    async def idle(self) -> None:
        """Wait until nothing that was started is under way."""
        while others := [task for task in self._tasks if task is not asyncio.current_task()]:
            await asyncio.wait(others)

    def note(self, error: BaseException) -> None:
        """Keep it for whoever wants the details."""
        self.last_error = error

    def words(self, error: BaseException) -> str:
        """What went wrong, as a sentence with what to do next and without keys."""
        if isinstance(error, FinassistError):
            return redact(str(error), self._secrets())
        return (
            f"Something unexpected went wrong ({type(error).__name__}). The next click works; if it happens again, "
            "report it with what `panel.last_error` says."
        )

    def _handle(self, handler: Handler, args: tuple[Any, ...]) -> None:
        if self.closed:
            return
        try:
            work = handler(*args)
        except Exception as error:  # noqa: BLE001  said in the panel, where the person looks
            self._failed(error)
        else:
            if work is not None:
                self.start(work)

    async def _watched(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001  see _handle
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        self.last_error = error
        if not self.closed:
            self._complain(self.words(error))


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
