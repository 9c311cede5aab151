"""Carries out one job in a process of its own: ``python -m advisor.interfaces.service.jobs.worker``.

The first line of standard input is the order. The pipe stays open as a sign that the service lives: when it closes,
this process writes its checkpoint and ends. Standard output takes events, one line of JSON each; the last one has the
kind ``end``. Without such a line the process died, and the service starts another, which goes on from the checkpoint.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from advisor.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_UNUSABLE, AdvisorError, Finding
from advisor.framework import own_process
from advisor.interfaces.service.jobs.limits import limit_this_process
from advisor.interfaces.service.jobs.records import JobOrder
from advisor.interfaces.service.jobs.telling import Teller

MODESTY = 5
"""How much a training yields to the server, which has advice to give meanwhile (`nice`)."""


def carry_out_order(order: JobOrder, data: Path, out: Path, teller: Teller) -> bool:
    """Carry out an order, or go on where an earlier process stopped.

    Args:
        order: What is asked.
        data: File name of the data set in the working folder, so that no document of the run knows another path.
        out: The run folder.
        teller: Is told of everything that happens.

    Returns:
        Whether the run is finished; it isn't when this process was told to stop.

    Raises:
        AdvisorError: If the order can't be carried out.
    """
    from advisor.pipeline import Interrupted, Request, carry_out
    from advisor.recommendation import Recommendation

    options = {name: value for name, value in order.options.items() if value is not None}
    decided = None if order.recommendation is None else Recommendation.from_json(json.dumps(order.recommendation))
    request = Request(
        data=data,
        target=order.target,
        given=order.problem,
        recommendation=decided,
        rulebook=order.rulebook,
        split_column=options.pop("split_column", None),
        seed=order.seed,
        time_budget=order.time_budget_seconds,
        data_kind=options.pop("data_kind", None),
        data_options=options,
        exports=order.exports,
    )
    try:
        carry_out(request, out, resume=True, progress=teller)
    except Interrupted:
        return False
    return True


def main() -> None:
    """Carry out the order that comes on standard input."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What libraries print must not come between the events.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # A service that was started in the background ignores Ctrl-C, and hands that on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    asked: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    limit_this_process(cpu_seconds=asked["cpu_seconds"])
    os.nice(MODESTY)
    own_process()
    threading.Thread(target=_stop_with_the_service, args=(asked["grace_seconds"],), daemon=True).start()
    code = _work(asked, events)
    # Threads of the framework have nothing left to do, and could only keep the process from ending.
    sys.stderr.flush()
    os._exit(code)


def _work(asked: dict[str, Any], events: BinaryIO) -> int:
    teller = Teller(events)
    order = JobOrder.from_document(asked["order"])
    try:
        if not carry_out_order(order, Path(asked["data"]), Path(asked["out"]), teller):
            return EXIT_INTERRUPTED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except AdvisorError as error:
        teller.tell("end", {"finding": error.findings[0].as_dict()})
        return error.exit_code
    except BrokenPipeError:
        return EXIT_INTERRUPTED
    except MemoryError:
        finding = Finding("J120", "", "the job takes more memory than the service allows.", "Send fewer rows.")
        teller.tell("end", {"finding": finding.as_dict()})
        return EXIT_UNUSABLE
    except Exception:  # the last resort: said in the log in full, and to the client without any of it
        traceback.print_exc()
        finding = Finding(
            "J121", "", "the training failed by a fault of the program.", "The job's log on the server has it."
        )
        teller.tell("end", {"finding": finding.as_dict()})
        return EXIT_UNUSABLE
    teller.tell("end", {"finding": None})
    return EXIT_DONE


def _stop_with_the_service(seconds: float) -> None:
    """Wait until the service is gone; then ask the training to stop, and end after a while in any case."""
    while os.read(sys.stdin.fileno(), 4096):
        continue
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(seconds)
    os._exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
