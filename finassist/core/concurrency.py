"""Tasks that settle, work that is shared, and the one bridge from sync code to async: a private loop in a thread.

A notebook cell already has a running loop, and a sync function cannot await on it. So sync code hands a coroutine
to the private loop and reads what it posts from a thread-safe inbox, whether it is called in a script, in a thread, or
in a cell. This module is the only one that calls `asyncio.run`.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import os
import threading
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any
from weakref import WeakKeyDictionary

from finassist.core.errors import BridgeError

_LAST_SECONDS = 2.0
_BACKGROUND_SECONDS = 5.0
_POLL_SECONDS = 0.05

type Post = Callable[[Any], None]
type Background = Future[None]


# --------------------------------------------------------------------------------------------------------------- tasks


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs here, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def settle(task: asyncio.Task[Any]) -> None:
    """Wait until `task` is done, however often the waiting itself is cancelled meanwhile."""
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue


def cancelling() -> bool:
    """Whether the current task is being cancelled; if not, a `CancelledError` was raised by what it awaited."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def to_the_end[T](work: Coroutine[Any, Any, T]) -> T:
    """What the work returns; cancelled, this ends when the work does."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    finally:
        await settle(task)


async def in_thread[**P, T](work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """`asyncio.to_thread`; cancelled, it ends when the thread does: what is written is written in order."""
    return await to_the_end(asyncio.to_thread(work, *args, **options))


async def in_daemon[**P, T](work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """`asyncio.to_thread` for code that may never return: nothing else waits for its thread, not even the exit."""
    done, context = Future[T](), contextvars.copy_context()

    def run() -> None:
        try:
            done.set_result(context.run(work, *args, **options))
        except BaseException as error:  # noqa: BLE001  raised where it is awaited
            done.set_exception(error)

    threading.Thread(target=run, name="finassist-source", daemon=True).start()
    return await asyncio.shield(asyncio.wrap_future(done))


async def left_behind[T](work: Coroutine[Any, Any, T]) -> T:
    """What the work returns; cancelled, this ends soon, whether or not the work does."""
    task = asyncio.create_task(work, name="finassist-source")
    try:
        await asyncio.wait([task])
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            await asyncio.wait([task], timeout=_LAST_SECONDS)
    return task.result()


_BEGINNING: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def begin_in_turn() -> None:
    """Wait until it is the caller's turn to begin: of thousands begun at once, one begins in each turn of the loop."""
    async with _BEGINNING.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        await asyncio.sleep(0)


@dataclass(slots=True)
class _Shared[Result]:
    task: asyncio.Task[Result]
    waiters: int = 0


class InFlight[Result]:
    """Runs each piece of work once for all who ask for the same while it runs.

    A caller that is cancelled leaves the others waiting; when the last one leaves, the work is cancelled too, and has
    ended before `join` does. Belongs to one loop.
    """

    def __init__(self) -> None:
        self._shared: dict[str, _Shared[Result]] = {}

    async def join(self, key: str, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What `work()` returns, begun now or earlier under the same key."""
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = _Shared(asyncio.create_task(work(), name="finassist-request"))
            shared.task.add_done_callback(lambda task, shared=shared: self._end(key, shared, task))
        shared.waiters += 1
        try:
            await asyncio.wait([shared.task])
        finally:
            shared.waiters -= 1
            if not shared.waiters and not shared.task.done():
                self._forget(key, shared)
                shared.task.cancel()
                await settle(shared.task)
        return shared.task.result()

    def _end(self, key: str, shared: _Shared[Result], task: asyncio.Task[Result]) -> None:
        self._forget(key, shared)
        if not task.cancelled():
            task.exception()  # else asyncio complains about an exception that no waiter was left to see

    def _forget(self, key: str, shared: _Shared[Result]) -> None:
        if self._shared.get(key) is shared:
            del self._shared[key]


# ---------------------------------------------------------------------------------------------------- the private loop


@dataclass(frozen=True, slots=True)
class Ended:
    """The coroutine is done."""

    task: asyncio.Task[Any]

    def result(self) -> Any:
        """What it returned; raises what it raised."""
        return self.task.result()


class Errand:
    """A request from the private loop that the calling thread answers."""

    def __init__(self, request: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.request = request
        self.answered: asyncio.Future[Any] = loop.create_future()
        self._loop = loop

    def answer(self, reply: Any) -> None:
        """Hand the reply to the waiting coroutine. Called on the calling thread."""
        self._loop.call_soon_threadsafe(self._settle, reply)

    def _settle(self, reply: Any) -> None:
        if not self.answered.done():
            self.answered.set_result(reply)


class Inbox:
    """What the coroutine posts, read on the calling thread."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self.post: Post = self._queue.put
        self.ended = threading.Event()

    def receive(self, timeout: float) -> Any:
        """The next thing posted, or `None` if nothing came in time."""
        try:
            return self._queue.get(timeout=timeout)
        except Empty:
            return None

    def close(self, task: asyncio.Task[Any]) -> None:
        """Called on the private loop when the coroutine is done."""
        self.post(Ended(task))
        self.ended.set()


def _run(serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        asyncio.run(serve())
    except RuntimeError as error:
        # All is closed by then, but for the loop's pool of threads: Python 3.12 wants a new thread to wait for those,
        # and starts none any more when the process ends. Their makers wait for them.
        if "interpreter shutdown" not in str(error):
            raise


class Bridge:
    """One private loop, started when first needed; it lives as long as the process."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._callers: list[threading.Thread] = []
        self._background: set[Background] = set()
        self._forget()

    def _forget(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._over = asyncio.Event()
        self._pid = os.getpid()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The private loop; started on first use, and again in a forked process, which has no such thread."""
        with self._starting:
            if self._pid != os.getpid():
                self._forget()
            if self._loop is None:
                self._loop = self._begin()
            return self._loop

    def _begin(self) -> asyncio.AbstractEventLoop:
        ready: SimpleQueue[asyncio.AbstractEventLoop] = SimpleQueue()
        self._over = over = asyncio.Event()

        async def serve() -> None:
            ready.put(asyncio.get_running_loop())
            await over.wait()

        self._thread = threading.Thread(target=_run, args=(serve,), name="finassist-bridge", daemon=True)
        self._thread.start()
        return ready.get()

    def stop(self, seconds: float = _LAST_SECONDS, background: float = _BACKGROUND_SECONDS) -> None:
        """End the private loop: what runs on it is cancelled, and what is open on it is closed.

        Called when the process ends. A thread that the process waits for anyway is served to its end first, and work
        in the background has some seconds: a process that asks one question summarises its conversation too. What
        does not let itself be cancelled in time is left alone. Whoever needs the loop later gets a new one.
        """
        while self._is_waited_for():
            threading.Event().wait(_POLL_SECONDS)
        if self._pid == os.getpid():
            wait(list(self._background), background)
        with self._starting:
            loop, thread = self._loop, self._thread
            if loop is None or thread is None or self._pid != os.getpid() or thread is threading.current_thread():
                return
            with suppress(RuntimeError):  # it has ended already
                loop.call_soon_threadsafe(self._over.set)
            thread.join(seconds)
            self._forget()

    def _is_waited_for(self) -> bool:
        callers = list(self._callers)
        return any(each.is_alive() and not each.daemon and each is not threading.main_thread() for each in callers)

    def check_caller(self) -> None:
        """Refuse to be waited for from the private loop itself.

        Raises:
            BridgeError: The caller runs on the private loop and would wait for itself.
        """
        if self._thread is not None and threading.current_thread() is self._thread:
            raise BridgeError(
                "run() was called on the private data loop and would wait for itself. "
                "Inside a data provider, use `await workflow.arun(...)` instead."
            )

    @contextmanager
    def start(self, work: Callable[[Post], Coroutine[Any, Any, Any]]) -> Generator[Inbox]:
        """Run `work(post)` on the private loop; on leaving early it is cancelled and waited for."""
        self.check_caller()
        inbox = Inbox()
        started: list[asyncio.Task[Any]] = []

        def begin() -> None:
            task = asyncio.get_running_loop().create_task(work(inbox.post), name="finassist-gather")
            task.add_done_callback(inbox.close)
            started.append(task)

        with self._waiting():
            loop = self.loop
            loop.call_soon_threadsafe(begin, context=contextvars.copy_context())
            try:
                yield inbox
            finally:
                if not inbox.ended.is_set():
                    loop.call_soon_threadsafe(lambda: started[0].cancel())
                    inbox.ended.wait()

    @contextmanager
    def _waiting(self) -> Generator[None]:
        """Inside, it is known that this thread waits for the loop."""
        caller = threading.current_thread()
        self._callers.append(caller)
        try:
            yield
        finally:
            self._callers.remove(caller)

    def spawn(self, work: Coroutine[Any, Any, None]) -> Background:
        """Run `work` on the private loop in the background."""
        task = asyncio.run_coroutine_threadsafe(work, self.loop)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


bridge = Bridge()


def _at_exit(stop: Callable[[], None]) -> None:
    """Have `stop` called when the main thread is done, while other threads can still finish what they do.

    `atexit` comes too late: no thread starts any more then, and closing a database may need one. What is registered
    later is called earlier, so the threads of `asyncio.to_thread` are imported first: they are stopped after us.
    """
    import concurrent.futures.thread  # noqa: F401  # pyright: ignore[reportUnusedImport]

    getattr(threading, "_register_atexit", atexit.register)(stop)


_at_exit(bridge.stop)
