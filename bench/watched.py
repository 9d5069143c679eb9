"""The real bot, or the bare one, with a probe in its event loop that writes down the longest pause."""

from __future__ import annotations

import asyncio
import os
import runpy
import sys
from pathlib import Path
from typing import Any

TICK = 0.005  # seconds between two looks at the clock


async def watch(path: Path) -> None:
    """Write down how late the loop ever was, in seconds; the file's removal begins anew."""
    loop, worst = asyncio.get_running_loop(), 0.0
    while True:
        before = loop.time()
        await asyncio.sleep(TICK)
        late = loop.time() - before - TICK
        if not path.exists():
            worst, late = 0.0, 0.0
            path.write_text("0")
        if late > worst:
            worst = late
            path.write_text(f"{worst:.6f}")


def main() -> None:
    """Run the module that BENCH_MODULE names, and watch its loop."""
    original = asyncio.runners.Runner.run

    def run(self: Any, main: Any, **options: Any) -> Any:
        async def both() -> Any:
            watching = asyncio.create_task(watch(Path(os.environ["BENCH_PAUSES"])))
            try:
                return await main
            finally:
                watching.cancel()

        return original(self, both(), **options)

    asyncio.runners.Runner.run = run  # type: ignore[method-assign, assignment]
    module = os.environ["BENCH_MODULE"]
    sys.argv[0] = module
    runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main()
